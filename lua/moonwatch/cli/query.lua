--- query.lua - `moonwatch query`: PromQL, answered as a table, JSON, CSV or a small plot.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "query EXPR [--at T | --from T --to T --step D] [-o table|json|csv|plot]"
M.help = "evaluate PromQL; T is a time, a unix time or -1h"

local FLAGS = { at = "value", from = "value", to = "value", step = "value", o = "value" }

-- "-1h" is an hour ago; otherwise a time as the API takes it.
local function moment(ctx, text, default)
  if not text then return default end
  local back = text:match "^%-(.+)$" or text:match "^now%-(.+)$"
  local seconds = back and ctx.host.duration(back)
  if seconds then return ctx.host.now() - seconds end
  if text == "now" then return ctx.host.now() end
  return ctx.host.parse_time(text) or tonumber(text)
end

local function series_name(metric)
  local parts = {}
  for name, value in pairs(metric) do
    if name ~= "__name__" then parts[#parts + 1] = ("%s=%q"):format(name, value) end
  end
  table.sort(parts)
  local labels = #parts > 0 and "{" .. table.concat(parts, ", ") .. "}" or ""
  local text = (metric.__name__ or "") .. labels
  return text ~= "" and text or "{}"
end

-- Every point as { series, time, value }, whatever the type of the answer.
local function points(data)
  if data.resultType == "scalar" or data.resultType == "string" then return { { data.resultType, data.result[1], data.result[2] } } end
  local out = {}
  for _, row in ipairs(data.result) do
    for _, point in ipairs(row.values or { row.value }) do out[#out + 1] = { series_name(row.metric), point[1], point[2] } end
  end
  return out
end

local BARS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

local function spark(values)
  local low, high = math.huge, -math.huge
  for _, point in ipairs(values) do
    local v = tonumber(point[2])
    if v and v == v and math.abs(v) < math.huge then low, high = math.min(low, v), math.max(high, v) end
  end
  local out = {}
  for i, point in ipairs(values) do
    local v = tonumber(point[2])
    local fine = v and v == v and math.abs(v) < math.huge
    out[i] = fine and BARS[high > low and math.floor((v - low) / (high - low) * 7 + 0.5) + 1 or 1] or " "
  end
  return table.concat(out), low, high
end

local show = {}

function show.json(ctx, data) ctx.out(ctx.host.json.encode(data) .. "\n") end

function show.csv(ctx, data)
  ctx.out "series,time,value\n"
  for _, p in ipairs(points(data)) do
    ctx.out(('"%s",%s,%s\n'):format(p[1]:gsub('"', '""'), ctx.host.rfc3339(p[2]), p[3]))
  end
end

function show.table(ctx, data)
  local rows, range = { { "SERIES", "VALUE" } }, data.resultType == "matrix"
  if range then rows[1] = { "SERIES", "TIME", "VALUE" } end
  for _, p in ipairs(points(data)) do
    rows[#rows + 1] = range and { p[1], ctx.host.rfc3339(p[2]), tostring(p[3]) } or { p[1], tostring(p[3]) }
  end
  ctx.out(client.columns(rows))
end

function show.plot(ctx, data)
  if data.resultType ~= "matrix" then return show.table(ctx, data) end
  for _, row in ipairs(data.result) do
    local line, low, high = spark(row.values)
    ctx.out(("%s\n%s  %g to %g\n"):format(series_name(row.metric), line, low, high))
  end
end

local function path_of(ctx, expr, options)
  local query = "query=" .. client.escape(expr)
  if not options.from then
    local at = moment(ctx, options.at)
    return "/api/v1/query?" .. query .. (at and ("&time=%.3f"):format(at) or "")
  end
  local from, to = moment(ctx, options.from), moment(ctx, options.to, ctx.host.now())
  if not from or not to then return nil end
  local step = options.step or ("%d"):format(math.max(1, math.ceil((to - from) / 100)))
  return ("/api/v1/query_range?%s&start=%.3f&end=%.3f&step=%s"):format(query, from, to, client.escape(step))
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  if #rest ~= 1 then return client.misused(ctx, M, "query takes one EXPR") end
  local out = show[options.o or "table"]
  if not out then return client.misused(ctx, M, "-o is one of table, json, csv, plot") end
  local path = path_of(ctx, rest[1], options)
  if not path then return client.misused(ctx, M, "a time is RFC 3339, unix seconds, or such as -1h") end
  local answer = client.ask(ctx, "GET", path)
  if not answer then return 1 end
  for _, warning in ipairs(answer.warnings or {}) do ctx.err("warning: " .. warning .. "\n") end
  out(ctx, answer.data)
  return 0
end

return M

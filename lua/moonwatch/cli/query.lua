--- query.lua - `moonwatch query`: PromQL, answered as a table, JSON, CSV or a small plot; and queries explained.
local client = require "moonwatch.cli.client"
local explain = require "moonwatch.cli.explain"
local plot = require "moonwatch.cli.plot"
local queries = require "moonwatch.cli.queries"

local M = {}

M.usage = [=[query EXPR [--at T | --from T --to T --step D] [-o table|json|csv|plot]
       moonwatch query --explain EXPR [--plan] [--at T | --from T --to T --step D] [-o json]
       moonwatch query --format EXPR
       moonwatch query --top [--by time|samples|count] [--limit N]
       moonwatch query --cancel ID
       moonwatch query --cardinality [LABEL] [--match SELECTOR]... [--unread] [--limit N]]=]
M.help = "evaluate PromQL; T is a time, a unix time or -1h"
M.details = [[
--explain evaluates EXPR and shows where its time went and what may make it faster; with --plan nothing is evaluated.
--format shows how EXPR is written over several lines.
--top lists the queries that run and those that took the most since the server started; --cancel ends one that runs.
--cardinality counts the series of each metric, or of each value of LABEL, and shows when a query last named the metric;
  --unread shows only metrics that none named.]]

local FLAGS = { at = "value", from = "value", to = "value", step = "value", o = "value", explain = "switch", plan = "switch",
  format = "switch", top = "switch", by = "value", limit = "value", cancel = "value", cardinality = "switch", match = "list",
  unread = "switch" }

-- "-1h" is an hour ago; otherwise a time as the API takes it.  nil: TEXT is none.
local function moment(ctx, text)
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

local show = {}

function show.json(ctx, data) client.json(ctx, data) end

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

-- What happened in SPAN; a server that knows no marks has none.
local function marks_of(ctx, span)
  local status, body = client.request(ctx, "GET", ("/api/mw/v1/marks?from=%.3f&to=%.3f"):format(span.from, span.to))
  return status == 200 and type(body) == "table" and body.marks or {}
end

function show.plot(ctx, data, span)
  if data.resultType ~= "matrix" or not span then return show.table(ctx, data) end
  local rows = {}
  for i, row in ipairs(data.result) do rows[i] = { name = series_name(row.metric), values = row.values or {} } end
  plot.show(ctx, rows, span, #rows > 0 and marks_of(ctx, span) or {})
end

-- The parameters of an instant or a range query, which of the two it is, and the times of a range; nil: a time is none.
local function params_of(ctx, expr, options)
  local query = "query=" .. client.escape(expr)
  if not options.from then
    if not options.at then return query, "query" end
    local at = moment(ctx, options.at)
    return at and ("%s&time=%.3f"):format(query, at), "query"
  end
  local from, to = moment(ctx, options.from), moment(ctx, options.to or "now")
  if not from or not to then return nil end
  local step = options.step or ("%d"):format(math.max(1, math.ceil((to - from) / 100)))
  local seconds = tonumber(step) or ctx.host.duration(step)
  local span = seconds and seconds > 0 and { from = from, to = to, step = seconds } or nil
  return ("%s&start=%.3f&end=%.3f&step=%s"):format(query, from, to, client.escape(step)), "query_range", span
end

local NO_TIME = "a time is RFC 3339, unix seconds, or such as -1h"

local function explained(ctx, options, rest)
  if options.o and options.o ~= "json" then return client.misused(ctx, M, "--explain is shown as a tree, or with -o json") end
  local params = params_of(ctx, rest[1], options)
  if not params then return client.misused(ctx, M, NO_TIME) end
  local answer = client.ask(ctx, "GET", "/api/mw/v1/explain?" .. params .. (options.plan and "&analyze=false" or ""))
  if not answer then return 1 end
  if options.o then
    show.json(ctx, answer)
  else
    explain.show(ctx, answer)
  end
  return 0
end

local TIMES = { "at", "from", "to", "step" }

-- What is asked for instead of an answer: the option, how it is done, the least and most arguments, the options it takes.
local OTHERS = {
  { "explain", explained, 1, 1, { "plan", "o", unpack(TIMES) } }, { "format", queries.format, 1, 1, {} },
  { "top", queries.top, 0, 0, { "by", "limit" } }, { "cancel", queries.cancel, 0, 0, {} },
  { "cardinality", queries.cardinality, 0, 1, { "match", "unread", "limit" } },
}
local ANSWER = { [5] = { "o", unpack(TIMES) } }

-- What is wrong with OPTIONS for the question ROW, if anything: an option that would do nothing is a mistake.
local function stray_option(options, row)
  local taken = { [row[1] or "o"] = true }
  for _, name in ipairs(row[5]) do taken[name] = true end
  for name in pairs(options) do
    local dash = #name == 1 and "-" or "--"
    if not taken[name] then return ("%s%s means nothing %s"):format(dash, name, row[1] and "with --" .. row[1] or "here") end
  end
  if options.at and options.from then return "--at is one time, --from the begin of many: give one of them" end
  if not options.from and (options.to or options.step) then return "--to and --step go with --from" end
end

local function other_of(options)
  for _, row in ipairs(OTHERS) do
    if options[row[1]] then return row end
  end
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  local other = other_of(options)
  local stray = stray_option(options, other or ANSWER)
  if stray then return client.misused(ctx, M, stray) end
  if other then
    if #rest >= other[3] and #rest <= other[4] then return other[2](ctx, options, rest) end
    return client.misused(ctx, M, ("--%s takes %s"):format(other[1],
      other[4] == 0 and "no EXPR" or other[3] == 0 and "at most one LABEL" or "one EXPR"))
  end
  if #rest ~= 1 then return client.misused(ctx, M, "query takes one EXPR") end
  local out = show[options.o or "table"]
  if not out then return client.misused(ctx, M, "-o is one of table, json, csv, plot") end
  local params, kind, span = params_of(ctx, rest[1], options)
  if not params then return client.misused(ctx, M, NO_TIME) end
  local answer = client.ask(ctx, "GET", ("/api/v1/%s?%s"):format(kind, params))
  if not answer then return 1 end
  for _, warning in ipairs(answer.warnings or {}) do ctx.err("warning: " .. warning .. "\n") end
  out(ctx, answer.data, span)
  if #answer.data.result > 0 then return 0 end
  ctx.err "nothing matched\n"
  return 1
end

return M

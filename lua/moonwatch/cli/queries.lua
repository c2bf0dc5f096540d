--- queries.lua - what `moonwatch query` tells about queries rather than about their answers: what runs and what
-- cost most, which labels have the most series, how a query is written.
local client = require "moonwatch.cli.client"

local M = {}

local function one_line(text) return (text:gsub("%s+", " ")) end

--- Seconds as a person says them: 0.3ms, 41ms, 2.50s, 3m12s.
function M.took(seconds)
  if seconds < 0.01 then return ("%.1fms"):format(seconds * 1000) end
  if seconds < 1 then return ("%.0fms"):format(seconds * 1000) end
  if seconds < 60 then return ("%.2fs"):format(seconds) end
  return ("%dm%02ds"):format(math.floor(seconds / 60), math.floor(seconds % 60))
end

--- 1204331 -> 1,204,331
function M.number(n)
  local text = ("%.0f"):format(n)
  while true do
    local longer, count = text:gsub("^(%-?%d+)(%d%d%d)", "%1,%2")
    if count == 0 then return text end
    text = longer
  end
end

-- -- what runs, what ran --------------------------------------------------------------------

local function running(ctx, list)
  if #list == 0 then return ctx.out "nothing runs\n" end
  local rows = { { "ID", "AGE", "FROM", "QUERY" } }
  for _, q in ipairs(list) do
    rows[#rows + 1] = { ("%d"):format(q.id), M.took(q.ageSeconds), q.origin ~= "" and q.origin or "-",
      one_line(q.query) .. (q.cancelled and "  (told to end)" or "") }
  end
  ctx.out(client.columns(rows))
  ctx.out "end one with: moonwatch query --cancel ID\n"
end

function M.top(ctx, options)
  local answer = client.ask(ctx, "GET", ("/api/mw/v1/queries?by=%s&limit=%s"):format(client.escape(options.by or "time"),
    client.escape(options.limit or "20")))
  if not answer then return 1 end
  running(ctx, answer.running)
  if #answer.top == 0 then return 0 end
  local rows = { { "TOTAL", "COUNT", "AVG", "MAX", "SAMPLES/QUERY", "FAILED", "QUERY" } }
  for _, q in ipairs(answer.top) do
    rows[#rows + 1] = { M.took(q.totalSeconds), M.number(q.count), M.took(q.avgSeconds), M.took(q.maxSeconds), M.number(q.avgSamples),
      q.failed > 0 and M.number(q.failed) or "-", one_line(q.query) }
  end
  ctx.out("\n" .. client.columns(rows))
  return 0
end

function M.cancel(ctx, options)
  if not options.cancel:match "^%d+$" then
    ctx.err "moonwatch: --cancel takes the ID of a query, as --top lists it\n"
    return 2
  end
  return client.ask(ctx, "DELETE", "/api/mw/v1/queries/" .. options.cancel) and 0 or 1
end

-- -- cardinality ----------------------------------------------------------------------------

local function last_query(ctx, row)
  if row.lastQueried == "never" then return "never" end
  return M.took(math.max(0, ctx.host.now() - row.lastQueried)) .. " ago"
end

function M.cardinality(ctx, options, rest)
  local path = { "/api/mw/v1/cardinality?limit=" .. client.escape(options.limit or "20") }
  if rest[1] then path[#path + 1] = "label=" .. client.escape(rest[1]) end
  for _, selector in ipairs(options.match or {}) do path[#path + 1] = "match[]=" .. client.escape(selector) end
  if options.unread then path[#path + 1] = "unread=1" end
  local answer = client.ask(ctx, "GET", table.concat(path, "&"))
  if not answer then return 1 end
  local names = answer.label == "__name__"
  local rows = { { names and "METRIC" or answer.label, "SERIES", "SHARE" } }
  if names then
    table.insert(rows[1], "QUERIES")
    table.insert(rows[1], "LAST QUERY")
  end
  for _, row in ipairs(answer.top) do
    local line = { row.value, M.number(row.series), ("%.1f%%"):format(row.share * 100) }
    if names then
      table.insert(line, M.number(row.queries))
      table.insert(line, last_query(ctx, row))
    end
    rows[#rows + 1] = line
  end
  ctx.out(client.columns(rows))
  ctx.out(("%s series, %s %s of %s; %s series without it\n"):format(M.number(answer.series), M.number(answer.values),
    answer.values == 1 and "value" or "values", answer.label, M.number(answer.without)))
  if names then ctx.out(("queries are known since %s\n"):format(ctx.host.rfc3339(answer.queriedSince))) end
  return 0
end

-- -- how it is written ----------------------------------------------------------------------

function M.format(ctx, _, rest)
  local answer = client.ask(ctx, "GET", "/api/v1/format_query?query=" .. client.escape(rest[1]))
  if not answer then return 1 end
  ctx.out(answer.data .. "\n")
  return 0
end

return M

--- client.lua - what commands that ask a server share: arguments, requests, tables.
local args_of = require "moonwatch.cli.args"

local M = {}

M.parse = args_of.parse

--- Usage text on stderr, exit status 2.
function M.misused(ctx, command, message)
  ctx.err(("%s\nusage: moonwatch %s\n"):format(message, command.usage))
  return 2
end

--- The most bytes of an answer: that of a server with ten thousand services has megabytes.
M.LARGE = 64 * 1024 * 1024

local function said(body)
  if type(body) == "table" then return body.error and (body.error.message or body.error) or body.message end
  return body
end

--- One request.  Answers its status and the decoded body; nil when there was no answer, and that is said.
function M.request(ctx, method, path, value)
  local headers = { ["content-type"] = "application/json" }
  if ctx.token and ctx.token ~= "" then headers.authorization = "Bearer " .. ctx.token end
  local answer = ctx.host.call("http", { url = ctx.url:gsub("/+$", "") .. path, method = method, headers = headers,
    body = value and ctx.host.json.encode(value) or nil, timeout = 30, max_body = M.LARGE })
  if answer.error then
    ctx.err(("moonwatch: %s: %s\n"):format(ctx.url, answer.error))
    return nil
  end
  return answer.status, answer.body ~= "" and ctx.host.json.decode(answer.body or "") or nil
end

--- GET a body that is no JSON value; nil when it failed, and that is said.
function M.text(ctx, path)
  local headers = {}
  if ctx.token and ctx.token ~= "" then headers.authorization = "Bearer " .. ctx.token end
  local answer = ctx.host.call("http", { url = ctx.url:gsub("/+$", "") .. path, method = "GET", headers = headers, timeout = 300, max_body = M.LARGE })
  if not answer.error and answer.status < 300 then return answer.body or "" end
  local body = not answer.error and ctx.host.json.decode(answer.body or "") or nil
  ctx.err(("moonwatch: %s\n"):format(tostring(answer.error or said(body) or "answered " .. answer.status)))
  return nil
end

--- One request.  Answers the decoded body (true when there is none); nil when it failed, and that is said.
function M.ask(ctx, method, path, value)
  local status, body = M.request(ctx, method, path, value)
  if not status then return nil end
  if status >= 300 then
    for _, problem in ipairs(type(body) == "table" and body.problems or {}) do ctx.err(problem .. "\n") end
    ctx.err(("moonwatch: %s\n"):format(tostring(said(body) or "answered " .. status)))
    return nil
  end
  return body or true
end

--- One GET whose answer is printed as it is.
function M.print(ctx, path)
  local headers = ctx.token and ctx.token ~= "" and { authorization = "Bearer " .. ctx.token } or nil
  local answer = ctx.host.call("http", { url = ctx.url:gsub("/+$", "") .. path, method = "GET", headers = headers, timeout = 30, max_body = M.LARGE })
  if answer.error or answer.status >= 300 then
    local body = answer.body and ctx.host.json.decode(answer.body)
    ctx.err(("moonwatch: %s\n"):format(answer.error or tostring(said(body) or "answered " .. answer.status)))
    return 1
  end
  ctx.out(answer.body)
  return 0
end

--- What a gate is asked with: WITH { name = value }, and who asks.
function M.gate_query(ctx, options, with)
  with.author = options.author or ctx.host.env "USER" or nil
  local out = {}
  for name, value in pairs(with) do out[#out + 1] = name .. "=" .. M.escape(value) end
  table.sort(out)
  return #out > 0 and "?" .. table.concat(out, "&") or ""
end

--- TEXT fit for a URL's query.
function M.escape(text)
  return (text:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- TEXT, which anybody may have written, as one line that tells a terminal nothing but what it shows.
function M.line(text) return (tostring(text):gsub("%c", "?"):gsub("\194[\128-\159]", "?")) end

--- VALUE as one line of JSON.  Exit status 0.
function M.json(ctx, value)
  ctx.out(ctx.host.json.encode(value) .. "\n")
  return 0
end

local function width(cell) return #cell:gsub("[\128-\191]", "") end

--- ROWS as aligned columns, the first row is the head.
function M.columns(rows)
  local widths, lines, out = {}, {}, {}
  for k, row in ipairs(rows) do
    lines[k] = {}
    for i, cell in ipairs(row) do
      lines[k][i] = M.line(cell)
      widths[i] = math.max(widths[i] or 0, width(lines[k][i]))
    end
  end
  for _, row in ipairs(lines) do
    local cells = {}
    for i, cell in ipairs(row) do cells[i] = cell .. (" "):rep(widths[i] - width(cell)) end
    out[#out + 1] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return table.concat(out, "\n") .. "\n"
end

--- Print ROWS, whose first is the head, or the words for NONE.  Exit status 0.
function M.list(ctx, rows, none)
  ctx.out(#rows > 1 and M.columns(rows) or none .. "\n")
  return 0
end

--- Labels but the alert's name: `job=api pod=x`.
function M.labels(labels)
  local out = {}
  for name, value in pairs(labels) do
    if name ~= "alertname" then out[#out + 1] = name .. "=" .. value end
  end
  table.sort(out)
  return #out > 0 and table.concat(out, " ") or "-"
end

--- `name=value` arguments → a table; nil, message.
function M.pairs_of(list)
  local out = {}
  for _, text in ipairs(list) do
    local name, value = text:match "^([%a_][%w_]*)=(.*)$"
    if not name then return nil, ("%q is not LABEL=VALUE"):format(text) end
    out[name] = value
  end
  return out
end

--- The time TEXT: "now", "-5m" (so long ago), RFC 3339 or unix; nil: it is none.
function M.moment(ctx, text)
  local back = text:match "^%-(.+)$" or text:match "^now%-(.+)$"
  local seconds = back and ctx.host.duration(back)
  if seconds then return ctx.host.now() - seconds end
  return text == "now" and ctx.host.now() or ctx.host.parse_time(text) or tonumber(text)
end

--- A command of several deeds, the first argument says which, `list` when there is none: its exit status.  OF: { command=, flags=,
-- does={ NAME = function(ctx, options, rest) }, can="what can it do?", which="say which" when all but `list` take one argument }.
function M.choose(ctx, argv, of)
  local options, rest = M.parse(argv, of.flags)
  if not options then return M.misused(ctx, of.command, rest) end
  local name = table.remove(rest, 1) or "list"
  if not of.does[name] then return M.misused(ctx, of.command, of.can) end
  if of.which and name ~= "list" and #rest ~= 1 then return M.misused(ctx, of.command, of.which) end
  return of.does[name](ctx, options, rest)
end

return M

--- router_reply.lua - the shapes of answers of the router's HTTP doors.
local shapes = require "moonwatch.api.answer"

local M = {}

M.json, M.problem, M.param = shapes.json, shapes.problem, shapes.param

--- Alertmanager's shape of an error: a JSON text; refusals of the request's form carry a number too.
function M.peer_problem(host, status, message)
  if status == 422 then return M.json(host, status, { code = 602, message = message }) end
  return M.json(host, status, message)
end

--- All values of parameter NAME.
function M.params(msg, name)
  local values = msg.query and msg.query[name]
  if values == nil then return {} end
  return type(values) == "table" and values or { values }
end

--- The labels that ?label=name=value says; nil, message.
function M.labels(msg)
  local set = {}
  for _, pair in ipairs(M.params(msg, "label")) do
    local name, value = pair:match "^([^=]+)=(.*)$"
    if not name then return nil, ("bad label %q: write name=value"):format((pair:gsub("%c", " "))) end
    set[name] = value
  end
  return set
end

--- An answer that may come later: BEGIN(done) starts what calls done(answer).
function M.wait(host, msg, begin)
  local answer, waiting
  begin(function(a)
    answer = answer or a
    if waiting then msg.reply(answer) end
  end)
  if answer then return answer end
  waiting = true
  return host.later
end

--- ROWS: list of {method, pattern, handler(router, msg, now, capture...)}.  404 and 405 are answered by WRONG.
function M.dispatch(rows, router, msg, now, wrong)
  local allowed
  for _, row in ipairs(rows) do
    local found = { msg.path:match(row[2]) }
    if found[1] then
      if row[1] == msg.method or row[1] == "GET" and msg.method == "HEAD" then return row[3](router, msg, now, unpack(found)) end
      allowed = true
    end
  end
  if allowed then return wrong(router.host, 405, ("%s is not possible here"):format(msg.method)) end
  return wrong(router.host, 404, ("there is nothing at %s"):format(msg.path))
end

local function wrong(host, status, message)
  return M.problem(host, status, status == 404 and "not_found" or "method_not_allowed", message)
end

--- `dispatch` of a door of ours.
function M.ours(rows, router, msg, now) return M.dispatch(rows, router, msg, now, wrong) end

return M

--- runs.lua - the paths of what people start and stop: canaries and experiments.
--
--   GET  BASE, BASE/NAME           how they stand
--   POST BASE/NAME/start, /stop    { author=, reason=, and what else the word takes }
local answer = require "moonwatch.api.answer"
local audit = require "moonwatch.audit"
local order = require "moonwatch.engine.rules.order"
local rules_of = require "moonwatch.api.rules_of"

local M = {}

--- The object in the body of REQ, and who asks; nil, the refusal.  Its author is whoever signed in, or who they say they are.
function M.read(engine, req)
  local given = answer.said(engine.host, req)
  if not given then return nil, answer.problem(engine.host, 400, "bad_request", "send an object as JSON") end
  local who = audit.who(req, given.author)
  given.author = who.name ~= "unknown" and who.name or nil
  if type(given.reason) ~= "string" then given.reason = nil end
  return given, who
end

local DEED = { start = "started", stop = "stopped" }

-- The handler of POST BASE/NAME/WHAT.
local function tell(kind, what)
  return function(engine, req, now, runner)
    local given, who = M.read(engine, req)
    if not given then return who end
    local ok, why, code = order.give(engine, runner, what, kind.args and kind.args(given) or given, now)
    if not ok then return answer.problem(engine.host, code and 409 or 400, code or "bad_request", why) end
    audit.note(engine.host, kind.word .. "." .. DEED[what], who, { [kind.word] = runner.rule.name, reason = given.reason })
    return answer.json(engine.host, ok == "forwarded" and 202 or 200, kind.row(engine, runner, now))
  end
end

--- The handlers of KIND: { word="canary", plural="canaries", row=function(engine, runner, now) in a list, whole=the same alone,
-- more={ NAME = { METHOD, function(engine, req, now, runner) } } below one, says="start, stop or gate",
-- args=function(given) -> what of it the rule gets; all when there is none }.
function M.paths(kind)
  local base = "/api/mw/v1/" .. kind.plural
  local does = { start = { "POST", tell(kind, "start") }, stop = { "POST", tell(kind, "stop") } }
  for name, row in pairs(kind.more or {}) do does[name] = row end
  return {
    [base] = function(engine, req, now)
      if req.method ~= "GET" then return answer.problem(engine.host, 405, "method", ("GET, or POST to %s/NAME/start"):format(base)) end
      return answer.json(engine.host, 200, { [kind.plural] = rules_of.rows(engine, kind.word, kind.row, now) })
    end,
    [base .. "/*"] = function(engine, req, now, name)
      local runner, none = rules_of.find(engine, kind.word, name)
      if not runner then return none end
      if req.method ~= "GET" then return answer.problem(engine.host, 405, "method", "GET") end
      return answer.json(engine.host, 200, kind.whole(engine, runner, now))
    end,
    [base .. "/*/*"] = function(engine, req, now, name, what)
      local runner, none = rules_of.find(engine, kind.word, name)
      if not runner then return none end
      local f = does[what]
      if not f then return answer.problem(engine.host, 404, "not_found", ("there is nothing called %q: %s"):format(what, kind.says)) end
      if req.method ~= f[1] then return answer.problem(engine.host, 405, "method", f[1]) end
      return f[2](engine, req, now, runner)
    end,
  }
end

return M

--- steps.lua - receivers that are told with several requests.
--
-- A kind's `steps(note, fields, host, ask, now)` is written as if each request waited for its answer: `ask(request, fine)` gives
-- the answer, and an answer that is none of success ends the whole with its outcome, unless its status is in the set FINE.
-- `ask.each(requests)` sends them at once and gives an outcome for each.  What `steps` returns is the outcome; nothing: taken.
local answer = require "moonwatch.to.answer"

local M = {}

-- Send LIST at once; GO(outcomes) when all are answered.
local function send_all(list, kind, fields, tools, go)
  local left, out = #list, {}
  if left == 0 then return go(out) end
  for i, request in ipairs(list) do
    request.tls, request.proxy, request.timeout = request.tls or fields.tls, fields.proxy, request.timeout or fields.timeout or 10
    tools.host.call("http", request, function(reply)
      out[i] = answer.judge(kind.answers, reply, tools.clock(), tools.host)
      out[i].reply = reply
      left = left - 1
      if left == 0 then go(out) end
    end)
  end
end

local function asker()
  local function one(_, request, fine)
    local outcome = coroutine.yield { request }[1]
    if outcome.ok or fine and fine[outcome.status] then return outcome.reply, outcome end
    error { outcome = outcome }
  end
  return setmetatable({ each = coroutine.yield }, { __call = one })
end

--- Tell NOTE through KIND.steps; DONE(outcome).  tools = {host=, clock=}.
function M.run(kind, note, fields, tools, done)
  local seconds, status = 0, nil
  local co = coroutine.create(function() return kind.steps(note, fields, tools.host, asker(), tools.clock()) end)
  local function finish(outcome)
    outcome.reply, outcome.seconds, outcome.status = nil, seconds, outcome.status or status
    done(outcome)
  end
  local function go(given)
    local fine, what = coroutine.resume(co, given)
    if not fine then
      return finish(type(what) == "table" and what.outcome or { retry = false, error = "the message could not be made: " .. tostring(what) })
    end
    if coroutine.status(co) == "dead" then return finish(what or { ok = true }) end
    send_all(what, kind, fields, tools, function(outcomes)
      for _, outcome in ipairs(outcomes) do
        seconds, status = seconds + (outcome.seconds or 0), outcome.status
      end
      go(outcomes)
    end)
  end
  go()
end

return M

--- ask.lua - a question that takes several queries, answered in a turn of its own: rules stay on time meanwhile.
local answers = require "moonwatch.api.answer"
local budget = require "moonwatch.engine.rules.budget"
local turns = require "moonwatch.engine.rules.turn"

local M = {}

-- Run F() for a request at NOW and give its answer to REPLY, at once or later.  True when REPLY was called, false when it will be.
-- With a failure, or when a reload comes in between, REPLY gets nil and why.
local function run(engine, now, f, reply)
  local answered, value = false, nil
  local function give(...)
    if answered then return end
    answered = true
    reply(...)
  end
  local runner = { id = "a question", rule = { word = "question", name = "of the API" }, silent = true, meter = engine.host.meter(budget.limits(engine, {})) }
  function runner.evaluate() value = f() end
  engine.host.meter_begin(runner.meter)
  local turn = turns.begin(engine, runner, now, function()
    if value == nil then give(nil, runner.last_error or "it gave nothing") else give(value) end
  end)
  if not turn then
    if value == nil then give(nil, runner.last_error or "it gave nothing") else give(value) end
    return true
  end
  table.insert(turn.followers, function() give(nil, "other rules were loaded meanwhile: ask again") end)
  return false
end

--- F() gives the answer to the HTTP message REQ; what to return from its handler.
function M.answer(engine, req, now, f)
  local host, at_once, later = engine.host, nil, false
  local function reply(value, why)
    local a = value or answers.problem(host, 422, "not_answered", tostring(why))
    if later then req.reply(a) else at_once = a end
  end
  if run(engine, now, f, reply) then return at_once end
  later = true
  return host.later
end

return M

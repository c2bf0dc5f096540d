--- order.lua - what people tell a rule to do (start, stop), wherever they say it.
--
-- With several nodes only the one that holds the slot of a rule may act; an order that comes to another one goes through the
-- cluster, under the id of the rule, and is done once.
local M = {}

local FRESH = 60 -- seconds after which an order that nobody took is forgotten

--- Tell RUNNER of ENGINE to do WHAT.  True, or nil, message, code; "forwarded" when another node will do it.
function M.give(engine, runner, what, args, now)
  if engine:owns(runner.id) then return runner:order(what, args, now) end
  engine.host.call("cluster.put", { kind = "rule-order", id = runner.id, value = { n = engine.host.random_hex(8), at = now, what = what, args = args } })
  return "forwarded"
end

--- An order of another node: VALUE.
function M.shared(engine, id, value, now)
  local runner = engine.by_id[id]
  if not runner or not runner.order or not engine:owns(id) then return end
  if type(value) ~= "table" or type(value.args) ~= "table" or math.abs(now - (tonumber(value.at) or 0)) > FRESH then return end
  if runner.state.order == value.n then return end
  runner.state.order = value.n
  local ok, why = runner:order(value.what, value.args, now)
  if not ok then engine.host.log("warn", ("%s %q: %s: %s"):format(runner.rule.word, runner.rule.name, tostring(value.what), why)) end
end

return M

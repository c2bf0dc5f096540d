--- probe.lua - the kinds of checks: how each asks, and what it takes for an answer.
--
-- A kind is a function(rule, run, done) in kinds/: done(result) comes once, at once or later; a result is what measure.lua says.
-- run = { host=, guest=function(fn, args, ctx, done), now=, state=, state_was=function(state), name= }.
local M = { kinds = {} }

for _, name in ipairs { "http", "tcp", "dns", "tls", "icmp", "redis", "postgres", "grpc", "exec", "run" } do
  M.kinds[name] = require("moonwatch.check.kinds." .. name)
end

--- The kind of RULE: "http", "tcp", ...
function M.kind(rule)
  for name in pairs(M.kinds) do
    if rule[name] ~= nil then return name end
  end
end

return M

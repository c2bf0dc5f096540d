--- init.lua - a check at work, by what kind it is: most are probed, a heartbeat says something itself.
local heartbeat = require "moonwatch.check.heartbeat"
local rule = require "moonwatch.check.rule"

local M = {}

function M.new(fields, engine)
  return fields.heartbeat and heartbeat.new(fields, engine) or rule.new(fields, engine)
end

return M

--- check_eyes.lua - what specs see of the checks of a node, and how that compares with the blackbox exporter.
local net = require "net"
local proc = require "proc"

local M = {}
M.__index = M

function M.new(node, exporter) return setmetatable({ node = node, exporter = exporter }, M) end

--- The check NAME, once it was probed.
function M:check(name)
  local found
  proc.eventually(function()
    found = self.node:json("/health/" .. net.escape(name))
    return found and found.status ~= "unknown"
  end, 15, name .. " was probed")
  return found
end

--- Its details, when its status is this and its message matches.
function M:is(status, name, message)
  local c = self:check(name)
  assert(status == c.status and (not message or c.message:find(message)), ("%s is %s: %s"):format(name, c.status, c.message))
  return c.details
end

--- The value of a series of NAME; METRIC may have matchers.
function M:value(name, metric)
  local expr = metric:find "{" and (metric:gsub("}", (", check=%q}"):format(name))) or ("%s{check=%q}"):format(metric, name)
  local row = self.node:query(expr)[1]
  return row and tonumber(row.value[2])
end

--- Each of METRICS is what the exporter's MODULE measures at TARGET.  Gives what that measured.
function M:agree(name, module, target, metrics)
  self:check(name)
  local theirs = self.exporter:probe(module, target)
  for _, metric in ipairs(metrics) do
    local ours = self:value(name, metric)
    assert(theirs[metric] and theirs[metric] == ours, ("%s: %s: theirs %s, ours %s"):format(name, metric, tostring(theirs[metric]), tostring(ours)))
  end
  return theirs
end

--- Both have these PHASES of METRIC, and ours are times.
function M:phases(name, metric, theirs, phases)
  for _, phase in ipairs(phases) do
    local what = ('%s{phase="%s"}'):format(metric, phase)
    local seconds = self:value(name, what)
    assert(theirs[what] and seconds and seconds >= 0 and seconds < 2, ("%s: theirs %s, ours %s"):format(what, tostring(theirs[what]), tostring(seconds)))
  end
end

return M

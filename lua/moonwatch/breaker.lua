--- breaker.lua - a circuit breaker as a plain value: closed, open, half-open.
--
-- Closed lets everything through.  `failures` failures in a row, all within `window` seconds, open it.
-- Open refuses until `open` seconds have passed; then half-open lets `probes` calls through: when all
-- of them succeed it closes, one failure opens it again.  It has no clock: `now` is an argument.  All
-- of its state is in plain fields, so it can be written to disk and taken up again with `M.new`.
local M = {}
M.__index = M

local DEFAULTS = { failures = 5, window = 30, open = 30, probes = 1 }
local STATE = { "state", "failed", "opened_at", "out", "passed" }

--- A breaker with the limits of CONFIG and, if given, the state that `saved` (an older `save()`) holds.
function M.new(config, saved)
  local self = setmetatable({ state = "closed", failed = {}, out = 0, passed = 0 }, M)
  for name, default in pairs(DEFAULTS) do self[name] = config and config[name] or default end
  for _, name in ipairs(STATE) do
    if saved and saved[name] ~= nil then self[name] = saved[name] end
  end
  -- Whoever was out probing when it was saved will not come back.
  if saved then self.out = 0 end
  return self
end

function M:save()
  local out = {}
  for _, name in ipairs(STATE) do out[name] = self[name] end
  return out
end

--- May a call be made now?  `true` takes a permit, which must be given back with `ok` or `fail`;
-- `false, when` says when to ask again (nil when that depends on a probe that is out).
function M:allow(now)
  if self.state == "closed" then return true end
  if self.state == "open" then
    if now < self.opened_at + self.open then return false, self.opened_at + self.open end
    self.state, self.out, self.passed = "half-open", 0, 0
  end
  if self.out + self.passed >= self.probes then return false, nil end
  self.out = self.out + 1
  return true
end

--- Would `allow` say yes?  Takes nothing.
function M:ready(now)
  if self.state == "closed" then return true end
  if self.state == "open" then return now >= self.opened_at + self.open, self.opened_at + self.open end
  return self.out + self.passed < self.probes
end

local function trip(self, now)
  self.state, self.opened_at, self.failed, self.out, self.passed = "open", now, {}, 0, 0
end

function M:ok()
  self.failed = {}
  if self.state ~= "half-open" then return end
  self.out, self.passed = math.max(0, self.out - 1), self.passed + 1
  if self.passed >= self.probes then self.state = "closed" end
end

function M:fail(now)
  if self.state == "half-open" then return trip(self, now) end
  if self.state == "open" then return end
  local kept = {}
  for _, t in ipairs(self.failed) do
    if t > now - self.window then kept[#kept + 1] = t end
  end
  kept[#kept + 1] = now
  self.failed = kept
  if #kept >= self.failures then trip(self, now) end
end

--- Give a permit back without a verdict: the call was not judged.
function M:cancel()
  if self.state == "half-open" then self.out = math.max(0, self.out - 1) end
end

return M

--- breaker.lua - a circuit breaker (src/base/breaker.h) that says when it turns.
--
-- `allow(now)` takes a permit, which must be given back with `ok(now, seconds)`, `fail(now, seconds)` or `cancel()`; a no comes
-- with the time to ask again, or nil when that depends on somebody.  `ready(now)` takes nothing.
local new = require("moonwatch.host").breaker

local M = {}
M.__index = M

--- With the limits of CONFIG (words/breaker_rows.lua; nil: 5 failures in 30 s open it for 30 s), and the state that SAVED, an older
-- `save()`, holds.  TURNED(look, now) is called when it opened, half-opened or closed.
function M.new(config, saved, turned)
  local raw, wrong = new(config, saved)
  if not raw then error(wrong, 2) end
  return setmetatable({ raw = raw, config = config, turned = turned, turns = 0 }, M)
end

local function same(a, b)
  a, b = a or {}, b or {}
  for name, value in pairs(a) do if b[name] ~= value then return false end end
  for name in pairs(b) do if a[name] == nil then return false end end
  return true
end

--- OLD goes on with the limits of CONFIG: itself, when they are the same, so that what it counted is not lost.
function M.continue(old, config, turned)
  if not same(old.config, config) then return M.new(config, old:save(), turned) end
  old.turned = turned
  return old
end

local function told(self, now)
  local turns = self.raw:turns()
  if turns == self.turns then return end
  self.turns = turns
  if self.turned then self.turned(self.raw:look(now), now) end
end

function M:allow(now)
  local yes, at = self.raw:allow(now)
  told(self, now)
  return yes, at
end

function M:ready(now) return self.raw:ready(now) end

function M:ok(now, seconds)
  self.raw:ok(now, seconds)
  told(self, now)
end

function M:fail(now, seconds)
  self.raw:fail(now, seconds)
  told(self, now)
end

function M:cancel() self.raw:cancel() end

--- HOW: "open", "closed" or nil.
function M:force(how) self.raw:force(how) end

--- { state=, forced=, cause=, opened_at=, opens_until=, level=, in_row=, calls=, failed=, slow=, refused=, turned= } at NOW.
function M:look(now) return self.raw:look(now) end

--- It stands as SAVED, which another node's breaker said; what it refused itself stays counted.
function M:restore(saved)
  self.raw:restore(saved)
  self.turns = self.raw:turns()
end

--- A plain value for `new`.
function M:save() return self.raw:save() end

return M

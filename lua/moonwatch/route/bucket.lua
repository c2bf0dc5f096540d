--- bucket.lua - a token bucket: `n` in `per` seconds, bursts of up to `burst` (default n).
--
-- Pages take from the same bucket; when it is empty, those of `pages` more in `per` are theirs alone.
local M = {}
M.__index = M

-- A hair below one is one: times are floating-point sums.
local ONE = 1 - 1e-9

--- SAVED: what `save` of an earlier bucket gave.
function M.new(rate, now, saved)
  local self = setmetatable({ n = rate.n, per = rate.per, burst = rate.burst or rate.n, pages = rate.pages or 0, at = now }, M)
  self.tokens, self.reserve = self.burst, self.pages
  if saved and saved.at and saved.at <= now then
    self.tokens, self.reserve, self.at = math.min(self.burst, saved.tokens), math.min(self.pages, saved.reserve), saved.at
  end
  return self
end

function M:save() return { tokens = self.tokens, reserve = self.reserve, at = self.at } end

--- Does it keep to RATE?
function M:same(rate)
  return self.n == rate.n and self.per == rate.per and self.burst == (rate.burst or rate.n) and self.pages == (rate.pages or 0)
end

local function refill(self, now)
  if now <= self.at then return end
  local share = (now - self.at) / self.per
  self.tokens = math.min(self.burst, self.tokens + share * self.n)
  self.reserve = math.min(self.pages, self.reserve + share * self.pages)
  self.at = now
end

--- Is there one to take, for a page when URGENT?
function M:has(now, urgent)
  refill(self, now)
  return self.tokens >= ONE or urgent and self.reserve >= ONE or false
end

--- When there will be one, if nobody takes any.
function M:when(now, urgent)
  if self:has(now, urgent) then return now end
  local at = now + (1 - self.tokens) * self.per / self.n
  if urgent and self.pages > 0 then at = math.min(at, now + (1 - self.reserve) * self.per / self.pages) end
  return at
end

--- Take one; false when there is none.
function M:take(now, urgent)
  if not self:has(now, urgent) then return false end
  local from = self.tokens >= ONE and "tokens" or "reserve"
  self[from] = math.max(0, self[from] - 1)
  return true
end

return M

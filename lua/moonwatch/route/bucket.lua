--- bucket.lua - a token bucket: at most `n` in `per` seconds, bursts of up to `n`.
local M = {}
M.__index = M

function M.new(rate, now)
  return setmetatable({ n = rate.n, per = rate.per, tokens = rate.n, at = now }, M)
end

local function refill(self, now)
  if now > self.at then
    self.tokens = math.min(self.n, self.tokens + (now - self.at) * self.n / self.per)
    self.at = now
  end
end

--- Is there one to take?
function M:has(now)
  refill(self, now)
  return self.tokens >= 1 - 1e-9
end

--- Take one; or false and when one will be there.
function M:take(now)
  refill(self, now)
  -- A hair below one is one: times are floating-point sums.
  if self.tokens >= 1 - 1e-9 then
    self.tokens = math.max(0, self.tokens - 1)
    return true
  end
  return false, now + (1 - self.tokens) * self.per / self.n
end

return M

--- traffic.lua - did both versions get enough requests, and the candidate its share?
--
-- A version that nobody asks has no errors.  A share that is not what the balancer was told says that something else is wrong.
local M = {}

local function round(v) return math.floor(v + 0.5) end

local function share_reason(t, share)
  local low, high = t.share * (1 - t.within), math.min(1, t.share * (1 + t.within))
  if share >= low and share <= high then return nil end
  return ("traffic: the candidate got %.1f %% of the requests, %.1f %% to %.1f %% are expected"):format(share * 100, low * 100, high * 100)
end

--- t: { baseline=, candidate= (requests; nil: unknown), min= (of each), share= (of the candidate, 0 to 1, or nil), within= (how much
-- the share may differ, 0.5: by half) } -> { result="pass"|"marginal"|"fail", reasons=, baseline=, candidate=, share= }.
function M.check(t)
  local out = { result = "pass", reasons = {}, baseline = t.baseline, candidate = t.candidate }
  local function worse(result, reason)
    if out.result ~= "fail" then out.result = result end
    table.insert(out.reasons, reason)
  end
  if t.problem then worse("fail", "traffic: " .. t.problem) end
  for _, side in ipairs { "baseline", "candidate" } do
    local n = t[side] or 0
    if n <= 0 and not t.problem then worse("fail", ("traffic: the %s got no requests"):format(side))
    elseif n > 0 and n < t.min then worse("marginal", ("traffic: the %s got %d requests, %d are needed"):format(side, round(n), t.min)) end
  end
  local all = (t.baseline or 0) + (t.candidate or 0)
  if all > 0 then out.share = (t.candidate or 0) / all end
  local off = t.share and out.share and out.share > 0 and out.share < 1 and share_reason(t, out.share)
  if off then worse("marginal", off) end
  return out
end

return M

--- forecast.lua - when the budget will be gone, if it goes on as in the last hours; and when it will be back.
--
-- Of a rolling window the future is new events at the pace of now, while old ones leave at the other end: what they were is
-- known.  Of a stretch of the calendar nothing leaves until the next one begins.
local M = {}

local HOUR, STEPS = 3600, 240

--- The stretch whose pace is the pace of now: six hours of thirty days, and not less than an hour.
function M.pace_window(rule) return math.max(HOUR, rule.window / 120) end

-- Bad events of the window that ends at T, after NOW, beyond what is allowed.  PACE: { total=, bad= } a second.
local function beyond(runner, now, t, pace)
  local rule = runner.rule
  local from, to = runner.period:span(t)
  if rule.calendar then from = runner.period:span(now) end
  local known = from < now and runner:between(from, now) or { total = 0, bad = 0 }
  local ahead = t - math.max(now, from)
  local total, bad = known.total + pace.total * ahead, known.bad + pace.bad * ahead
  if rule.calendar and rule.timeslice then total = math.floor((to - from) / rule.timeslice.length + 0.5) end
  return bad - (1 - rule.objective) * total, total
end

-- The first moment after NOW, up to UNTILL, at which PREDICATE holds; it is looked at in steps, and then closely.
local function first(now, untill, predicate)
  local step = (untill - now) / STEPS
  for i = 1, STEPS do
    if predicate(now + i * step) then
      local low, high = now + (i - 1) * step, now + i * step
      while high - low > 30 do
        local mid = (low + high) / 2
        if predicate(mid) then high = mid else low = mid end
      end
      return high
    end
  end
end

local function make(runner)
  local rule, now, found = runner.rule, runner.counted_to, runner:budget()
  if not found or not runner:counts() or not found.ratio then return nil end
  local seconds = math.min(M.pace_window(rule), runner.ledger and math.max(60, now - runner.ledger.began) or math.huge)
  local recent = runner:between(now - seconds, now)
  local pace = { total = recent.total / seconds, bad = recent.bad / seconds }
  local ends = rule.calendar and found.to or nil
  local out = { pace = seconds, burn = recent.ratio and recent.ratio / (1 - rule.objective) or 0, ends_at = ends }
  local last = ends or now + rule.window
  local function gone(t)
    local over, total = beyond(runner, now, t, pace)
    return total > 0 and over >= 0
  end
  local pace_text = ("at the rate of the last %s"):format(runner.host.duration_text(math.floor(seconds + 0.5)))
  if found.left <= 0 then
    out.back_at = first(now, last, function(t) return not gone(t) end) or ends
    out.text = ("the budget is gone%s"):format(out.back_at and "; " .. (out.back_at == ends and "a new one begins on " or pace_text .. " there is some again on ")
                                                                    .. runner.period:say(out.back_at) or " and does not come back " .. pace_text)
    return out
  end
  out.gone_at = out.burn > 0 and first(now, last, gone) or nil
  if out.gone_at then out.text = ("%s the budget is gone on %s"):format(pace_text, runner.period:say(out.gone_at))
  elseif ends then out.text = ("%s the budget lasts until the %s ends on %s"):format(pace_text, rule.calendar, runner.period:say(ends))
  else out.text = ("%s the budget lasts"):format(pace_text) end
  return out
end

--- { pace= (seconds), burn=, gone_at= or nil, back_at= or nil, ends_at= (of a stretch of the calendar), text= }, or nil when nothing is known.
function M.of(runner)
  if not runner.outlook or runner.outlook.at ~= runner.counted_to or runner.outlook.changes ~= runner.engine.corrections.changes then
    runner.outlook = { at = runner.counted_to, changes = runner.engine.corrections.changes, found = make(runner) }
  end
  return runner.outlook.found
end

return M

--- policy.lua - asks the functions of `policy "silence"` before a silence is made or changed.
--
-- They run in the sandbox of their rule file, on the rules actor, so the answer comes later.  What fails, says nothing or takes too
-- long is a no, unless the policy says otherwise: a house with rules for silences would rather have none than one against the rules.
local Alerts = require "moonwatch.route.alerts"
local labels = require "moonwatch.route.labels"
local preview = require "moonwatch.route.silence_preview"
local rules = require "moonwatch.route.silence_rules"

local M = {}

-- The labels that every alert has of which S speaks, whichever of its sets of matchers that is by.
local function labels_of(s)
  local sets = {}
  for i, list in ipairs(rules.lists(s)) do
    sets[i] = {}
    for _, m in ipairs(list) do
      if m.isEqual ~= false and not m.isRegex then sets[i][m.name] = m.value end
    end
  end
  return labels.common(sets)
end

-- What a function is shown of S, a whole silence; SETS: its compiled matchers.
local function shown(router, s, sets, old, now)
  local muted, firing = 0, 0
  for _, alert in pairs(router.alerts.by_fp) do
    if not Alerts.resolved(alert, now) then
      firing = firing + 1
      if preview.fits(sets, alert.labels) then muted = muted + 1 end
    end
  end
  local starts = math.max(s.starts_at, old and old.starts_at or now)
  return { action = old and "change" or "make", id = s.id, matchers = rules.text(s), labels = labels_of(s), starts = starts, ends = s.ends_at,
    seconds = s.ends_at - starts, comment = s.comment, author = s.created_by, annotations = s.annotations or {}, receivers = s.receivers,
    until_resolved = s.until_resolved or false, recurring = s.recurring, window = s.window, remind = s.remind, mutes = muted, firing = firing }
end

-- What a function may change: its name for it, ours, and the type.
local CHANGES = { { "ends", "ends_at", "number" }, { "comment", "comment", "string" }, { "author", "created_by", "string" },
  { "until_resolved", "until_resolved", "boolean" }, { "remind", "remind", "number" } }

-- Takes what GIVEN (a table a function gave) says otherwise than SAW over into S.
local function change(s, saw, given)
  for _, row in ipairs(CHANGES) do
    local value = given[row[1]]
    if value ~= saw[row[1]] and type(value) == row[3] then s[row[2]] = value end
  end
  local seconds = given.seconds
  if type(seconds) == "number" and seconds ~= saw.seconds then s.ends_at = saw.starts + seconds end
  if type(given.annotations) == "table" then
    local out = {}
    for name, value in pairs(given.annotations) do
      if type(name) == "string" and type(value) == "string" then out[name] = value end
    end
    s.annotations = next(out) and out or false
  end
end

-- What an ANSWER of the rules actor means: "yes", table with changes or nil; "no", why; "failed", why.
local function meaning(answer)
  if not answer.ok then return "failed", answer.error or "it gave no answer" end
  local said, why = (answer.values or {})[1], (answer.values or {})[2]
  if said == true then return "yes" end
  if type(said) == "table" then return "yes", said end
  if said == false then return "no", type(why) == "string" and why ~= "" and why or "it gave no reason" end
  return "failed", ("it gave %s; expected true, false and why, or the silence"):format(said == nil and "nothing" or "a " .. type(said))
end

-- -- waiting ------------------------------------------------------------------------

local function open(router, deadline, fail)
  local wait = { at = deadline, fail = fail }
  router.policy_waits = router.policy_waits or {}
  router.policy_waits[wait] = true
  return wait
end

--- Give up those that were not answered in time; answers when the next one is due.
function M.tick(router, now)
  local at
  for wait in pairs(router.policy_waits or {}) do
    if wait.at <= now then
      router.policy_waits[wait] = nil
      wait.fail()
    elseif not at or wait.at < at then
      at = wait.at
    end
  end
  return at
end

-- -- asking -------------------------------------------------------------------------

--- May S be, which WHO (of audit.who) asks for?  DONE(s), perhaps changed, or DONE(nil, code, why) with code "missing", "bad",
-- "refused" or "unanswered"; at once or later.
function M.ask(router, s, who, now, done)
  local policy = router.policies and router.policies.silence
  if not policy then return done(s) end
  local whole, compiled, old = router.silences:check(s, now)
  if not whole then return done(nil, compiled, old) end
  local saw, person = shown(router, whole, compiled.sets, old, now), { name = who.name, user = who.user, from = who.from }
  local over, wait = false, nil
  local function finish(...)
    if over then return end
    over = true
    if wait then router.policy_waits[wait] = nil end
    return done(...)
  end
  local function failed(why)
    router.host.log("warn", "the policy about silences failed", { error = why, on_failure = policy.on_failure })
    if policy.on_failure == "allow" then return finish(s) end
    return finish(nil, "unanswered", ("the policy about silences failed, so this one is refused: %s"):format(why))
  end
  local function step(i)
    local item = policy.items[i]
    if not item then return finish(s) end
    router.host.ask("rules", { type = "call", fn = item.fn, args = { saw, person } }, function(answer)
      if over then return end
      local what, more = meaning(answer or {})
      if what == "failed" then return failed(more) end
      if what == "no" then return finish(nil, "refused", "refused by policy: " .. more) end
      if more then
        change(s, saw, more)
        whole, compiled, old = router.silences:check(s, now)
        if not whole then return finish(nil, compiled, ("as the policy changed it: %s"):format(old)) end
        saw = shown(router, whole, compiled.sets, old, now)
      end
      return step(i + 1)
    end)
  end
  step(1)
  if not over then
    wait = open(router, now + policy.timeout, function() failed(("no answer in %s"):format(router.host.duration_text(policy.timeout))) end)
  end
end

return M

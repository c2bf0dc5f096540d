--- silences.lua - what the router does with silences beside asking whether they mute: making, ending and noting it,
-- those that end when what they muted is over, and reminders before the end.
local Alerts = require "moonwatch.route.alerts"
local audit = require "moonwatch.engine.router.audit"
local flush = require "moonwatch.engine.router.flush"
local policy = require "moonwatch.engine.router.policy"
local rules = require "moonwatch.route.silence_rules"
local to = require "moonwatch.to"

local M = {}

local CHECK = 10 -- seconds between two looks at what ends by itself
local NAMED = 5  -- names in a reminder

local function share(router, id) router.share("silence", id, router.silences:get(id)) end

--- Add or change silence S (see route/silence.lua) for WHO (of `audit.who`, or nil).  Its id, or nil, "missing"|"bad", message.
function M.set(router, s, now, who)
  local before = s.id and router.silences:get(s.id)
  local id, code, why = router.silences:set(s, now)
  if not id then return nil, code, why end
  share(router, id)
  local kept = router.silences:get(id)
  local details = { silence = id, matchers = rules.text(kept), ends = router.host.rfc3339(kept.ends_at), comment = kept.comment }
  if before then details.before = before.id ~= id and before.id or nil end
  if kept.receivers then details.receivers = table.concat(kept.receivers, " ") end
  audit.note(router, before and "silence.changed" or "silence.made", who or kept.created_by, now, details)
  if before and before.id ~= id then share(router, before.id) end
  router.silence_check = nil
  return id
end

--- `set` after the policy was asked: DONE(id), or DONE(nil, code, message), at once or later.
function M.request(router, s, now, who, done)
  who = who or { name = s.created_by }
  policy.ask(router, s, who, now, function(allowed, code, why)
    if allowed then
      local id
      id, code, why = M.set(router, allowed, now, who)
      if id then return done(id) end
    elseif code == "refused" then
      audit.note(router, "silence.refused", who, now, { matchers = rules.text(s), comment = s.comment, because = why })
    end
    done(nil, code, why)
  end)
end

--- End silence ID now, for WHO.  nil, message when there is none.
function M.expire(router, id, now, who, by)
  local s = router.silences:get(id)
  local over = s and s.ends_at <= now
  local ended, why = router.silences:expire(id, now, by)
  if not ended then return nil, why end
  share(router, id)
  if not over then
    audit.note(router, "silence.expired", who or "unknown", now, { silence = id, matchers = rules.text(ended), comment = ended.comment, because = by })
  end
  return ended
end

-- -- what ends by itself, and reminders ---------------------------------------------

-- Seconds before its end at which somebody is to be told; nil: never.  A silence that is shorter needs none.
local function remind_of(router, s)
  local seconds = s.remind or router.settings.silence and router.settings.silence.remind
  return seconds and s.ends_at - s.starts_at > seconds and seconds or nil
end

-- Those that need a look: a set by id; and whether there are any that will.
local function watched(router, now)
  local out, some = {}, false
  for id, s in pairs(router.silences.by_id) do
    if s.starts_at <= now and now < s.ends_at then
      local remind = remind_of(router, s)
      some = some or s.until_resolved or remind
      if s.until_resolved or remind and now >= s.ends_at - remind and s.reminded ~= s.ends_at then out[id] = s end
    elseif s.starts_at > now then
      some = some or s.until_resolved or remind_of(router, s)
    end
  end
  return out, some
end

-- Silence id → the alerts that fire and that it covers, of those in WANTED; `had` of one: something did since it began.
local function covered(router, wanted, now)
  local out = {}
  for id in pairs(wanted) do out[id] = {} end
  for _, alert in pairs(router.alerts.by_fp) do
    local over = Alerts.resolved(alert, now)
    for _, entry in ipairs(router.silences.index:matching(alert.labels)) do
      local list = not entry.gone and out[entry.id]
      if list then
        list.had = list.had or not over or alert.ends_at > wanted[entry.id].starts_at
        if not over and list[#list] ~= alert then list[#list + 1] = alert end
      end
    end
  end
  return out
end

-- "Down (2), Slow and 3 more"
local function names_of(alerts)
  local count, names = {}, {}
  for _, alert in ipairs(alerts) do
    local name = alert.labels.alertname or "an alert without a name"
    if not count[name] then names[#names + 1] = name end
    count[name] = (count[name] or 0) + 1
  end
  table.sort(names)
  local out = {}
  for i = 1, math.min(NAMED, #names) do out[i] = count[names[i]] > 1 and ("%s (%d)"):format(names[i], count[names[i]]) or names[i] end
  local text = table.concat(out, ", ")
  return #names > NAMED and ("%s and %d more"):format(text, #names - NAMED) or text
end

-- Who is told: the receiver that the settings name, or those of the alerts, without those whose messages open something that
-- somebody would have to close.
local function targets_for(router, s, alerts)
  local names, out = {}, {}
  local chosen = router.settings.silence and router.settings.silence.to
  if chosen then
    names[chosen] = true
  else
    for _, alert in ipairs(alerts) do
      for _, node in ipairs(router.tree:match(alert.labels)) do
        if node.receiver then names[node.receiver] = true end
      end
    end
  end
  for name in pairs(names) do
    for _, target in ipairs(router.receivers[name] and router.receivers[name].list or {}) do
      local kind = to.kinds[target.kind]
      local meant = chosen or not s.receivers or rules.meant(s.receivers, target)
      if meant and not (kind and kind.hears_acks) then out[#out + 1] = target end
    end
  end
  table.sort(out, function(a, b) return a.key < b.key end)
  return out
end

local function reminder(router, s, alerts, now)
  local host, n = router.host, #alerts
  local left = host.duration_text(math.max(1, math.floor(s.ends_at - now + 0.5)))
  return { fp = "0000000000000000", status = "firing", severity = "info", starts_at = now, updated_at = now,
    labels = { alertname = "SilenceEnds", severity = "info", silence = s.id, created_by = s.created_by ~= "" and s.created_by or nil },
    annotations = {
      summary = ("silence %s by %s ends in %s, %d alert%s still fire%s behind it: %s"):format(rules.text(s), s.created_by, left, n,
        n == 1 and "" or "s", n == 1 and "s" or "", names_of(alerts)),
      description = ("It says: %s. To keep it quiet longer: moonwatch silence extend %s --for 2h"):format(s.comment, s.id) } }
end

local function remind(router, s, alerts, now)
  local alert = reminder(router, s, alerts, now)
  local group = { key = "silence/" .. s.id, labels = { alertname = "SilenceEnds" } }
  for _, target in ipairs(targets_for(router, s, alerts)) do
    local note = flush.notification(router, group, target, { alert }, "silence-ends", now)
    local job = { key = group.key .. "|" .. target.key, target = target.key, note = note, group_key = group.key, notice = true,
      view = { firing = {}, resolved = {}, muted = {} }, how = {} }
    router.outbox:put(job, now)
    router.history:open(job, now)
  end
  s.reminded = s.ends_at
end

-- One that ends when what it muted is over: true when that is now; and whether it is the first time that it mutes something.
local function is_over(s, alerts)
  if not s.until_resolved then return false end
  local news = alerts.had and not s.had
  if news then s.had = true end
  return s.had and #alerts == 0, news
end

local function look_at(router, s, alerts, now)
  local over, news = is_over(s, alerts)
  if over then return M.expire(router, s.id, now, { name = "moonwatch" }, "resolved") end
  local seconds = remind_of(router, s)
  if seconds and now >= s.ends_at - seconds and s.reminded ~= s.ends_at and #alerts > 0 then
    remind(router, s, alerts, now)
    news = true
  end
  if news then share(router, s.id) end
end

--- Do what is due; answers when to look again, nil while there is nothing to look at.  The node that speaks does it for all.
function M.tick(router, now)
  if not router.holds or not router.configured or router.silences.number == 0 then return nil end
  if router.silence_check and now < router.silence_check then return router.silence_check end
  local wanted, some = watched(router, now)
  if next(wanted) then
    local ids = {}
    for id, alerts in pairs(covered(router, wanted, now)) do
      ids[#ids + 1] = id
      wanted[id] = { s = wanted[id], alerts = alerts }
    end
    table.sort(ids)
    for _, id in ipairs(ids) do look_at(router, wanted[id].s, wanted[id].alerts, now) end
  end
  router.silence_check = now + CHECK
  return some and router.silence_check or nil
end

return M

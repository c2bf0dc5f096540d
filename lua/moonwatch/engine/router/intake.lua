--- intake.lua - reports of alerts, from rules or from others, as the router keeps them: what is news goes to disk, to the
-- other nodes and to the groups.
local Alerts = require "moonwatch.route.alerts"
local gather = require "moonwatch.engine.router.gather"
local labels = require "moonwatch.route.labels"
local replace = require "moonwatch.engine.router.replace"

local M = {}

local function without_empty(set)
  local out = {}
  for name, value in labels.each(set or {}) do
    if value ~= "" then out[name] = value end
  end
  return out
end

-- JSON has no words for these numbers.
local function finite(v)
  if type(v) ~= "number" then return v end
  if v ~= v then return "NaN" end
  if v == math.huge then return "+Inf" end
  return v == -math.huge and "-Inf" or v
end

-- Nobody says when ALERT ends: it does when it is not heard of any more.
local function guess_end(router, alert, now) Alerts.guess_end(alert, now, router.settings.resolve_timeout) end

-- A report as it is kept.
local function normal(router, report, now)
  local alert = { labels = without_empty(report.labels), annotations = report.annotations or {},
    starts_at = report.starts_at, ends_at = report.ends_at, updated_at = report.updated_at or now,
    timeout = report.timeout, generator_url = report.generator_url, value = finite(report.value),
    threshold = finite(report.threshold), severity = report.severity or report.labels.severity, rule = report.rule,
    evidence = report.evidence, drill = report.drill }
  if report.resolved then alert.ends_at = math.min(alert.ends_at or now, now) end
  if not alert.starts_at then alert.starts_at = alert.ends_at or now end
  if not alert.ends_at and not report.rule then guess_end(router, alert, now) end
  alert.fp = router.host.fingerprint(alert.labels)
  return alert
end

-- Is ALERT news after OLD, the same one as it was known?
local function is_news(old, alert, now)
  return not old or not old.shared_until or Alerts.resolved(old, now) ~= Alerts.resolved(alert, now) or old.starts_at ~= alert.starts_at
end

-- Peers hear of news, and of a moved end only when half of the old one has passed.
local function end_is_old(old, alert, now)
  if not alert.ends_at or Alerts.resolved(alert, now) then return false end
  return alert.ends_at - old.shared_until > (old.shared_until - now)
end

-- Do its texts differ from those that are known?  Evidence does so each time, and is not worth writing for itself.
local function says_more(old, alert)
  if old.generator_url ~= alert.generator_url or old.severity ~= alert.severity or old.threshold ~= alert.threshold then return true end
  return old.annotations ~= alert.annotations and not labels.same(old.annotations, alert.annotations)
end

local FAR = 1e9 -- seconds: the other nodes need not hear of an alert without an end again

local function tell_peers(router, alert, now)
  local ends = alert.ends_at
  alert.shared_until = ends and ends < math.huge and ends or now + FAR
  router.tell_peers("alert", alert.fp, alert)
end

--- Take reports of alerts in: {labels, annotations, starts_at, ends_at, resolved, value, threshold, ...}.  BODY: they are what
-- host.read_alerts makes of it, and are kept as they are.
function M.accept(router, reports, now, body)
  local fresh = {}
  for _, report in ipairs(reports) do
    local alert = body and report or normal(router, report, now)
    if body and not alert.ends_at then guess_end(router, alert, now) end
    local old = router.alerts:get(alert.fp)
    local news = is_news(old, alert, now)
    local share, more = news or end_is_old(old, alert, now), news or says_more(old, alert)
    local until_known = old and old.shared_until
    alert = router.alerts:put(alert, now)
    alert.shared_until = until_known
    if news then
      router.story:news(old, alert, Alerts.resolved(alert, now), now)
      if not report.rule then gather.heard(router, now) end
    end
    if share then tell_peers(router, alert, now) end
    if body and not old then fresh[#fresh + 1] = alert.fp
    elseif more then router.book:mark("alert", alert.fp) else router.book:mark_part("alert", alert.fp) end
    router:route(alert, now)
    if report.replaces then replace.apply(router, alert, report.replaces, now) end
  end
  if #fresh > 0 then router.book:posted(body, fresh, #reports, now) end
end

return M

--- pagerduty.lua - incidents at PagerDuty through its Events API v2.
--
-- One incident per group: the dedup key is a hash of the group key, so a repeat, a retry and the
-- resolve all speak of the same incident.  With per="alert" each alert has its own, and only what is
-- new to PagerDuty is sent.  An event of more than 512 KB would be refused: then the list of alerts is
-- left out, and if that is not enough all of the details.
local filled = require "moonwatch.to.filled"
local markup = require "moonwatch.to.markup"
local plain = require "moonwatch.to.plain"
local text = require "moonwatch.to.text"

local M = { kind = "pagerduty", hears_acks = true, digests = "never" }

M.answers = {
  [400] = { says = "PagerDuty does not take this event" },
  [403] = { says = "PagerDuty does not take events of this key" },
  [404] = { says = "no such address; `url` is that of the Events API, version 2" },
  [413] = { says = "the event is too large" },
  [429] = { retry = true, says = "too many events" },
}

local URL = "https://events.pagerduty.com/v2/enqueue"
local LARGEST, SUMMARY = 512000, 1024
local ACTIONS = { firing = "trigger", resolved = "resolve", acknowledged = "acknowledge" }
local SEVERITIES = { critical = "critical", page = "critical", error = "error", warning = "warning", ticket = "warning", info = "info" }

local function severity_of(note, fields)
  local said = filled.text(fields.severity, note)
  return said and SEVERITIES[said] or SEVERITIES[plain.severity(note)] or "error"
end

local function lines_of(note, status)
  local out = {}
  for _, alert in ipairs(note.alerts) do
    if alert.status == status then
      out[#out + 1] = { labels = alert.labels, annotations = alert.annotations, value = alert.value, threshold = alert.threshold,
        evidence = alert.evidence }
    end
  end
  return out
end

-- SIZE: "all", "short" (without the alerts) or "none".
local function details(note, fields, host, size)
  if size == "none" then return { error = "the details were left out: with them the event is larger than PagerDuty takes" } end
  local first = note.alerts[1] or { labels = {} }
  local out = { value = text.number(first.value), threshold = text.number(first.threshold), labels = note.common_labels,
    num_firing = text.count(note, "firing"), num_resolved = text.count(note, "resolved"), remark = note.remark }
  if size == "all" then
    out.firing, out.resolved = host.json.array(lines_of(note, "firing")), host.json.array(lines_of(note, "resolved"))
  end
  for name, value in pairs(fields.details or {}) do out[name] = filled.deep(value, note) end
  return out
end

local function source_of(note, fields, host)
  return filled.text(fields.source, note) or note.common_labels.instance or note.common_labels.job or note.external_url or host.hostname()
end

local function links_of(note, fields)
  local out = {}
  for _, row in ipairs(fields.links or {}) do
    local href = filled.text(row.href, note)
    if href ~= "" then out[#out + 1] = { href = href, text = filled.text(row.text, note) } end
  end
  local first = note.alerts[1]
  local annotations = first.annotations or {}
  local runbook = markup.url(annotations.runbook) or markup.url(annotations.runbook_url)
  if runbook then out[#out + 1] = { href = runbook, text = "Runbook" } end
  return #out > 0 and out or nil
end

local function images_of(note, fields)
  local out = {}
  for _, row in ipairs(fields.images or {}) do
    local src = filled.text(row.src, note)
    if src ~= "" then out[#out + 1] = { src = src, alt = filled.text(row.alt, note), href = filled.text(row.href, note) } end
  end
  return #out > 0 and out or nil
end

local function event(note, fields, host, key, size)
  local out = { routing_key = fields.routing_key, event_action = ACTIONS[note.status], dedup_key = host.sha256(key) }
  if note.status ~= "firing" then return out end
  local first = note.alerts[1]
  out.payload = { summary = text.cut(filled.title(fields.summary, note, text.summary(note)), SUMMARY), source = source_of(note, fields, host),
    severity = severity_of(note, fields), timestamp = host.rfc3339(first.starts_at),
    component = filled.text(fields.component, note) or note.common_labels.job, group = filled.text(fields.group, note) or note.common_labels.alertname,
    class = filled.text(fields.class, note) or first.labels.alertname, custom_details = details(note, fields, host, size) }
  out.client, out.client_url = filled.text(fields.client, note) or "moonwatch", filled.text(fields.client_url, note) or note.external_url
  out.links, out.images = links_of(note, fields), images_of(note, fields)
  return out
end

local function request(note, fields, host, key)
  local body
  for _, size in ipairs { "all", "short", "none" } do
    body = host.json.encode(event(note, fields, host, key, size))
    if #body <= LARGEST then break end
  end
  return { url = fields.url or URL, method = "POST", headers = { ["content-type"] = "application/json" },
    timeout = fields.timeout or 10, body = body }
end

--- The event of a whole group.
function M.build(note, fields, host) return request(note, fields, host, note.group_key) end

-- NOTE as if ALERT were alone.
local function alone(note, alert)
  local out = { alerts = { alert }, common_labels = alert.labels, common_annotations = alert.annotations or {} }
  if note.status ~= "acknowledged" then out.status = alert.status end
  return setmetatable(out, { __index = note })
end

-- Does PagerDuty have to be told of ALERT?  note.told: fingerprints of those that it believes to fire.
local function is_news(note, alert)
  local told = note.told
  if not told or note.reason == "repeat" or note.reason == "escalation" or note.status == "acknowledged" then return true end
  if alert.status == "firing" then return not told[alert.fp] end
  return told[alert.fp] ~= nil
end

--- With per="alert" an event for each that is news.  What was taken before a try failed is not sent again.
function M.steps(note, fields, host, ask)
  if fields.per ~= "alert" then
    ask(M.build(note, fields, host))
    return
  end
  note.done = note.done or {}
  for _, alert in ipairs(note.alerts) do
    if not note.done[alert.fp] and is_news(note, alert) then
      ask(request(alone(note, alert), fields, host, note.group_key .. "|" .. alert.fp))
      note.done[alert.fp] = true
    end
  end
end

--- Must the message say what was told before?
function M.wants_told(fields) return fields.per == "alert" end

return M

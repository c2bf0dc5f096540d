--- pagerduty.lua - incidents at PagerDuty through its Events API v2.
--
-- One incident per group: the dedup key is a hash of the group key, so a repeat, a retry and the
-- resolve all speak of the same incident.  An event of more than 512 KB would be refused: then the
-- list of alerts is left out.
local text = require "moonwatch.to.text"

local M = { kind = "pagerduty", answers = {}, hears_acks = true, digests = "never" }

local URL = "https://events.pagerduty.com/v2/enqueue"
local LARGEST = 512000
local ACTIONS = { firing = "trigger", resolved = "resolve", acknowledged = "acknowledge" }
local SEVERITIES = { critical = "critical", page = "critical", error = "error", warning = "warning", ticket = "warning", info = "info" }

local function severity_of(note, fields)
  local first = note.alerts[1]
  return fields.severity or SEVERITIES[first and (first.severity or first.labels.severity) or ""] or "error"
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

local function details(note, fields, host, short)
  local first = note.alerts[1] or { labels = {} }
  local out = { value = text.number(first.value), threshold = text.number(first.threshold), labels = note.common_labels,
    num_firing = text.count(note, "firing"), num_resolved = text.count(note, "resolved") }
  if not short then
    out.firing, out.resolved = host.json.array(lines_of(note, "firing")), host.json.array(lines_of(note, "resolved"))
  end
  for name, value in pairs(fields.details or {}) do out[name] = value end
  return out
end

local function source_of(note, host)
  return note.common_labels.instance or note.common_labels.job or note.external_url or host.hostname()
end

local function event(note, fields, host, short)
  local out = { routing_key = fields.routing_key, event_action = ACTIONS[note.status], dedup_key = host.sha256(note.group_key) }
  if note.status ~= "firing" then return out end
  local first = note.alerts[1]
  out.payload = { summary = text.cut(text.summary(note), 1024), source = source_of(note, host),
    severity = severity_of(note, fields), timestamp = host.rfc3339(first.starts_at),
    component = note.common_labels.job, group = note.common_labels.alertname, class = first.labels.alertname,
    custom_details = details(note, fields, host, short) }
  out.client, out.client_url = fields.client or "moonwatch", fields.client_url or note.external_url
  if first.annotations and first.annotations.runbook then
    out.links = { { href = first.annotations.runbook, text = "Runbook" } }
  end
  return out
end

function M.build(note, fields, host)
  local body = host.json.encode(event(note, fields, host, false))
  if #body > LARGEST then body = host.json.encode(event(note, fields, host, true)) end
  return { url = fields.url or URL, method = "POST", headers = { ["content-type"] = "application/json" },
    timeout = fields.timeout or 10, body = body }
end

return M

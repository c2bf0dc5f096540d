--- webhook.lua - the JSON body that Alertmanager posts (version 4), to any address.  An alert has its `evidence` beside what
-- Alertmanager tells, unless its route has compat="alertmanager".
local M = { kind = "webhook", answers = {}, digests = "alerts" }

local UNSET = "0001-01-01T00:00:00Z"

local function alert_of(alert, note, host)
  return {
    status = alert.status, labels = alert.labels, annotations = alert.annotations or {},
    startsAt = host.rfc3339(alert.starts_at),
    endsAt = alert.status == "resolved" and alert.ends_at and host.rfc3339(alert.ends_at) or UNSET,
    generatorURL = alert.generator_url or "", fingerprint = alert.fp, evidence = not note.compat and alert.evidence or nil,
  }
end

-- Many messages in one: all their alerts, and what a person would be told.
local function digest_of(digest, host)
  return { groups = digest.groups, firing = digest.firing, resolved = digest.resolved, since = host.rfc3339(digest.since),
    why = digest.why, names = host.json.array(digest.names), moreNames = digest.more }
end

--- The body as a table.
function M.body(note, fields, host)
  local most = fields.max_alerts
  local kept = {}
  for i, alert in ipairs(note.alerts) do
    if most and most > 0 and i > most then break end
    kept[i] = alert_of(alert, note, host)
  end
  return {
    version = "4", groupKey = note.group_key, truncatedAlerts = #note.alerts - #kept + (note.digest and note.digest.left_out or 0), status = note.status,
    receiver = note.receiver, groupLabels = note.group_labels, commonLabels = note.common_labels,
    commonAnnotations = note.common_annotations, externalURL = note.external_url or "",
    alerts = host.json.array(kept), digest = note.digest and digest_of(note.digest, host),
    remark = not note.compat and note.remark or nil, test = not note.compat and note.test or nil,
  }
end

--- Message NOTE for a target with FIELDS → what host.call("http") takes.
function M.build(note, fields, host)
  local headers = { ["content-type"] = "application/json" }
  for name, value in pairs(fields.headers or {}) do headers[name] = value end
  if fields.bearer then headers.authorization = "Bearer " .. fields.bearer end
  return { url = fields.url, method = "POST", headers = headers, timeout = fields.timeout or 10,
    body = host.json.encode(M.body(note, fields, host)) }
end

return M

--- webhook.lua - the JSON body that Alertmanager posts (version 4), or one of one's own, to any address.  An alert has its `evidence`
-- beside what Alertmanager tells, unless its route has compat="alertmanager".
local filled = require "moonwatch.to.filled"
local labels_of = require "moonwatch.route.labels"
local sign_in = require "moonwatch.to.sign_in"
local text = require "moonwatch.to.text"

local M = { kind = "webhook", answers = {}, digests = "alerts" }

--- Templates walk over labels.
function M.reads_sets(fields) return not fields.body end

local UNSET = "0001-01-01T00:00:00Z"

-- Why a message was made, as Alertmanager says it; our own reasons as we say them.
local REASONS = { new = "first notification", changed = "new alerts added", resolved = "all alerts resolved",
  ["some-resolved"] = "some alerts resolved", ["repeat"] = "repeat interval elapsed" }

local function alert_of(alert, note, started, host)
  return {
    status = alert.status, labels = alert.labels, annotations = alert.annotations or {},
    startsAt = started,
    endsAt = alert.status == "resolved" and alert.ends_at and host.rfc3339(alert.ends_at) or UNSET,
    generatorURL = alert.generator_url or "", fingerprint = alert.fp, evidence = not note.compat and alert.evidence or nil,
  }
end

-- Many messages in one: all their alerts, and what a person would be told.
local function digest_of(digest, host)
  return { groups = digest.groups, firing = digest.firing, resolved = digest.resolved, since = host.rfc3339(digest.since),
    why = digest.why, names = host.json.array(digest.names), moreNames = digest.more }
end

-- Where a person may act; programs that pass the message on can show it.
local function links_of(note)
  local links = not note.compat and note.links
  return links and { ack = links.ack, silence = links.silence, why = links.why } or nil
end

-- Status and what is common of a message of which only KEPT is told: of the whole message, but in Alertmanager's manner of KEPT.
local function head_of(note, kept)
  if not note.compat or #kept == #note.alerts then return note.status, note.common_labels, note.common_annotations end
  local status, labels, annotations = "resolved", {}, {}
  for i, alert in ipairs(kept) do
    if alert.status == "firing" then status = "firing" end
    labels[i], annotations[i] = alert.labels, alert.annotations
  end
  return status, labels_of.common(labels), labels_of.common(annotations)
end

--- The body as a table.
function M.body(note, fields, host)
  local most = fields.max_alerts
  local kept, at, started = {}, nil, nil
  for i, alert in ipairs(note.alerts) do
    if most and most > 0 and i > most then break end
    if alert.starts_at ~= at then at, started = alert.starts_at, host.rfc3339(alert.starts_at) end -- many start together
    kept[i] = alert_of(alert, note, started, host)
  end
  local status, common_labels, common_annotations = head_of(note, kept)
  return {
    version = "4", groupKey = note.group_key, truncatedAlerts = #note.alerts - #kept + (note.digest and note.digest.left_out or 0), status = status,
    receiver = text.receiver(note), groupLabels = note.group_labels, commonLabels = common_labels,
    commonAnnotations = common_annotations, externalURL = note.external_url or "",
    routeLabels = note.route_labels or {}, notification_reason = REASONS[note.reason] or note.reason, alerts = host.json.array(kept),
    links = links_of(note), digest = note.digest and digest_of(note.digest, host),
    remark = not note.compat and note.remark or nil, test = not note.compat and note.test or nil,
  }
end

local function request_of(fields, host, body)
  local given = fields
  if fields.bearer then given = { headers = fields.headers, auth = { bearer = fields.bearer } } end
  return { url = fields.url, method = fields.method or "POST", headers = sign_in.headers(given, host), timeout = fields.timeout or 10,
    body = type(body) == "table" and host.json.encode(body) or body }
end

--- Message NOTE for a target with FIELDS → what host.call("http") takes; without a function for its body.
function M.build(note, fields, host)
  if not fields.body then return request_of(fields, host, M.body(note, fields, host)) end
  return request_of(fields, host, filled.deep(fields.body, note))
end

--- What FIELDS ask of somebody else before the message can be built: a body made by a function.  DONE(fields) or DONE(nil, outcome).
function M.prepare(note, fields, host, done)
  if type(fields.body) ~= "table" or not fields.body["@fn"] then return done(fields) end
  host.ask("rules", { type = "call", fn = fields.body, args = { note } }, function(answer)
    local body = answer.ok and answer.values and answer.values[1]
    if type(body) ~= "table" and type(body) ~= "string" then
      local why = answer.ok and "the function of `body` gave neither a text nor a table" or answer.error or "the function of `body` failed"
      return done(nil, { retry = answer.ok == nil, error = why })
    end
    done(setmetatable({ body = body }, { __index = fields }))
  end)
end

return M

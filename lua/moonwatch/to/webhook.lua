--- webhook.lua - the JSON body that Alertmanager posts (version 4), or one of one's own, to any address.  An alert has its `evidence`
-- beside what Alertmanager tells, unless its route has compat="alertmanager".
local filled = require "moonwatch.to.filled"
local labels_of = require "moonwatch.route.labels"
local sign_in = require "moonwatch.to.sign_in"
local text = require "moonwatch.to.text"

local M = { kind = "webhook", answers = {}, digests = "alerts" }

--- Templates walk over labels.
function M.reads_sets(fields) return not fields.body end

-- Why a message was made, as Alertmanager says it; our own reasons as we say them.
local REASONS = { new = "first notification", changed = "new alerts added", resolved = "all alerts resolved",
  ["some-resolved"] = "some alerts resolved", ["repeat"] = "repeat interval elapsed" }

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

local function first(alerts, most)
  if not most or most == 0 or #alerts <= most then return alerts end
  local out = {}
  for i = 1, most do out[i] = alerts[i] end
  return out
end

--- The body; MORE: fields that have other values.
function M.body(note, fields, host, more)
  local kept = first(note.alerts, fields.max_alerts)
  local status, common_labels, common_annotations = head_of(note, kept)
  local head = {
    version = "4", groupKey = note.group_key, truncatedAlerts = #note.alerts - #kept + (note.digest and note.digest.left_out or 0), status = status,
    receiver = text.receiver(note), groupLabels = note.group_labels, commonLabels = common_labels,
    commonAnnotations = common_annotations, externalURL = note.external_url or "",
    routeLabels = note.route_labels or {}, notification_reason = REASONS[note.reason] or note.reason,
    links = links_of(note), digest = note.digest and digest_of(note.digest, host),
    remark = not note.compat and note.remark or nil, test = not note.compat and note.test or nil,
  }
  for name, value in pairs(more or {}) do head[name] = value end
  return host.write_message(head, kept, not note.compat)
end

-- What is filled into an address is a piece of its path or query, never more.
local function escaped(place) return (place:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end)) end

local function request_of(note, fields, host, body)
  local given = fields
  if fields.bearer then given = { headers = fields.headers, auth = { bearer = fields.bearer } } end
  return { url = filled.text(fields.url, note, escaped), method = fields.method or "POST", headers = sign_in.headers(given, host), timeout = fields.timeout or 10,
    body = type(body) == "table" and host.json.encode(body) or body }
end

--- Message NOTE for a target with FIELDS → what host.call("http") takes; without a function for its body.
function M.build(note, fields, host)
  if not fields.body then return request_of(note, fields, host, M.body(note, fields, host)) end
  return request_of(note, fields, host, filled.deep(fields.body, note))
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

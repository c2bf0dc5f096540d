--- am_said.lua - what a request to a receiver says, of what its configuration makes it say: of a webhook all of it.
--
-- Both servers write bodies of their own for other programs; what their texts became must be the same.
local M = {}

local function plain(v)
  if type(v) ~= "table" then return tostring(v) end
  local keys, out = {}, {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, k in ipairs(keys) do out[i] = tostring(k) .. "=" .. plain(v[k]) end
  return "{" .. table.concat(out, " ") .. "}"
end
M.plain = plain

--- A time, to the half second: those that a server makes of its own clock, when something came in, are a little later on one side.
function M.about(text)
  local y, m, d, hour, min, sec = text:match "^(%d+)%-(%d+)%-(%d+)T(%d+):(%d+):([%d.]+)Z$"
  if not y or y == "0001" then return text end
  local t = tonumber(sec) + 60 * min + 3600 * hour + 86400 * d
  return ("%s-%s %.1f"):format(y, m, math.floor(t * 2 + 1e-6) / 2)
end

local function webhook(m)
  local alerts = {}
  for i, a in ipairs(m.alerts) do
    alerts[i] = ("%s %s %s %s %s..%s"):format(a.fingerprint, a.status, plain(a.annotations), a.generatorURL, M.about(a.startsAt), M.about(a.endsAt))
  end
  return m.groupKey, ("%s %s receiver=%s truncated=%d group=%s labels=%s annotations=%s\n      %s"):format(m.version, m.status, m.receiver,
    m.truncatedAlerts, plain(m.groupLabels), plain(m.commonLabels), plain(m.commonAnnotations), table.concat(alerts, "\n      "))
end

local ENTITIES = { ["&lt;"] = "<", ["&gt;"] = ">", ["&amp;"] = "&" }

-- What stands in places is escaped by us, which Slack shows as it was; what is no character is a blank.
local function shown(text) return type(text) == "string" and (text:gsub("&%a+;", ENTITIES):gsub("[%z\1-\9\11-\31]", " ")) or "" end

-- Alertmanager has the title in the attachment, we above it.  It has no key: which group it was, its title says.
local function slack(m)
  local a, facts = m.attachments[1], {}
  for i, f in ipairs(a.fields or {}) do facts[i] = ("%s: %s (%s)"):format(shown(f.title), shown(f.value), tostring(f.short ~= false)) end
  return "slack", ("%s | %s | %s | %s | %s"):format(shown(m.text or a.title), shown(a.text), shown(a.footer), a.color, table.concat(facts, ", "))
end

local function pagerduty(m)
  local p = m.event_action == "trigger" and m.payload or {}
  local details = p.custom_details or {}
  return m.dedup_key, plain { action = m.event_action, summary = p.summary, source = p.source, class = p.class, component = p.component, group = p.group,
    one = details.one, two = details.two }
end

-- Blanks around a tag are no part of it with us.
local function tags(list)
  local out = {}
  for i, tag in ipairs(list or {}) do out[i] = tag:match "^%s*(.-)%s*$" end
  return table.concat(out, ",")
end

local function opsgenie(m, request)
  local alias = m.alias or request.path:match "/alerts/(%x+)/" or "?"
  return alias, plain { path = request.path:match "/v2/.*", message = m.message, description = m.description, source = m.source, tags = tags(m.tags),
    note = m.note, priority = m.priority, entity = m.entity, details = m.details }
end

local function victorops(m)
  return m.entity_id, plain { type = m.message_type, name = m.entity_display_name, message = m.state_message, tool = m.monitoring_tool }
end

--- The group that REQUEST is about, what it says of it, and whether the group is known only by the address.
function M.of(request)
  local m = request.json
  if m.groupKey then return webhook(m) end
  if m.attachments then
    local key, text = slack(m)
    return key, text, true
  end
  if m.dedup_key then return pagerduty(m) end
  if m.entity_id then return victorops(m) end
  return opsgenie(m, request)
end

return M

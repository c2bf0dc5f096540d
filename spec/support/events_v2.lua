--- events_v2.lua - what PagerDuty's description of its Events API v2 demands of an event, as a check of ours.
local M = {}

local ACTIONS = { trigger = true, acknowledge = true, resolve = true }
local SEVERITIES = { critical = true, warning = true, error = true, info = true }
local TOP = { routing_key = "string", event_action = "string", dedup_key = "string", client = "string", client_url = "string", payload = "table",
  links = "table", images = "table" }
local PAYLOAD = { summary = "string", source = "string", severity = "string", timestamp = "string", component = "string", group = "string",
  class = "string", custom_details = "table" }

local function fields(value, spec, at, out)
  for name, v in pairs(value) do
    if not spec[name] then out[#out + 1] = at .. name .. ": no such field"
    elseif type(v) ~= spec[name] then out[#out + 1] = at .. name .. ": is no " .. spec[name] end
  end
end

local function items(list, spec, needed, at, out)
  for i, item in ipairs(list or {}) do
    fields(item, spec, ("%s[%d]."):format(at, i), out)
    if not item[needed] then out[#out + 1] = at .. ": needs " .. needed end
  end
end

--- What is wrong with EVENT: a list of texts, empty when it is good.
function M.problems(event)
  local out = {}
  fields(event, TOP, "", out)
  if not event.routing_key then out[#out + 1] = "routing_key is missing" end
  if not ACTIONS[event.event_action] then out[#out + 1] = "event_action is " .. tostring(event.event_action) end
  if event.event_action ~= "trigger" and not event.dedup_key then out[#out + 1] = "dedup_key is missing" end
  if #(event.dedup_key or "") > 255 then out[#out + 1] = "dedup_key is too long" end
  local p = event.payload
  if event.event_action == "trigger" and not p then out[#out + 1] = "payload is missing" end
  if p then
    fields(p, PAYLOAD, "payload.", out)
    for _, name in ipairs { "summary", "source", "severity" } do
      if not p[name] or p[name] == "" then out[#out + 1] = "payload." .. name .. " is missing" end
    end
    if not SEVERITIES[p.severity] then out[#out + 1] = "payload.severity is " .. tostring(p.severity) end
    if p.timestamp and not p.timestamp:find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*Z$" then out[#out + 1] = "payload.timestamp is no time" end
  end
  items(event.links, { href = "string", text = "string" }, "href", "links", out)
  items(event.images, { src = "string", href = "string", alt = "string" }, "src", "images", out)
  return out
end

return M

--- silence_form.lua - a silence as JSON, read with distrust and shown: the form of Alertmanager's API v2.
local Silence = require "moonwatch.route.silence"
local intake = require "moonwatch.api.alertmanager_intake"

local M = {}

local function matcher(host, m)
  if type(m) ~= "table" or type(m.name) ~= "string" or type(m.value) ~= "string" then return nil end
  local equal = intake.given(host, m.isEqual)
  if type(m.isRegex) ~= "boolean" or equal ~= nil and type(equal) ~= "boolean" then return nil end
  return { name = m.name, value = m.value, isRegex = m.isRegex, isEqual = equal ~= false }
end

--- A body → the silence; nil, status, message.
function M.read(router, body)
  local host = router.host
  local s, err = host.json.decode(body or "")
  if s == nil then return nil, 400, "the body is not JSON: " .. tostring(err) end
  if type(s) ~= "table" then return nil, 400, "the body must be a silence" end
  if type(s.matchers) ~= "table" or #s.matchers == 0 then return nil, 422, "matchers in body should have at least 1 items" end
  local list = {}
  for i, m in ipairs(s.matchers) do
    list[i] = matcher(host, m)
    if not list[i] then return nil, 422, ("matcher %d needs name, value and isRegex"):format(i) end
  end
  local starts_at, ends_at = intake.time(host, s.startsAt), intake.time(host, s.endsAt)
  if not starts_at or not ends_at then return nil, 422, "startsAt and endsAt in body are required, as RFC 3339 times" end
  for _, name in ipairs { "createdBy", "comment" } do
    if type(s[name]) ~= "string" then return nil, 422, name .. " in body is required" end
  end
  local id = type(s.id) == "string" and s.id ~= "" and s.id or nil
  return { id = id, matchers = list, starts_at = starts_at, ends_at = ends_at, created_by = s.createdBy, comment = s.comment }
end

--- A silence as JSON shows it.
function M.shown(router, s, now)
  local host, list = router.host, {}
  for i, m in ipairs(s.matchers) do
    list[i] = { name = m.name, value = m.value, isRegex = m.isRegex and true or false, isEqual = m.isEqual ~= false }
  end
  return { id = s.id, matchers = host.json.array(list), startsAt = host.rfc3339(s.starts_at), endsAt = host.rfc3339(s.ends_at),
    updatedAt = host.rfc3339(s.updated_at), createdBy = s.created_by, comment = s.comment, status = { state = Silence.state(s, now) } }
end

return M

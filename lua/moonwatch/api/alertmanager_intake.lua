--- alertmanager_intake.lua - bodies of Alertmanager's API v2, read with distrust.
local Alerts = require "moonwatch.route.alerts"
local version = require "moonwatch.api.alertmanager_version"

local M = {}

local VALUES = 300000 -- in a body in which something is odd; what is as it should be is read one by one

local UNSET = "^0001%-01%-01T"

local function is_list(v)
  if type(v) ~= "table" then return false end
  for key in pairs(v) do
    if type(key) ~= "number" then return false end
  end
  return true
end

-- An absent field may also be written as null.
local function given(host, v)
  if v == host.json.null then return nil end
  return v
end

-- Times without seconds, without a zone (they are UTC) or with a blank are taken, too.
local function whole(v)
  local day, clock, seconds, zone = v:match "^(%d%d%d%d%-%d%d%-%d%d)[Tt ](%d%d:%d%d)(:?[%d.]*)(.*)$"
  if not day then return v end
  return day .. "T" .. clock .. (seconds == "" and ":00" or seconds) .. (zone == "" and "Z" or zone)
end

--- The JSON BODY, in which U+FFFD takes the place of what is no character: one bad byte in one text is no reason to miss an alert.
-- nil, message when it is none.
function M.decode(host, body)
  local v, err = host.json.decode(body, VALUES)
  local mended = v == nil and host.json.mended(body)
  if mended and mended ~= body then v = host.json.decode(mended, VALUES) end
  return v, err
end

--- Is there nothing in BODY?
function M.is_blank(body) return not body or not body:find "%S" end

-- A JSON time → seconds; nil for none; false for nonsense.  Alertmanager reads an empty text as the beginning of 1970.
local function time(host, v)
  if v == nil or v == host.json.null then return nil end
  if type(v) ~= "string" then return false end
  if v == "" then return 0 end
  if v:find(UNSET) then return nil end
  return v:find "^%d%d%d%d%-" and host.parse_time(whole(v)) or false
end

local function text_set(host, v)
  if v == nil or v == host.json.null then return {} end
  if type(v) ~= "table" then return nil end
  local out = {}
  for name, value in pairs(v) do
    if type(name) ~= "string" or type(value) ~= "string" then return nil end
    out[name] = value
  end
  return out
end

local function bad_name(router, set)
  for name in pairs(set) do
    if not version.is_name(router, name) then return name end
  end
end

-- What the form of one element must be; nil, message.  Wrong ones spoil the whole request.
local function form(host, item)
  if type(item) ~= "table" or item == host.json.null or is_list(item) and next(item) ~= nil then
    return nil, 400, "each alert must be an object"
  end
  if item.labels == nil or item.labels == host.json.null then return nil, 422, "labels in body is required" end
  local labels, annotations = text_set(host, item.labels), text_set(host, item.annotations)
  if not labels or not annotations then return nil, 400, "labels and annotations must be texts by name" end
  local starts_at, ends_at = time(host, item.startsAt), time(host, item.endsAt)
  if starts_at == false or ends_at == false then return nil, 400, "startsAt and endsAt must be RFC 3339 times" end
  local url = given(host, item.generatorURL)
  if url ~= nil and type(url) ~= "string" then return nil, 400, "generatorURL must be a text" end
  return { labels = labels, annotations = annotations, starts_at = starts_at, ends_at = ends_at, generator_url = url }
end

-- What is wrong with a well-formed one; it alone is left out.  What says no end has one all the same.
local function problem(router, report, now)
  local some
  for name, value in pairs(report.labels) do
    if value == "" then report.labels[name] = nil else some = true end
  end
  if not some then return "at least one label pair required" end
  local ends_at = report.ends_at or now + (router.settings.resolve_timeout or Alerts.TIMEOUT)
  if ends_at < report.starts_at then return "start time must be before end time" end
  local bad = bad_name(router, report.labels)
  if bad then return ("invalid label name %q"):format(bad) end
  bad = bad_name(router, report.annotations)
  if bad then return ("invalid annotation name %q"):format(bad) end
end

-- A body in which something may be wrong.
local function look_closely(router, body, now)
  local host = router.host
  if M.is_blank(body) then return nil, 422, "alerts in body is required" end
  local list, err = M.decode(host, body)
  if list == host.json.null then return {}, 200, {} end
  if list == nil then return nil, 400, "the body is not JSON: " .. tostring(err) end
  if not is_list(list) then return nil, 400, "the body must be a list of alerts" end
  -- An empty object cannot be told from an empty list once decoded.
  if #list == 0 and not (body or ""):find "^%s*%[" then return nil, 400, "the body must be a list of alerts" end
  local reports, problems = {}, {}
  for _, item in ipairs(list) do
    local report, status, why = form(host, item)
    if not report then return nil, status, why end
    report.starts_at = report.starts_at or report.ends_at or now
    why = problem(router, report, now)
    if why then problems[#problems + 1] = why else reports[#reports + 1] = report end
  end
  return reports, 200, problems
end

--- POST /alerts → list of reports and 200 and the list of what was wrong with the others, and whether they are as `router:accept`
-- has them already; nil, status, message.
function M.alerts(router, body, now)
  local plain = router.host.read_alerts(body or "", router.alerts.by_fp, now, not version.newer(router))
  if plain then return plain, 200, {}, true end
  return look_closely(router, body, now)
end

M.given, M.time, M.is_list, M.text_set = given, time, is_list, text_set

return M

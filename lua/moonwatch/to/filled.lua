--- filled.lua - texts of the configuration in which ${...} stands for something of the message, or {{ ... }}, as in Alertmanager.
local expand = require "moonwatch.alert.text"
local gotemplate = require "moonwatch.gotemplate"
local text = require "moonwatch.to.text"

local M = {}

-- What stands behind the places: ALERT's, or the first one's, and the message's.
local function view_of(note, alert)
  alert = alert or note.alerts[1] or { labels = {} }
  return { labels = alert.labels, sample = alert.labels, external_labels = {}, annotations = alert.annotations or {}, value = alert.value,
    threshold = alert.threshold, name = alert.labels.alertname, severity = alert.severity or alert.labels.severity, state = alert.status,
    active_at = alert.starts_at, fired_at = alert.starts_at, now = note.time, external_url = note.external_url, status = note.status,
    receiver = note.receiver, firing = text.count(note, "firing"), resolved = text.count(note, "resolved"), title = text.title(note),
    group_labels = note.group_labels or {}, common_labels = note.common_labels, common_annotations = note.common_annotations }
end

--- TEMPLATE with its places filled in from ALERT (the first, when nil) of NOTE; nil when there is no template.  What stands in the
-- places passes THROUGH; the rest is its author's.
function M.text(template, note, through, alert)
  if type(template) == "number" then return tostring(template) end
  if type(template) ~= "string" then return nil end
  if gotemplate.is(template) then return gotemplate.say(template, note, through) end
  if not template:find("${", 1, true) then return template end
  local compiled = expand.compile(template)
  return compiled and expand.expand(compiled, view_of(note, alert), nil, through) or template
end

--- Is something of a message to be filled into what is SAID?
function M.is_template(said) return gotemplate.is(said) or said:find("${", 1, true) ~= nil end

--- What is wrong with what is SAID as a template; nil when nothing is.
function M.wrong(said)
  local compiled, why
  if gotemplate.is(said) then compiled, why = gotemplate.compile(said) else compiled, why = expand.compile(said) end
  return not compiled and why or nil
end

--- The first line of NOTE: TEMPLATE is what the configuration says for it, OURS what it is otherwise.  A digest has its own.
function M.title(template, note, ours)
  local own = not note.digest and M.text(template, note)
  if not own or own == "" then return ours or text.title(note) end
  return text.own_title(note, own)
end

--- VALUE with every text in it filled in, however deep.
function M.deep(value, note)
  if type(value) == "string" then return M.text(value, note) end
  if type(value) ~= "table" then return value end
  local out = {}
  for key, inner in pairs(value) do out[key] = M.deep(inner, note) end
  return setmetatable(out, getmetatable(value))
end

return M

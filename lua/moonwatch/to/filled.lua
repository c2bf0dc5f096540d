--- filled.lua - texts of the configuration in which ${...} stands for something of the message.
local expand = require "moonwatch.alert.text"

local M = {}

-- Of TEXTS a copy in which every value went through ESCAPE.
local function escaped(texts, escape)
  local out = {}
  for name, value in pairs(texts) do out[name] = escape(value) end
  return out
end

local function view_of(note, escape)
  local first = note.alerts[1] or { labels = {} }
  local labels = escape and escaped(first.labels, escape) or first.labels
  return { labels = labels, sample = labels, external_labels = {}, value = first.value, threshold = first.threshold, severity = first.severity,
    name = labels.alertname, now = note.time, active_at = first.starts_at, fired_at = first.starts_at, external_url = note.external_url }
end

--- TEMPLATE with its places filled in from the first alert of NOTE; nil when there is no template.  ESCAPE: what is put in goes
-- through this function.
function M.text(template, note, escape)
  if type(template) == "number" then return tostring(template) end
  if type(template) ~= "string" then return nil end
  if not template:find("${", 1, true) then return template end
  local compiled = expand.compile(template)
  return compiled and expand.expand(compiled, view_of(note, escape)) or template
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

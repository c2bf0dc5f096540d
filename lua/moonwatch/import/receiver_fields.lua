--- receiver_fields.lua - how a field of a receiver of Alertmanager becomes one of ours: (run, node, key, name) → Lua, or nil and a
-- line in the report.
local lua = require "moonwatch.import.lua_source"
local message_templates = require "moonwatch.import.message_templates"
local writer = require "moonwatch.import.lua_writer"
local yaml = require "moonwatch.import.yaml"

local M = {}

-- A text of Alertmanager's own, said once more: ours stands in its place.
local function is_default(text) return text:find '^%s*{{%-?%s*template%s+"[%w_]+%.default%.[%w_%.]+"%s*%.%s*%-?}}%s*$' ~= nil end

-- What of a message a template may name, between {{ and }}, and our place for it.
local PLACES = {
  { "%.GroupLabels%.([%a_][%w_]*)", "${group_labels.%1}" }, { "%.CommonLabels%.([%a_][%w_]*)", "${common_labels.%1}" },
  { "%.CommonAnnotations%.([%a_][%w_]*)", "${common_annotations.%1}" }, { "%.Status%s*|%s*toUpper", "${status|upper}" }, { "%.Status", "${status}" },
  { "%.Receiver", "${receiver}" }, { "%.ExternalURL", "${external_url}" }, { "%.Alerts%.Firing%s*|%s*len", "${firing}" },
  { "%.Alerts%.Resolved%s*|%s*len", "${resolved}" }, { "len%s+%.Alerts%.Firing", "${firing}" }, { "len%s+%.Alerts%.Resolved", "${resolved}" },
}

-- And of one alert, inside of {{ range .Alerts }}.
local OF_ALERT = {
  { "%.Labels%.([%a_][%w_]*)", "${labels.%1}" }, { "%.Annotations%.([%a_][%w_]*)", "${annotations.%1}" },
  { "%.Status%s*|%s*toUpper", "${state|upper}" }, { "%.Status", "${state}" },
}

-- TEXT with the places of ROWS in its template; nil: there are others.
local function translated(text, rows)
  if text:find("${", 1, true) then return nil end
  text = text:gsub("%s*{{%-%s", "{{ "):gsub("%s%-}}%s*", " }}") -- these dashes take the space beside them away
  for _, place in ipairs(rows or PLACES) do text = text:gsub("{{%s*" .. place[1] .. "%s*}}", place[2]) end
  if text:find("{{", 1, true) then return nil end
  return text
end

--- The text of a message of a chat program; one that goes through all alerts is ours for each of them.
function M.each_message(run, node, key, name)
  local body = node.text:match "^%s*{{%-?%s*range%s+%.Alerts%s*%-?}}(.-){{%-?%s*end%s*%-?}}%s*$"
  local text = body and translated(body:match "^%s*(.-)%s*$", OF_ALERT)
  if text and text:find("${", 1, true) then return lua.text(text) end
  return M.message(run, node, key, name)
end

-- TEXT as one of ours: with ${...} where that says it, else as it is.  nil: neither.
local function carried(run, text, key, name)
  local ours, why = translated(text), nil
  if not ours and not run.places_only then ours, why = message_templates.alone(run.doc, text) end
  if ours then return ours end
  return run.doc:lost(key, ("%s: this template cannot be carried over%s"):format(name, why and ": " .. why or ""))
end

function M.message(run, node, key, name)
  if is_default(node.text) and not message_templates.calls(run.doc, node.text) then return nil end
  local text = carried(run, node.text, key, name)
  return text and lua.text(text)
end

function M.plain(run, node, key, name)
  if is_default(node.text) then return nil end
  if node.text:find("{{", 1, true) then return run.doc:lost(key, ("%s: this template cannot be carried over"):format(name)) end
  return lua.text(node.text)
end

function M.whole(_, node) return tonumber(node.text) and tonumber(node.text) > 0 and node.text or nil end

function M.duration(run, node, key, name)
  if node.text == "0" or node.text == "0s" then return nil end
  if not run.doc.host.duration(node.text) then return run.doc:lost(key, ("%s: expected a duration"):format(name)) end
  return lua.quoted(node.text)
end

function M.yes(run, node, _, name)
  if not run.doc:expect(node, "boolean", name) then return nil end
  return node.text == "true" and "true" or nil
end

--- A field that is one of CHOICES.
function M.one_of(choices, why)
  return function(run, node, key, name)
    for _, choice in ipairs(choices) do
      if node.text == choice then return lua.quoted(choice) end
    end
    return run.doc:lost(key, ("%s: one of %s%s"):format(name, table.concat(choices, ", "), why or ""))
  end
end

--- A map of texts.
function M.map(run, node, _, name)
  local rows = {}
  for _, row in ipairs(run.doc:text_rows(node, name)) do
    local value = M.message(run, row.node, row.key, name .. "." .. row[1])
    if value then rows[#rows + 1] = { name = row[1], value = value } end
  end
  return #rows > 0 and writer.table(rows) or nil
end

--- A text with commas, as a list.
function M.commas(run, node, key, name)
  local text = carried(run, node.text, key, name)
  if not text then return nil end
  if text:find("{{", 1, true) then return lua.list { text } end -- its commas count when it is filled in
  local out = {}
  for part in text:gmatch "[^,]+" do
    local one = part:match "^%s*(.-)%s*$"
    if one ~= "" then out[#out + 1] = one end
  end
  return #out > 0 and lua.list(out) or nil
end

--- A list of texts.
function M.list(run, node, key, name)
  local out = {}
  for _, item in ipairs(node.items) do
    local text = run.doc:expect(item, "text", name)
    local value = text and M.message(run, text, key, name)
    if value then out[#out + 1] = { value = value } end
  end
  return #out > 0 and writer.table(out) or nil
end

--- A list of maps whose fields SPEC says: name of Alertmanager → ours.
function M.maps(spec)
  return function(run, node, _, name)
    local out = {}
    for _, item in ipairs(node.items) do
      local rows = {}
      for _, row in ipairs(run.doc:expect(item, "map", name) and run.doc:rows(item) or {}) do
        local ours = spec[row.key.text]
        local text = ours and run.doc:expect(row.node, "text", row.key.text)
        local value = text and text.text ~= "" and M.message(run, text, row.key, name .. "." .. row.key.text)
        if value then rows[#rows + 1] = { name = ours, value = value, short = true } end
        if not ours then run.doc:lost(row.key, ("%s: there is no field %q"):format(name, row.key.text)) end
      end
      if #rows > 0 then out[#out + 1] = { value = writer.table(rows) } end
    end
    return #out > 0 and writer.table(out) or nil
  end
end

local function scalar(node)
  if node.plain and (node.text == "true" or node.text == "false") then return node.text end
  if node.plain and tonumber(node.text) and node.text:find "^%-?%d+%.?%d*$" then return node.text end
end

--- Anything, with texts however deep.
function M.deep(run, node, key, name, depth)
  if yaml.is_null(node) then return nil end
  if (depth or 0) > 19 then return run.doc:lost(key, name .. ": nested too deep") end
  if node.kind == "text" then return scalar(node) or M.message(run, node, key, name) end
  local rows = {}
  for _, row in ipairs(node.kind == "map" and run.doc:rows(node) or {}) do
    local value = M.deep(run, row.node, row.key, name .. "." .. row.key.text, (depth or 0) + 1)
    if value then rows[#rows + 1] = { name = row.key.text, value = value, short = true } end
  end
  for _, item in ipairs(node.items or {}) do
    local value = M.deep(run, item, key, name, (depth or 0) + 1)
    if value then rows[#rows + 1] = { value = value, short = true } end
  end
  return #rows > 0 and writer.table(rows) or nil
end

return M

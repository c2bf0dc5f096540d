--- alertmanager.lua - the configuration of Alertmanager: its routing tree, receivers, inhibitions and time intervals.
local lua = require "moonwatch.import.lua_source"
local matchers = require "moonwatch.import.alertmanager_matchers"
local message_templates = require "moonwatch.import.message_templates"
local outputs = require "moonwatch.import.outputs"
local receivers = require "moonwatch.import.alertmanager_receivers"
local windows = require "moonwatch.import.alertmanager_windows"
local writer = require "moonwatch.import.lua_writer"
local yaml = require "moonwatch.import.yaml"

local M = {}

local ROOT = { global = "map", templates = "list", route = "map", inhibit_rules = "list", receivers = "list", mute_time_intervals = "list",
               time_intervals = "list", tracing = "any", event_recorder = "any" }
local ROUTE = { receiver = "text", group_by = "list", group_wait = "duration", group_interval = "duration", repeat_interval = "duration",
                match = "map", match_re = "map", matchers = "any", ["continue"] = "boolean", mute_time_intervals = "list", active_time_intervals = "list",
                labels = "any", routes = "list" }
local INHIBIT = { source_match = "map", source_match_re = "map", source_matchers = "any", target_match = "map", target_match_re = "map",
                  target_matchers = "any", equal = "list", name = "text", sources = "any" }

-- -- the tree -------------------------------------------------------------------------

local function row(run, name, value, key, floor, short)
  return { name = name, value = value, short = short, above = key and run.doc:above(key.line, floor) or nil, beside = key and run.doc:beside(key.line) or nil }
end

local function group_by(run, node)
  local names = run.doc:texts(node, "group_by")
  if #names == 1 and names[1] == "..." then return lua.quoted "all" end
  return lua.list(names)
end

-- One interval of Alertmanager may be several windows of ours.
local function window_names(run, node)
  local out = {}
  for _, item in ipairs(node.items) do
    local text = run.doc:expect(item, "text", "time interval")
    if text and not run.windows[text.text] then run.doc:lost(text, ("there is no time interval %q"):format(text.text)) end
    for _, name in ipairs(text and run.windows[text.text] or {}) do out[#out + 1] = name end
  end
  return lua.list(out)
end

local function known_receiver(run, node)
  if not run.receivers[node.text] then return run.doc:lost(node, ("there is no receiver %q"):format(node.text)) end
  return true
end

local route_rows

local function children(run, fields, depth)
  local list = {}
  for _, node in ipairs(fields.routes and fields.routes.items or {}) do
    if run.doc:expect(node, "map", "route") then
      local above = run.doc:above(node.line, run.floor)
      local rows = route_rows(run, node, depth + 1)
      for _, text in ipairs(run.doc:left(node.line, node.last)) do above[#above + 1] = text end
      if not rows.bad then list[#list + 1] = { value = writer.table(rows), above = above } end
      run.floor = node.last
    end
  end
  return list
end

-- The fields of a route, in the order in which we tell of one.
function route_rows(run, node, depth)
  local doc, floor = run.doc, node.line - 1
  local fields, keys = doc:fields(node, ROUTE, "route")
  local rows = {}
  local function add(name, value, field, short)
    rows[#rows + 1] = row(run, name, value, keys[field or name], floor, short)
  end
  local match, at, bad = matchers.of(doc, fields, keys, "match", "match_re", "matchers")
  rows.bad = bad
  if match and depth > 1 then add("match", match, at, true) end
  if match and depth == 1 then doc:lost(keys[at], "the root route takes every alert; it has no matchers") end
  if fields.receiver and known_receiver(run, fields.receiver) then add("receiver", lua.quoted(fields.receiver.text), "receiver", true) end
  if fields.group_by then add("group_by", group_by(run, fields.group_by), "group_by", true) end
  for _, name in ipairs { "group_wait", "group_interval", "repeat_interval" } do
    if fields[name] then add(name, lua.quoted(fields[name].text), name, true) end
  end
  if fields["continue"] and fields["continue"].text == "true" then add("continue", "true", "continue", true) end
  if fields.mute_time_intervals then add("mute", window_names(run, fields.mute_time_intervals), "mute_time_intervals", true) end
  if fields.active_time_intervals then add("active", window_names(run, fields.active_time_intervals), "active_time_intervals", true) end
  if fields.labels and doc:expect(fields.labels, "map", "labels") then
    local labels = receivers.labels(doc, fields.labels, true)
    if labels then add("labels", labels, "labels") end
  end
  if depth > 60 then doc:lost(node, "nested too deep") return rows end
  run.floor = keys.routes and keys.routes.line or floor
  local above = keys.routes and doc:above(keys.routes.line, floor)
  local list = children(run, fields, depth)
  if #list > 0 then rows[#rows + 1] = { name = "routes", value = writer.table(list), above = above } end
  return rows
end

local function take_route(run, file)
  local node = run.fields.route
  if not node then return run.doc:lost(run.doc.root, "there is no route") end
  local above = run.doc:above(run.keys.route.line, 0)
  local rows = route_rows(run, node, 1)
  if not rows[1] or rows[1].name ~= "receiver" then run.doc:lost(run.keys.route, "the root route needs a receiver") end
  table.insert(rows, 1, { name = "compat", value = lua.quoted "alertmanager", short = true })
  local timeout = run.global.fields.resolve_timeout
  if timeout and run.doc:expect(timeout, "duration", "resolve_timeout") then
    table.insert(rows, 2, row(run, "resolve_timeout", lua.quoted(timeout.text), run.global.keys.resolve_timeout, run.keys.global.line, true))
  end
  for _, text in ipairs(run.doc:left(run.keys.route.line, node.last)) do above[#above + 1] = text end
  file:declare("route", nil, rows, above, run.doc, node)
end

-- -- inhibitions ------------------------------------------------------------------------

local function take_inhibit(run, file, node, floor)
  local doc = run.doc
  local above = doc:above(node.line, floor)
  if not doc:expect(node, "map", "inhibit rule") then return end
  local fields, keys = doc:fields(node, INHIBIT, "inhibit rule")
  if fields.sources then doc:lost(keys.sources, "sources: an inhibition has one source") end
  local rows = {}
  for _, side in ipairs { "source", "target" } do
    local match, at, bad = matchers.of(doc, fields, keys, side .. "_match", side .. "_match_re", side .. "_matchers")
    if bad then return file:comments(above) end
    rows[#rows + 1] = row(run, side, match or "{}", keys[at], node.line - 1)
  end
  local equal = doc:texts(fields.equal, "equal")
  if #equal > 0 then rows[#rows + 1] = row(run, "equal", lua.list(equal), keys.equal, node.line - 1) end
  if fields.name then rows[#rows + 1] = row(run, "name", lua.quoted(fields.name.text), keys.name, node.line - 1) end
  for _, text in ipairs(doc:left(node.line, node.last)) do above[#above + 1] = text end
  file:declare("inhibit", nil, rows, above, doc, node)
end

-- -- the whole ----------------------------------------------------------------------------

local function names_of(run)
  local out = {}
  for _, node in ipairs(run.fields.receivers and run.fields.receivers.items or {}) do
    for i, key in ipairs(node.kind == "map" and node.keys or {}) do
      if key.text == "name" and node.values[i].text then out[node.values[i].text] = true end
    end
  end
  return out
end

local function section(run, file, name)
  file:comments(run.keys[name] and run.doc:above(run.keys[name].line, 0) or {})
  local node = run.fields[name]
  local floor, i = node and run.keys[name].line or 0, 0
  return function()
    i = i + 1
    local item = node and node.items[i]
    if not item then return nil end
    local before = i > 1 and node.items[i - 1].last or floor
    return item, before
  end
end

local function lost(run)
  for _, name in ipairs { "tracing", "event_recorder" } do
    if run.fields[name] then run.doc:lost(run.keys[name], name .. ": cannot be chosen") end
  end
end

local function import_config(doc, options)
  local run = { doc = doc, floor = 0 }
  run.fields, run.keys = doc:fields(doc.root, ROOT, "alertmanager.yml")
  run.receivers = names_of(run)
  local file = writer.new(doc.path, options.how)
  message_templates.read(doc, run.fields.templates)
  if run.keys.global then file:comments(doc:above(run.keys.global.line, 0)) end
  run.global = receivers.global(doc, run.fields.global)
  run.windows = windows.names(doc, run.fields)
  take_route(run, file)
  for node, floor in section(run, file, "inhibit_rules") do take_inhibit(run, file, node, floor) end
  for _, name in ipairs { "time_intervals", "mute_time_intervals" } do
    for node, floor in section(run, file, name) do windows.write(doc, node, file, run.windows, floor) end
  end
  local folder = doc.path:match "^(.*)/[^/]*$"
  local function place(name) return (name:sub(1, 1) == "/" or not folder) and name or folder .. "/" .. name end
  for node, floor in section(run, file, "receivers") do receivers.write(doc, node, file, { global = run.global, place = place, floor = floor }) end
  lost(run)
  file:comments(doc:left(1, doc.lines))
  options.out:add("", outputs.stem(doc.path), file:text())
end

--- options: { host=, report=, out=, how= }.
function M.import(path, options)
  local doc = yaml.open(options.host, path, options.report)
  if doc and doc:expect(doc.root, "map", "alertmanager.yml") then import_config(doc, options) end
end

return M

--- alertmanager_yaml.lua - our routing as an Alertmanager configuration, for clients that read one.
--
-- amtool draws and tests the routing tree from this text, and `moonwatch import alertmanager` reads it.  Secrets are hidden as
-- Alertmanager hides them.  What that language cannot say stands in comments at the top.
local keys_of = require "moonwatch.keys"
local matchers = require "moonwatch.route.matchers"
local receivers = require "moonwatch.api.alertmanager_yaml_receivers"
local windows = require "moonwatch.api.alertmanager_yaml_windows"

local M = {}

local NOBODY = "nobody"

-- -- writing YAML ---------------------------------------------------------------

-- Bare words that YAML takes for something else than a text.
local RESERVED = { y = true, n = true, yes = true, no = true, on = true, off = true, null = true, ["true"] = true, ["false"] = true }

local function scalar(v)
  if type(v) ~= "string" then return tostring(v) end
  if v:find "^[%a_][%w_%-]*$" and not RESERVED[v:lower()] then return v end
  return '"' .. v:gsub('[%c"\\]', function(c)
    if c == "\n" then return "\\n" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return ("\\x%02x"):format(c:byte())
  end) .. '"'
end

local write

local function write_list(list, indent, out)
  for _, item in ipairs(list) do
    if type(item) == "table" then
      local lines = {}
      write(item, indent + 1, lines)
      lines[1] = ("  "):rep(indent) .. "- " .. lines[1]:sub(2 * (indent + 1) + 1)
      for _, line in ipairs(lines) do out[#out + 1] = line end
    else
      out[#out + 1] = ("  "):rep(indent) .. "- " .. scalar(item)
    end
  end
end

-- MAP is a list of {key, value} pairs: the order is kept.
function write(map, indent, out)
  local pad = ("  "):rep(indent)
  for _, pair in ipairs(map) do
    local key, value = pair[1], pair[2]
    if type(value) ~= "table" then
      out[#out + 1] = pad .. key .. ": " .. scalar(value)
    elseif #value == 0 then
      out[#out + 1] = pad .. key .. ": []"
    else
      out[#out + 1] = pad .. key .. ":"
      local is_map = type(value[1]) == "table" and type(value[1][1]) == "string"
      if is_map then write(value, indent + 1, out) else write_list(value, indent, out) end
    end
  end
end

-- -- the configuration -------------------------------------------------------------

local function matcher_texts(compiled)
  local out = {}
  for i, m in ipairs(compiled.list) do out[i] = matchers.write(m) end
  return out
end

-- Prometheus durations are whole milliseconds, "0s" for none.
local function duration(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  if ms % 1000 ~= 0 then return ms .. "ms" end
  local s = ms / 1000
  for _, unit in ipairs { { "d", 86400 }, { "h", 3600 }, { "m", 60 } } do
    if s > 0 and s % unit[2] == 0 then return ("%d%s"):format(s / unit[2], unit[1]) end
  end
  return ("%ds"):format(s)
end

-- The windows of NODE that can be said; what cannot be is noted.
local function window_rows(c, node, is_root, out)
  local active = node.active[#node.active] or {}
  if is_root then
    if #node.mute + #active > 0 then c:note "the root route has windows, which this language does not allow" end
    return
  end
  if #node.active > 1 then c:note(("route %s is active only when windows of its parents are open, too"):format(node.key)) end
  for _, row in ipairs { { "mute_time_intervals", node.mute }, { "active_time_intervals", active } } do
    local names = {}
    for _, name in ipairs(row[2]) do
      if c.intervals[name] then names[#names + 1] = name end
    end
    if #names > 0 then out[#out + 1] = { row[1], names } end
  end
end

local function route(c, node, is_root)
  local own, out = node.own, {}
  if is_root or own.receiver then out[#out + 1] = { "receiver", node.receiver or NOBODY } end
  local by = own.group_by or is_root and node.group_by
  if by then out[#out + 1] = { "group_by", by == "all" and { "..." } or by } end
  if #node.matchers.list > 0 then out[#out + 1] = { "matchers", matcher_texts(node.matchers) } end
  if not is_root then out[#out + 1] = { "continue", node.continue } end
  for _, name in ipairs { "group_wait", "group_interval", "repeat_interval" } do
    if own[name] or is_root then out[#out + 1] = { name, duration(node[name]) } end
  end
  if own.repeat_factor and own.repeat_factor > 1 then c:note(("repeats of route %s wait longer each time"):format(node.key)) end
  window_rows(c, node, is_root, out)
  local children = {}
  for _, child in ipairs(node.routes) do
    if not child.drill then children[#children + 1] = route(c, child, false) end
  end
  if #children > 0 then out[#out + 1] = { "routes", children } end
  return out
end

-- name → intervals of those windows that can be said, and the rows of all.
local function intervals(c, list)
  local rows = {}
  c.intervals = {}
  for _, name in ipairs(keys_of(list)) do
    c.intervals[name] = windows.intervals(list[name])
    if c.intervals[name] then rows[#rows + 1] = { { "name", name }, { "time_intervals", c.intervals[name] } }
    else c:note(("window %q cannot be said in this language"):format(name)) end
  end
  return rows
end

local function receiver_rows(c, router)
  local rows = {}
  for _, name in ipairs(keys_of(router.receivers)) do
    local said, unsaid = receivers.receiver(name, router.receivers[name].list)
    rows[#rows + 1] = said
    for _, text in ipairs(unsaid) do c:note(text) end
  end
  for _, name in ipairs(keys_of(router.oncalls)) do rows[#rows + 1] = { { "name", "oncall:" .. name } } end
  if not router.tree.root.receiver then rows[#rows + 1] = { { "name", NOBODY } } end
  return rows
end

-- The labels that RULE compares; nil when two have different names.
local function equal_names(rule)
  local out = {}
  for i, pair in ipairs(rule.equal) do
    if pair[1] ~= pair[2] then return nil end
    out[i] = pair[1]
  end
  return out
end

local function inhibit_rows(c, router)
  local rows = {}
  for _, rule in ipairs(router.inhibitor.rules) do
    local equal = equal_names(rule)
    if equal then
      rows[#rows + 1] = { { "source_matchers", matcher_texts(rule.source) }, { "target_matchers", matcher_texts(rule.target) }, { "equal", equal } }
    else
      c:note(("the inhibition of %s by %s compares labels of different names"):format(rule.target.text, rule.source.text))
    end
  end
  return rows
end

--- The text.  ROUTER has tree, inhibitor, windows, receivers, oncalls and settings.
function M.text(router)
  local notes = {}
  local c = { note = function(_, text) notes[#notes + 1] = "# " .. text:gsub("%c", " ") end }
  local times = intervals(c, router.windows)
  local map = {
    { "global", { { "resolve_timeout", duration(router.settings.resolve_timeout or 300) } } },
    { "route", route(c, router.tree.root, true) },
  }
  if router.enrich:any() then c:note "alerts that are posted get further labels (enrich)" end
  for _, section in ipairs { { "inhibit_rules", inhibit_rows(c, router) }, { "time_intervals", times } } do
    if #section[2] > 0 then map[#map + 1] = section end
  end
  map[#map + 1] = { "receivers", receiver_rows(c, router) }
  map[#map + 1] = { "templates", {} }
  write(map, 0, notes)
  return table.concat(notes, "\n") .. "\n"
end

return M

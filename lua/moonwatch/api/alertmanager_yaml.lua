--- alertmanager_yaml.lua - our routing as an Alertmanager configuration, for clients that read one.
--
-- amtool draws and tests the routing tree from this text.  Receivers have names only: how they are
-- reached, and with which secrets, is nobody's business.  Windows are left out: not all of ours can be
-- said in that language.
local keys_of = require "moonwatch.keys"
local matchers = require "moonwatch.route.matchers"

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

local function route(node, is_root)
  local own, out = node.own, {}
  if is_root or own.receiver then out[#out + 1] = { "receiver", node.receiver or NOBODY } end
  local by = own.group_by or is_root and node.group_by
  if by then out[#out + 1] = { "group_by", by == "all" and { "..." } or by } end
  if #node.matchers.list > 0 then out[#out + 1] = { "matchers", matcher_texts(node.matchers) } end
  if not is_root then out[#out + 1] = { "continue", node.continue } end
  for _, name in ipairs { "group_wait", "group_interval", "repeat_interval" } do
    if own[name] or is_root then out[#out + 1] = { name, duration(node[name]) } end
  end
  local children = {}
  for _, child in ipairs(node.routes) do
    if not child.drill then children[#children + 1] = route(child, false) end
  end
  if #children > 0 then out[#out + 1] = { "routes", children } end
  return out
end

--- The text.
function M.text(router)
  local names = keys_of(router.receivers)
  for _, name in ipairs(keys_of(router.oncalls)) do names[#names + 1] = "oncall:" .. name end
  local root = router.tree.root
  if not root.receiver then names[#names + 1] = NOBODY end
  local receivers = {}
  for i, name in ipairs(names) do receivers[i] = { { "name", name } } end
  local inhibits = {}
  for i, rule in ipairs(router.inhibitor.rules) do
    inhibits[i] = { { "source_matchers", matcher_texts(rule.source) }, { "target_matchers", matcher_texts(rule.target) }, { "equal", rule.equal } }
  end
  local map = {
    { "global", { { "resolve_timeout", duration(router.settings.resolve_timeout or 300) } } },
    { "route", route(root, true) },
  }
  if #inhibits > 0 then map[#map + 1] = { "inhibit_rules", inhibits } end
  map[#map + 1] = { "receivers", receivers }
  map[#map + 1] = { "templates", {} }
  local out = {}
  write(map, 0, out)
  return table.concat(out, "\n") .. "\n"
end

return M

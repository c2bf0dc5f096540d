--- promtool_yaml.lua - from the nodes of a YAML text to checked values, as strictly as promtool: a field that nobody knows,
-- a list in the place of a text, a duration that is none are told with their place.
--
--   local read = yaml.reader(host, "rules_test.yml")
--   local file = read(text, yaml.object { tests = yaml.list(yaml.object { name = yaml.text }) })   or nil, "file:3:5: what"
-- A shape is function(node, path) -> value; what is missing or empty stays nil.  Objects carry the line they begin in as `line`.
local keys_of = require "moonwatch.keys"

local M = {}

local function refuse(node, why, ...) error({ line = node.line, col = node.col, message = why:format(...) }, 0) end
M.refuse = refuse

local KINDS = { text = "a text", list = "a list", map = "a map" }

local function empty(node)
  return node.kind == "text" and node.plain and (node.text == "" or node.text == "~" or node.text:lower() == "null")
end

local function want(node, kind, path)
  if node.kind ~= kind then refuse(node, "%s is %s, not %s", path, KINDS[kind], KINDS[node.kind] or node.kind) end
end

function M.text(node, path)
  want(node, "text", path)
  return node.text
end

local NUMBERS = { [".inf"] = math.huge, ["+.inf"] = math.huge, ["-.inf"] = -math.huge, [".nan"] = 0 / 0,
                  inf = math.huge, ["+inf"] = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 }

function M.number(node, path)
  want(node, "text", path)
  local text = node.text:gsub("_", "")
  local value = NUMBERS[text:lower()] or (text:find "^[%+%-]?[%d%.]" and tonumber((text:gsub("^%+", ""))))
  if not value then refuse(node, "%s is a number, not %q", path, node.text) end
  return value
end

local TRUTH = { ["true"] = true, ["false"] = false, yes = true, no = false, on = true, off = false }

function M.bool(node, path)
  want(node, "text", path)
  local value = TRUTH[node.text:lower()]
  if value == nil then refuse(node, "%s is true or false, not %q", path, node.text) end
  return value
end

--- The duration as Prometheus writes one: 1h30m, 500ms, 0.
function M.duration(host)
  return function(node, path)
    want(node, "text", path)
    if node.text == "0" then return 0 end
    local seconds = node.text:find "^[%dywdhms]+$" and node.text:find "%a$" and host.duration(node.text)
    if not seconds then refuse(node, "%s is a duration such as 30s or 1h30m, not %q", path, node.text) end
    return seconds
  end
end

function M.list(shape)
  return function(node, path)
    want(node, "list", path)
    local out = {}
    for _, item in ipairs(node.items) do
      if not empty(item) then out[#out + 1] = shape(item, "an item of " .. path) end
    end
    return out
  end
end

--- A map of texts to texts.
function M.texts(node, path)
  want(node, "map", path)
  local out = {}
  for i, key in ipairs(node.keys) do
    local value = node.values[i]
    out[M.text(key, path)] = empty(value) and "" or M.text(value, ("%q of %s"):format(key.text, path))
  end
  return out
end

--- A map with just these fields; WORDS says what it is called in messages.
function M.object(fields)
  local names = keys_of(fields)
  return function(node, path)
    want(node, "map", path)
    local out = { line = node.line }
    for i, key in ipairs(node.keys) do
      local shape, value = fields[key.text], node.values[i]
      if not shape then refuse(key, "%s has no field %q (there are %s)", path, key.text or "?", table.concat(names, ", ")) end
      if out[key.text] ~= nil then refuse(key, "%s says %q twice", path, key.text) end
      if not empty(value) then out[key.text] = shape(value, ("%q"):format(key.text)) end
    end
    return out
  end
end

--- TEXT of FILE by SHAPE; nil and "FILE:LINE:COL: why" when it does not fit.
function M.read(host, file, text, shape, what)
  local documents, message, line, col = host.yaml(text)
  if not documents then return nil, ("%s:%d:%d: %s"):format(file, line or 1, col or 1, message) end
  local node = documents[1]
  if not node or empty(node) then return { line = 1 } end
  local ok, value = pcall(shape, node, what)
  if ok then return value end
  if type(value) ~= "table" then error(value, 0) end
  return nil, ("%s:%d:%d: %s"):format(file, value.line or 1, value.col or 1, value.message)
end

return M

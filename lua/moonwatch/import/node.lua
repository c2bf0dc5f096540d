--- node.lua - reading the trees that host.yaml gives (docs/host.md), without a guess at what is not there.
--
-- Each function takes nil for a node and gives nothing then, so that a path is a chain of calls.
local M = {}

local NULL = { [""] = true, ["~"] = true, null = true, Null = true, NULL = true }

--- Is nothing said by NODE ("key:")?
function M.is_null(node) return node == nil or (node.kind == "text" and node.plain and NULL[node.text] == true) end

--- The value of KEY in the map NODE; nil when it is none or says nothing ("key:").
function M.get(node, key)
  if not node or node.kind ~= "map" then return nil end
  for i, name in ipairs(node.keys) do
    if name.text == key then
      return not M.is_null(node.values[i]) and node.values[i] or nil
    end
  end
end

--- Along several keys: M.at(node, "spec", "service").
function M.at(node, ...)
  for _, key in ipairs { ... } do node = M.get(node, key) end
  return node
end

function M.text(node, ...)
  local value = M.at(node, ...)
  return value and value.kind == "text" and value.text or nil
end

--- A list of nodes; a single value is a list of itself.
function M.list(node, ...)
  local value = M.at(node, ...)
  if not value then return {} end
  return value.kind == "list" and value.items or { value }
end

--- for name, value in M.fields(node): texts and nodes, in their order.
function M.fields(node, ...)
  local value, i = M.at(node, ...), 0
  return function()
    i = i + 1
    local key = value and value.kind == "map" and value.keys[i]
    if key then return key.text or "", value.values[i], key end
  end
end

--- Tell NOTE(key node, text) of every key of NODE that is not among the words of KNOWN ("name labels").
function M.tell_unknown(node, known, note)
  local names = {}
  for name in known:gmatch "%S+" do names[name] = true end
  for name, _, key in M.fields(node) do
    if not names[name] then note(key, ("%q is not known here and is not carried"):format(name)) end
  end
end

function M.yes(node, ...)
  local text = M.text(node, ...)
  return text == "true" or text == "yes" or text == "on" or text == "True" or text == "TRUE"
end

return M

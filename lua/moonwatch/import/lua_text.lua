--- lua_text.lua - values and declarations as a person would write them in Lua.
local M = {}

local WIDTH = 130
local RESERVED = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"):gmatch "%a+" do
  RESERVED[word] = true
end

local ESCAPES = { ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\0"] = "\\0" }

local function quoted(text)
  local quote = text:find('"', 1, true) and not text:find("'", 1, true) and "'" or '"'
  local body = text:gsub("[%c\\]", function(c) return ESCAPES[c] or ("\\%03d"):format(c:byte()) end)
  if quote == '"' then body = body:gsub('"', '\\"') end
  return quote .. body .. quote
end

-- [[ ]] with as many = as it takes.
local function bracketed(text)
  local level = ""
  while text:find("]" .. level, 1, true) do level = level .. "=" end
  return "[" .. level .. "[" .. text .. "]" .. level .. "]"
end

local function hard_to_quote(text)
  return text:find("\\", 1, true) or text:find('"', 1, true) and text:find("'", 1, true)
end

--- A text.  Several lines, and what would need many escapes, become a [[long text]].
function M.text(text)
  if text:find "[%z\1-\8\11-\31\127]" then return quoted(text) end
  if text:find "\n" then return bracketed("\n" .. text) end
  return hard_to_quote(text) and bracketed(text) or quoted(text)
end

function M.key(name)
  if name:find "^[%a_][%w_]*$" and not RESERVED[name] then return name end
  return "[" .. M.text(name) .. "]"
end

local function is_list(value) return #value > 0 or next(value) == nil end

local function sorted(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- The parts of a table, each a line of its own when they do not fit one.
local function table_text(value, indent)
  local parts = {}
  if is_list(value) then
    for i, item in ipairs(value) do parts[i] = M.value(item, indent + 2) end
  else
    for i, name in ipairs(sorted(value)) do parts[i] = M.key(name) .. " = " .. M.value(value[name], indent + 2) end
  end
  if #parts == 0 then return "{}" end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line + indent <= WIDTH and not line:find "\n" then return line end
  local pad = (" "):rep(indent + 2)
  return "{\n" .. pad .. table.concat(parts, ",\n" .. pad) .. ",\n" .. (" "):rep(indent) .. "}"
end

--- A text, number, boolean, list or map; { lua = "..." } stands as it is.
function M.value(value, indent)
  if type(value) == "table" then return value.lua or table_text(value, indent or 0) end
  if type(value) == "string" then return M.text(value) end
  return tostring(value)
end

--- A comment of TEXT, each line of it.
function M.comment(text, indent)
  return (" "):rep(indent or 0) .. "-- " .. text:gsub("%s+$", ""):gsub("\n", "\n" .. (" "):rep(indent or 0) .. "-- "):gsub("%-%- \n", "--\n")
end

--- `word "name" { fields }`.  fields: list of { name, value, comment= }; a nil value is left out.
function M.declaration(word, name, fields)
  local out = { word .. " " .. M.text(name) .. " {" }
  for _, field in ipairs(fields) do
    if field.comment then out[#out + 1] = M.comment(field.comment, 2) end
    if field[2] ~= nil then out[#out + 1] = "  " .. M.key(field[1]) .. " = " .. M.value(field[2], 2) .. "," end
  end
  out[#out + 1] = "}"
  return table.concat(out, "\n") .. "\n"
end

return M

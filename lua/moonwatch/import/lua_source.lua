--- lua_source.lua - values as Lua that a person would write: quotes, long brackets, names of fields, tables that fit a line.
local M = {}

M.WIDTH = 120

local KEYWORDS = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"):gmatch "%a+" do
  KEYWORDS[word] = true
end

function M.is_name(text) return text:find "^[%a_][%w_]*$" ~= nil and not KEYWORDS[text] end

local SHORT = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ["\\"] = "\\\\" }

--- TEXT in quotes, on one line: the quotes that need no escapes.
function M.quoted(text)
  local quote = '"'
  if text:find('"', 1, true) and not text:find("'", 1, true) then quote = "'" end
  local out = text:gsub("[%c\\\127" .. quote .. "]", function(c)
    if c == quote then return "\\" .. c end
    return SHORT[c] or ("\\%03d"):format(c:byte())
  end)
  return quote .. out .. quote
end

-- Would a long bracket give TEXT back as it is?
local function fits_brackets(text)
  return text:find "\n" and not text:find "\r" and not text:find "[%z\1-\8\11-\31\127]"
end

--- TEXT as one who writes Lua would put it: texts of several lines in long brackets.
function M.text(text)
  if not fits_brackets(text) then return M.quoted(text) end
  local level = ""
  while text:find("]" .. level .. "]", 1, true) or text:sub(-1 - #level) == "]" .. level do level = level .. "=" end
  return ("[%s[\n%s]%s]"):format(level, text, level)
end

--- A text with quotes and backslashes of its own, such as PromQL: without escapes; lines of a long one stand under each other.
function M.expression(text)
  text = text:gsub("^%s*\n", ""):gsub("%s+$", "")
  if not text:find "\n" then
    local plain = not text:find "[%c\\]" and not (text:find('"', 1, true) and text:find("'", 1, true))
    if plain or text:find "%c" then return M.quoted(text) end
    local level = ""
    while text:find("]" .. level, 1, true) do level = level .. "=" end
    return ("[%s[%s]%s]"):format(level, text, level)
  end
  if text:find "[`\r]" then return M.text(text) end
  local level = ""
  while text:find("]" .. level .. "]", 1, true) do level = level .. "=" end
  return ("[%s[\n    %s]%s]"):format(level, text:gsub("\n", "\n    "):gsub("\n%s+\n", "\n\n"), level)
end

--- What stands before "=" in a table.
function M.key(name) return M.is_name(name) and name or "[" .. M.quoted(name) .. "]" end

function M.index(name) return M.is_name(name) and "." .. name or "[" .. M.quoted(name) .. "]" end

--- A comment, each of its lines behind INDENT.
function M.comment(text, indent)
  return (indent or "") .. "--" .. (text ~= "" and " " or "") .. text:gsub("\n", " ")
end

--- A number of seconds or the text of a duration as it stood.
function M.value(v)
  if type(v) == "string" then return M.text(v) end
  if type(v) == "table" and v.lua then return v.lua end
  if type(v) == "table" then return M.list(v) end
  return tostring(v)
end

--- A list on one line: { "a", "b" }.
function M.list(items)
  local out = {}
  for i, item in ipairs(items) do out[i] = M.value(item) end
  return #out == 0 and "{}" or "{ " .. table.concat(out, ", ") .. " }"
end

--- A table of names on one line, in the order of ROWS, { {name, value}, ... }.
function M.map(rows)
  local out = {}
  for i, row in ipairs(rows) do out[i] = M.key(row[1]) .. " = " .. M.value(row[2]) end
  return #out == 0 and "{}" or "{ " .. table.concat(out, ", ") .. " }"
end

--- CODE, with every line but the first further in.  Lines inside long brackets stay as they are.
function M.shift(code, indent)
  local out, level = {}, nil
  for line in (code .. "\n"):gmatch "(.-)\n" do
    out[#out + 1] = (#out == 0 or level or line == "") and line or indent .. line
    local at = 1
    while true do
      if level then
        local _, stop = line:find("]" .. level .. "]", at, true)
        if not stop then break end
        level, at = nil, stop + 1
      else
        local open = line:match("()%[=*%[%s*$", at)
        if not open then break end
        level = line:match("^%[(=*)%[", open)
        break
      end
    end
  end
  return table.concat(out, "\n")
end

return M

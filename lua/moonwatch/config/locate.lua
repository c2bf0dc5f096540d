--- locate.lua - where in a source text a field of a declaration stands.
--
-- A small reader of Lua tokens follows the braces from the declaration's line.  Declarations that a program builds in
-- loops have no such place; then the line of the declaration is the answer.
local M = {}

local function long_bracket(source, at)
  local eq = source:match("^%[(=*)%[", at)
  if not eq then return nil end
  local _, stop = source:find("]" .. eq .. "]", at, true)
  return (stop or #source) + 1, #eq + 2
end

local function quoted_end(source, at)
  local quote, i = source:sub(at, at), at + 1
  while i <= #source do
    local c = source:sub(i, i)
    if c == "\\" then i = i + 1
    elseif c == quote or c == "\n" then return i + 1 end
    i = i + 1
  end
  return #source + 1
end

local function comment_end(source, at)
  local stop = long_bracket(source, at + 2)
  return stop or (source:find("\n", at, true) or #source + 1)
end

--- All tokens of SOURCE: { text=, kind="name"|"text"|"number"|"mark", line=, col=, at= }.
function M.tokens(source)
  local out, at, line, line_start = {}, 1, 1, 1
  local function pass(stop)
    for newline in source:sub(at, stop - 1):gmatch "()\n" do
      line, line_start = line + 1, at + newline
    end
    at = stop
  end
  while at <= #source do
    local c = source:sub(at, at)
    local kind, stop = "mark"
    local skip = source:match("^%s+()", at)
    if skip then pass(skip)
    elseif source:find("^%-%-", at) then pass(comment_end(source, at))
    else
      if source:find("^[%a_]", at) then stop, kind = source:match("^[%w_]+()", at), "name"
      elseif source:find("^%d", at) then stop, kind = source:match("^[%w%.]+()", at), "number"
      elseif c == '"' or c == "'" then stop, kind = quoted_end(source, at), "text"
      elseif long_bracket(source, at) then stop, kind = long_bracket(source, at), "text"
      else stop = at + 1 end
      out[#out + 1] = { text = source:sub(at, stop - 1), kind = kind, line = line, col = at - line_start + 1, at = at }
      pass(stop)
    end
  end
  return out
end

local OPEN = { ["{"] = true, ["("] = true, ["["] = true }
local CLOSE = { ["}"] = true, [")"] = true, ["]"] = true }
local BLOCK = { ["function"] = true, ["if"] = true, ["do"] = true, ["repeat"] = true }
local UNBLOCK = { ["end"] = true, ["until"] = true }

-- The last token of the value that starts at I: a comma, semicolon or closing bracket of its own level ends it.
local function value_end(tokens, i)
  local depth = 0
  while tokens[i] do
    local t = tokens[i]
    if t.kind == "mark" or t.kind == "name" then
      if OPEN[t.text] or BLOCK[t.text] then depth = depth + 1
      elseif CLOSE[t.text] or UNBLOCK[t.text] then
        if depth == 0 then return i - 1 end
        depth = depth - 1
      elseif depth == 0 and (t.text == "," or t.text == ";") then return i - 1 end
    end
    i = i + 1
  end
  return i - 1
end

-- Inside the table whose `{` is token OPEN_AT: the field KEY.  Gives the token of its key and of its value.
local function field(tokens, open_at, key)
  local i, position = open_at + 1, 0
  while tokens[i] and tokens[i].text ~= "}" do
    local t = tokens[i]
    local found, value
    if t.kind == "name" and tokens[i + 1] and tokens[i + 1].text == "=" and tokens[i + 2]
       and tokens[i + 2].text ~= "=" then
      found, value = t.text, i + 2
    elseif t.text == "[" and tokens[i + 1] and tokens[i + 1].kind == "text" and tokens[i + 3]
           and tokens[i + 3].text == "=" then
      found, value = tokens[i + 1].text:sub(2, -2), i + 4
    else
      position = position + 1
      found, value = position, i
    end
    if found == key then return i, value end
    i = value_end(tokens, value) + 1
    if tokens[i] and (tokens[i].text == "," or tokens[i].text == ";") then i = i + 1 end
  end
end

-- The `{` of the value that starts at I: a kind such as slack{...} has its name before it.
local function brace(tokens, i)
  for k = i, math.min(i + 1, #tokens) do
    if tokens[k].text == "{" then return k end
  end
end

-- The first token on LINE or behind it.
local function first_on(tokens, line)
  local low, high = 1, #tokens + 1
  while low < high do
    local mid = math.floor((low + high) / 2)
    if tokens[mid].line < line then low = mid + 1 else high = mid end
  end
  return low
end

-- The token of the word itself, nearest to LINE.  One with another name written behind it is another declaration.
local function opening(tokens, decl)
  local best
  for i = first_on(tokens, decl.line - 3), #tokens do
    local t = tokens[i]
    if t.line > decl.line then break end
    if t.kind == "name" and t.text == decl.word then
      local after = tokens[i + 1]
      local written = decl.name and after and after.kind == "text"
      local named = written and after.text:sub(2, -2) == decl.name
      if named or not written then best = i end
      if named and t.line == decl.line then break end
    end
  end
  return best
end

--- Where DECL's field at PATH stands among the TOKENS of its file: line, col, and the token of its value when that is one text.
function M.find(tokens, decl, path)
  local start = opening(tokens, decl)
  if not start then return decl.line, 1 end
  local token, value = start, nil
  local open = start
  while tokens[open] and tokens[open].text ~= "{" and tokens[open].line <= decl.line + 1 do open = open + 1 end
  for _, key in ipairs(path) do
    if not open or not tokens[open] or tokens[open].text ~= "{" then break end
    local at, value_at = field(tokens, open, key)
    if not at then break end
    token, value = at, value_at
    open = brace(tokens, value_at)
  end
  local text
  if value and tokens[value] and tokens[value].kind == "text" and value_end(tokens, value) == value then
    text = tokens[value]
  end
  return tokens[token].line, tokens[token].col, text
end

-- How many bytes of a source the escape at AT takes, and what it writes: "\n" for a newline, "" for nothing.
local function escape(source, at)
  local c = source:sub(at + 1, at + 1)
  if c == "n" or c == "\n" then return 2, "\n" end
  if c == "z" then return #source:match("^\\z%s*", at), "" end
  if c == "x" then return 4, "x" end
  if c == "u" then return #(source:match("^\\u{%x*}", at) or "\\u"), "x" end
  local digits = source:match("^%d%d?%d?", at + 1)
  return 1 + #(digits or c), tonumber(digits) == 10 and "\n" or "x"
end

-- Walk over the inside of a quoted text until LINE, COL of what it writes.
local function walk(source, at, line, col)
  local l, c = 1, 1
  while at <= #source and not (l == line and c == col) do
    local taken, written = 1, source:sub(at, at)
    if written == "\\" then taken, written = escape(source, at) end
    if written == "\n" then l, c = l + 1, 1 elseif written ~= "" then c = c + 1 end
    at = at + taken
  end
  return at
end

--- The place LINE, COL of the text that TOKEN writes, in the source.
function M.inside(token, line, col)
  local body = token.text
  local quote = body:match "^[\"']" or body:match "^%[=*%["
  if #quote > 1 then
    local first = body:sub(#quote + 1, #quote + 1) == "\n" and 1 or 0
    if line + first == 1 then return token.line, token.col + #quote + col - 1 end
    return token.line + line - 1 + first, col
  end
  local at = walk(body:sub(1, -2), 2, line, col)
  local before = body:sub(1, at - 1)
  local newlines = select(2, before:gsub("\n", ""))
  if newlines == 0 then return token.line, token.col + at - 1 end
  return token.line + newlines, at - #before:match "^.*\n"
end

return M

--- matcher_text.lua - how a matcher is written: `team="web"`, `"sérvice"=~api|db`, `{a=b, c!="d"}`.
--
-- There are two grammars, as in Alertmanager since names may be any UTF-8 text.  The newer one has words without blanks or any
-- of {}!=~,\"'` and words in double quotes, with escapes, on both sides.  The classic one has narrow names, and a value that may
-- be anything up to the next comma.  A text is read by the newer one; what only the classic one understands, or what means
-- something else there (`a=\n` in quotes does not, `a="\d"` does), keeps its classic meaning.
local M = {}

-- -- characters ------------------------------------------------------------------

local CHARACTER = "[%z\1-\127\194-\244][\128-\191]*"

-- Blanks beyond ASCII's.
local SPACES = {}
for _, s in ipairs { " ", "\t", "\n", "\v", "\f", "\r", "\194\133", "\194\160", "\225\154\128", "\226\128\168", "\226\128\169",
  "\226\128\175", "\226\129\159", "\227\128\128" } do SPACES[s] = true end
for last = 0x80, 0x8a do SPACES["\226\128" .. string.char(last)] = true end

local RESERVED = {}
for c in ("{}!=~,\\\"'`"):gmatch "." do RESERVED[c] = true end

-- Sequences that look like UTF-8 and are not: too long a form, halves of pairs, beyond the last character.
local function wrong(c)
  local a, b = c:byte(1, 2)
  if a < 0x80 then return #c ~= 1 end
  if #c ~= (a < 0xe0 and 2 or a < 0xf0 and 3 or 4) then return true end
  return a == 0xe0 and b < 0xa0 or a == 0xed and b > 0x9f or a == 0xf0 and b < 0x90 or a == 0xf4 and b > 0x8f
end

--- Is TEXT UTF-8?
function M.is_utf8(text)
  local at = 1
  while at <= #text do
    local c = text:match("^" .. CHARACTER, at)
    if not c or wrong(c) then return false end
    at = at + #c
  end
  return true
end

--- Must NAME stand in quotes?
function M.is_plain(name)
  for c in name:gmatch(CHARACTER) do
    if RESERVED[c] or SPACES[c] then return false end
  end
  return name ~= ""
end

local function utf8_of(n)
  if n < 0x80 then return string.char(n) end
  if n < 0x800 then return string.char(0xc0 + math.floor(n / 64), 0x80 + n % 64) end
  if n < 0x10000 then return string.char(0xe0 + math.floor(n / 4096), 0x80 + math.floor(n / 64) % 64, 0x80 + n % 64) end
  return string.char(0xf0 + math.floor(n / 262144), 0x80 + math.floor(n / 4096) % 64, 0x80 + math.floor(n / 64) % 64, 0x80 + n % 64)
end

-- -- the newer grammar --------------------------------------------------------------

local ESCAPES = { a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v", ["\\"] = "\\", ['"'] = '"' }
local CODES = { { "^x(%x%x)", 16, string.char }, { "^u(%x%x%x%x)", 16, utf8_of }, { "^U(%x%x%x%x%x%x%x%x)", 16, utf8_of },
  { "^([0-3][0-7][0-7])", 8, string.char } }

-- The escape after the backslash before AT → what it means, where it ends; nil for none.
local function escape(text, at)
  local plain = ESCAPES[text:sub(at, at)]
  if plain then return plain, at + 1 end
  for _, code in ipairs(CODES) do
    local digits = text:match(code[1], at)
    if digits then
      local n = tonumber(digits, code[2])
      if n > 0x10ffff or n >= 0xd800 and n <= 0xdfff then return nil end
      return code[3](n), at + #digits + (code[2] == 16 and 1 or 0)
    end
  end
end

local function unquoted(inner)
  local out, at = {}, 1
  while at <= #inner do
    local run = inner:match("^[^\\\n]+", at)
    if run then
      out[#out + 1] = run
      at = at + #run
    else
      local meant, after = nil, nil
      if inner:sub(at, at) == "\\" then meant, after = escape(inner, at + 1) end
      if not meant then return nil end
      out[#out + 1] = meant
      at = after
    end
  end
  local text = table.concat(out)
  return M.is_utf8(text) and text or nil
end

local function quoted_token(text, at)
  local i = at + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == '"' then return { kind = "word", text = unquoted(text:sub(at + 1, i - 1)), raw = text:sub(at, i) }, i + 1 end
    i = i + (c == "\\" and 2 or 1)
  end
  return nil, nil, "missing closing quote in " .. text
end

local function plain_token(text, at)
  local from = at
  while at <= #text do
    local c = text:match("^" .. CHARACTER, at)
    if not c or wrong(c) then return nil, nil, "not UTF-8: " .. text end
    if RESERVED[c] or SPACES[c] then break end
    at = at + #c
  end
  if at == from then return nil, nil, ("unexpected %s in %s"):format(text:sub(at, at), text) end
  local word = text:sub(from, at - 1)
  return { kind = "word", text = word, raw = word }, at
end

local OPERATORS = { "=~", "!~", "!=", "=" }

-- The token at AT and where the next one begins; nil, nil at the end; nil, nil, message.
local function token(text, at)
  local c = text:match("^" .. CHARACTER, at)
  while c and SPACES[c] do
    at = at + #c
    c = text:match("^" .. CHARACTER, at)
  end
  if at > #text then return nil end
  if c == "{" or c == "}" or c == "," then return { kind = c, raw = c }, at + 1 end
  for _, op in ipairs(OPERATORS) do
    if text:sub(at, at + #op - 1) == op then return { kind = "op", raw = op }, at + #op end
  end
  if c == '"' then return quoted_token(text, at) end
  return plain_token(text, at)
end

local function tokens(text)
  local list, at = {}, 1
  while true do
    local t, after, err = token(text, at)
    if err then return nil, err end
    if not t then return list end
    list[#list + 1], at = t, after
  end
end

local function newer(text)
  local list, err = tokens(text)
  if not list then return nil, err end
  local i, out = 1, {}
  local function kind() return list[i] and list[i].kind end
  local braces = kind() == "{"
  if braces then i = 2 end
  while kind() and kind() ~= "}" do
    local name, op, value = list[i], list[i + 1], list[i + 2]
    if name.kind ~= "word" or not name.text then return nil, "expected a label name in " .. text end
    if not op or op.kind ~= "op" then return nil, "expected an operator such as =, !=, =~ or !~ in " .. text end
    if not value or value.kind ~= "word" or not value.text then return nil, "expected a label value in " .. text end
    out[#out + 1] = { name = name.text, op = op.raw, value = value.text }
    i = i + 3
    if kind() == "," then i = i + 1
    elseif kind() and kind() ~= "}" then return nil, "expected a comma in " .. text end
  end
  if braces ~= (kind() == "}") then return nil, "a brace is missing in " .. text end
  if list[i + (braces and 1 or 0)] then return nil, ("unexpected %s in %s"):format(list[i + (braces and 1 or 0)].raw, text) end
  return out
end

-- -- the classic grammar -------------------------------------------------------------------

local CLASSIC = { n = "\n", ['"'] = '"', ["\\"] = "\\" }

-- The value after the operator: quoted with escapes, or bare.
local function classic_value(raw, text)
  if not M.is_utf8(raw) then return nil, "not UTF-8: " .. text end
  local quoted = raw:sub(1, 1) == '"'
  local out, i, closed = {}, quoted and 2 or 1, not quoted
  while i <= #raw do
    local c, e = raw:sub(i, i), raw:sub(i + 1, i + 1)
    if c == "\\" and e ~= "" then
      out[#out + 1] = CLASSIC[e] or c .. e
      i = i + 2
    elseif c == '"' then
      if closed or i < #raw then return nil, "matcher value contains unescaped double quote: " .. raw end
      closed, i = true, i + 1
    else
      out[#out + 1] = c
      i = i + 1
    end
  end
  if not closed then return nil, "missing closing quote in " .. text end
  return table.concat(out)
end

local function classic_one(text)
  local name, rest = text:match "^%s*([%a_:][%w_:]*)%s*(.*)$"
  for _, op in ipairs(name and OPERATORS or {}) do
    if rest:sub(1, #op) == op then
      local value, err = classic_value(rest:sub(#op + 1):match "^%s*(.-)%s*$", text)
      if not value then return nil, err end
      return { name = name, op = op, value = value }
    end
  end
  return nil, ('bad matcher %q: expected name="value" with =, !=, =~ or !~'):format(text)
end

-- Parts between commas that are outside of quotes; an empty one at the end is none.
local function split(text)
  local parts, from, quoted, i = {}, 1, false, 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == "\\" then i = i + 1
    elseif c == '"' then quoted = not quoted
    elseif c == "," and not quoted then
      parts[#parts + 1] = text:sub(from, i - 1)
      from = i + 1
    end
    i = i + 1
  end
  if text:find("%S", from) then parts[#parts + 1] = text:sub(from) end
  return parts
end

-- Only a pair of braces is taken off: a lone one at the end may be that of `a=~x{2}`.
local function classic(text)
  local inner = text:match "^{(.*)}$" or text
  local out = {}
  for i, part in ipairs(split(inner)) do
    local m, err = classic_one(part)
    if not m then return nil, err end
    out[i] = m
  end
  return out
end

-- -- both ----------------------------------------------------------------------------------

local function same(a, b)
  if #a ~= #b then return false end
  for i, m in ipairs(a) do
    if m.name ~= b[i].name or m.op ~= b[i].op or m.value ~= b[i].value then return false end
  end
  return true
end

--- `{a="b",c=~"d"}`, the braces may be missing → list of {name,op,value} or nil, message.
function M.parse(text)
  text = text:match "^%s*(.-)%s*$"
  local new, why = newer(text)
  local old, classic_why = classic(text)
  if old and not (new and same(new, old)) then return old end
  if new then return new end
  -- Who wrote quotes or braces meant the newer one, where it can say more about what is wrong.
  return nil, text:find '^%s*[{"]' and why or classic_why
end

--- One matcher, without braces → {name=, op=, value=} or nil, message.
function M.parse_one(text)
  local trimmed = text:match "^%s*(.-)%s*$"
  if trimmed:sub(1, 1) == "{" or trimmed:sub(-1) == "}" and not classic_one(trimmed) then
    return nil, "one matcher has no braces: " .. text
  end
  local new = newer(trimmed)
  local old, why = classic_one(trimmed)
  if old and not (new and same(new, { old })) then return old end
  if new and #new == 1 then return new[1] end
  return nil, why
end

return M

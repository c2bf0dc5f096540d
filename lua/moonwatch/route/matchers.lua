--- matchers.lua - conditions on labels: `team="web"`, `severity=~"page|critical"`.
--
-- Three ways to write the same thing: a table `{team="web"}` (equality), a text `{team=~"web|api"}`,
-- or a list of single texts as Alertmanager has them (`{ 'team="web"', 'env!=dev' }`).  Regular
-- expressions are anchored at both ends; a label that is missing is the empty text.
local M = {}

local ESCAPES = { n = "\n", ['"'] = '"', ["\\"] = "\\" }

--- Text in double quotes, as Go's %q would write it for ordinary text.
function M.quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    if c == "\n" then return "\\n" elseif c == "\t" then return "\\t" elseif c == "\r" then return "\\r" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return ("\\x%02x"):format(c:byte())
  end) .. '"'
end

-- The value after the operator: quoted with escapes, or bare.
local function value_of(raw, text)
  local quoted = raw:sub(1, 1) == '"'
  if quoted then
    if #raw < 2 or raw:sub(-1) ~= '"' then return nil, "missing closing quote in " .. text end
    raw = raw:sub(2, -2)
  end
  local out, i = {}, 1
  while i <= #raw do
    local c = raw:sub(i, i)
    if c == "\\" then
      local e = raw:sub(i + 1, i + 1)
      if quoted and e == "" then return nil, "missing closing quote in " .. text end
      out[#out + 1] = ESCAPES[e] or c .. e
      i = i + 2
    elseif c == '"' then
      return nil, "unescaped quote in " .. text
    else
      out[#out + 1] = c
      i = i + 1
    end
  end
  return table.concat(out)
end

local OPS = { [true] = { [true] = "=~", [false] = "=" }, [false] = { [true] = "!~", [false] = "!=" } }

--- The operator of a matcher as JSON has it: {isEqual=, isRegex=}.
function M.op(m) return OPS[m.isEqual ~= false][m.isRegex and true or false] end

--- One matcher: `name op value` → {name=, op=, value=} or nil, message.
function M.parse_one(text)
  local name, rest = text:match "^%s*([%a_:][%w_:]*)%s*(.*)$"
  local op, raw
  if name then op, raw = rest:match "^(=~)(.*)$" end
  if name and not op then op, raw = rest:match "^(!~)(.*)$" end
  if name and not op then op, raw = rest:match "^(!=)(.*)$" end
  if name and not op then op, raw = rest:match "^(=)(.*)$" end
  if not op then return nil, ('bad matcher %q: expected name="value" with =, !=, =~ or !~'):format(text) end
  local value, err = value_of(raw:match "^%s*(.-)%s*$", text)
  if not value then return nil, err end
  return { name = name, op = op, value = value }
end

-- Parts between commas that are outside of quotes.
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
  if quoted then return nil, "missing closing quote in " .. text end
  parts[#parts + 1] = text:sub(from)
  return parts
end

--- `{a="b",c=~"d"}`, the braces may be missing → list of {name,op,value} or nil, message.
function M.parse(text)
  local inner = text:match "^%s*{(.*)}%s*$" or text
  local parts, err = split(inner)
  if not parts then return nil, err end
  local out = {}
  for i, part in ipairs(parts) do
    if part:find "%S" then
      local m
      m, err = M.parse_one(part)
      if not m then return nil, err end
      out[#out + 1] = m
    elseif i < #parts then
      return nil, "empty matcher in " .. text
    end
  end
  return out
end

local function gather(spec)
  if spec == nil then return {} end
  if type(spec) == "string" then return M.parse(spec) end
  if type(spec) ~= "table" then return nil, "matchers must be a table or a text, got " .. type(spec) end
  local out = {}
  for key, value in pairs(spec) do
    if type(key) == "string" then
      if type(value) ~= "string" and type(value) ~= "number" and type(value) ~= "boolean" then
        return nil, ("the value of label %s must be a text, got %s"):format(key, type(value))
      end
      out[#out + 1] = { name = key, op = "=", value = tostring(value) }
    elseif type(value) == "table" then
      out[#out + 1] = { name = value.name, op = value.op, value = value.value }
    else
      local parsed, err = M.parse(value)
      if not parsed then return nil, err end
      for _, m in ipairs(parsed) do out[#out + 1] = m end
    end
  end
  return out
end

local function before(a, b)
  if a.name ~= b.name then return a.name < b.name end
  if a.value ~= b.value then return a.value < b.value end
  return a.op < b.op
end

local TESTS = {
  ["="] = function(m) return function(v) return v == m.value end end,
  ["!="] = function(m) return function(v) return v ~= m.value end end,
  ["=~"] = function(_, re) return function(v) return re:match(v) end end,
  ["!~"] = function(_, re) return function(v) return not re:match(v) end end,
}

--- SPEC in any of the three forms → {list=sorted {name,op,value,test}, text="{...}"} or nil, message.
function M.compile(spec, host)
  local list, err = gather(spec)
  if not list then return nil, err end
  table.sort(list, before)
  local texts = {}
  for i, m in ipairs(list) do
    local re
    if not TESTS[m.op] then return nil, ("unknown operator %q"):format(tostring(m.op)) end
    if m.op:find "~" then
      re, err = host.regex(m.value)
      if not re then return nil, ("%s%s%s: %s"):format(m.name, m.op, M.quote(m.value), err) end
    end
    m.test = TESTS[m.op](m, re)
    texts[i] = m.name .. m.op .. M.quote(m.value)
  end
  return { list = list, text = "{" .. table.concat(texts, ",") .. "}" }
end

--- Do LABELS satisfy all of COMPILED's conditions?
function M.match(compiled, labels)
  for _, m in ipairs(compiled.list) do
    if not m.test(labels[m.name] or "") then return false end
  end
  return true
end

return M

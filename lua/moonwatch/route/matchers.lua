--- matchers.lua - conditions on labels: `team="web"`, `severity=~"page|critical"`.
--
-- Three ways to write the same thing: a table `{team="web"}` (equality), a text `{team=~"web|api"}`,
-- or a list of single texts as Alertmanager has them (`{ 'team="web"', 'env!=dev' }`).  Regular
-- expressions are anchored at both ends, and "." is no line break; a label that is missing is the empty text.
local text_of = require "moonwatch.route.matcher_text"

local M = {}

--- Text in double quotes, as Go's %q would write it for ordinary text.
function M.quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    if c == "\n" then return "\\n" elseif c == "\t" then return "\\t" elseif c == "\r" then return "\\r" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return ("\\x%02x"):format(c:byte())
  end) .. '"'
end

local METRICS = { ["\n"] = "\\n", ['"'] = '\\"', ["\\"] = "\\\\" }

--- Matcher M as a text that reads back as itself.
function M.write(m)
  if not text_of.is_plain(m.name) then return M.quote(m.name) .. m.op .. M.quote(m.value) end
  return m.name .. m.op .. '"' .. m.value:gsub('[\n"\\]', METRICS) .. '"'
end

local OPS = { [true] = { [true] = "=~", [false] = "=" }, [false] = { [true] = "!~", [false] = "!=" } }

--- The operator of a matcher as JSON has it: {isEqual=, isRegex=}.
function M.op(m) return OPS[m.isEqual ~= false][m.isRegex and true or false] end

M.parse, M.parse_one = text_of.parse, text_of.parse_one

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

local RANK = { ["="] = 1, ["!="] = 2, ["=~"] = 3, ["!~"] = 4 }

local function before(a, b)
  if a.name ~= b.name then return a.name < b.name end
  if a.value ~= b.value then return a.value < b.value end
  return (RANK[a.op] or 0) < (RANK[b.op] or 0)
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
      re, err = host.regex(m.value, true)
      if not re then return nil, ("%s%s%s: %s"):format(m.name, m.op, M.quote(m.value), err) end
    end
    m.test = TESTS[m.op](m, re)
    texts[i] = M.write(m)
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

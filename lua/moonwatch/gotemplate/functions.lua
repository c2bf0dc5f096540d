--- functions.lua - the functions that templates of Alertmanager may call, and those of Go.
local letters = require "moonwatch.gotemplate.letters"
local rules = require "moonwatch.guest.template"
local values = require "moonwatch.gotemplate.values"

local M = {}

local fail = values.fail

local function text_of(v, name)
  if type(v) ~= "string" then fail("error calling %s: wrong type for value; expected string; got %s", name, values.type(v)) end
  return v
end

local function of_text(name, f) return function(_, v) return f(text_of(v, name)) end end

-- NAME → function(run, ...).  RUN.host has regular expressions.
local FN = {
  toUpper = of_text("toUpper", letters.upper), toLower = of_text("toLower", letters.lower), title = of_text("title", letters.title),
  trimSpace = of_text("trimSpace", function(s) return s:match "^%s*(.-)%s*$" end),
  safeHtml = of_text("safeHtml", function(s) return s end), safeUrl = of_text("safeUrl", function(s) return s end),
  urlquery = of_text("urlquery", rules.urlQueryEscape),
}
M.by_name = FN

local HTML = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&#34;", ["'"] = "&#39;" }
FN.html = of_text("html", function(s) return (s:gsub("[&<>\"']", HTML)) end)

function FN.join(_, separator, list)
  if not values.is_list(list) or list.kind ~= "strings" then fail "error calling join: wrong type for value; expected []string" end
  return table.concat(list.items, text_of(separator, "join"))
end

function FN.stringSlice(_, ...)
  local items = { ... }
  for _, item in ipairs(items) do text_of(item, "stringSlice") end
  return values.list(items, "strings")
end

-- -- regular expressions ------------------------------------------------------------------

local function regex(run, pattern, name)
  local re, why = run.host.regex(text_of(pattern, name), "search")
  if not re then fail("error calling %s: %s", name, why) end
  return re
end

function FN.match(run, pattern, text) return regex(run, pattern, "match"):find(text_of(text, "match"), 1) ~= nil end

-- WITH, its groups filled in: $1, ${1}, ${name}, $$.
local function expanded(re, with, found)
  return (with:gsub("%$(%$?)({?)([%w_]*)(}?)", function(dollar, open, name, close)
    if dollar == "$" then return "$" .. open .. name .. close end
    if name == "" or open == "{" and close ~= "}" then return nil end
    local number = tonumber(name:match "^%d%d?%d?$") or re:group(name)
    return (number and found[number] or "") .. (open == "" and close or "")
  end))
end

-- Each match behind the one before; an empty one right behind a match does not count, as in Go.
function FN.reReplaceAll(run, pattern, with, text)
  local re = regex(run, pattern, "reReplaceAll")
  text_of(with, "reReplaceAll")
  local out, at, copied, any = {}, 1, 1, false
  while at <= #text_of(text, "reReplaceAll") + 1 do
    run:step(#text - at + 10)
    local found = re:find(text, at)
    if not found then break end
    local from, to = found.at, found.at + #found[0]
    if to > from or not any or from > copied then
      out[#out + 1] = text:sub(copied, from - 1)
      out[#out + 1] = expanded(re, with, found)
      copied, any = to, true
    end
    at = to > from and to or text:match("^[%z\1-\255][\128-\191]*()", to) or #text + 2
  end
  out[#out + 1] = text:sub(copied)
  return table.concat(out)
end

-- -- Go's own -----------------------------------------------------------------------------

FN["not"] = function(_, v) return not values.truth(v) end
function FN.len(_, v) return values.len(v) end

function FN.index(_, v, ...)
  for i = 1, select("#", ...) do
    local key = select(i, ...)
    if values.is_kv(v) then v = v.of[text_of(key, "index")] or ""
    elseif values.is_list(v) and type(key) == "number" then
      if key < 0 or key >= #v.items then fail("error calling index: reflect: slice index out of range") end
      v = v.items[key + 1]
    else fail("error calling index: can't index item of type %s", values.type(v)) end
  end
  return v
end

function FN.slice(_, v, from, to)
  local n = values.len(v)
  from, to = from or 0, to or n
  if type(from) ~= "number" or type(to) ~= "number" or from < 0 or to > n or from > to then fail "error calling slice: index out of range" end
  if type(v) == "string" then return v:sub(from + 1, to) end
  if not values.is_list(v) then fail "error calling slice: can't slice it" end
  local out = {}
  for i = from + 1, to do out[#out + 1] = v.items[i] end
  return values.list(out, v.kind)
end

local function for_printf(v)
  if type(v) == "number" then return rules.int(v) end
  if type(v) == "table" or v == nil then return values.text(v, true) end
  return v
end

function FN.printf(_, format, ...)
  local args = {}
  for i = 1, select("#", ...) do args[i] = for_printf((select(i, ...))) end
  return rules.printf(text_of(format, "printf"), unpack(args, 1, select("#", ...)))
end

-- A blank stands between two of which none is a text.
function FN.print(_, ...)
  local out = {}
  for i = 1, select("#", ...) do
    local v, before = select(i, ...), i > 1 and select(i - 1, ...)
    if i > 1 and type(v) ~= "string" and type(before) ~= "string" then out[#out + 1] = " " end
    out[#out + 1] = values.text(v, true)
  end
  return table.concat(out)
end

function FN.println(_, ...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = values.text((select(i, ...)), true) end
  return table.concat(out, " ") .. "\n"
end

-- -- comparing --------------------------------------------------------------------------------

local function comparable(a, b)
  if type(a) == "table" or type(b) == "table" then fail "error calling eq: invalid type for comparison" end
  if type(a) ~= type(b) then fail "error calling eq: incompatible types for comparison" end
end

function FN.eq(_, a, ...)
  if select("#", ...) == 0 then fail "error calling eq: missing argument for comparison" end
  for i = 1, select("#", ...) do
    local b = select(i, ...)
    comparable(a, b)
    if a == b then return true end
  end
  return false
end

local function ordered(name, test)
  FN[name] = function(_, a, b)
    comparable(a, b)
    if type(a) == "boolean" or a == nil then fail("error calling %s: invalid type for comparison", name) end
    return test(a, b)
  end
end
function FN.ne(run, a, b) return not FN.eq(run, a, b) end
ordered("lt", function(a, b) return a < b end)
ordered("le", function(a, b) return a <= b end)
ordered("gt", function(a, b) return a > b end)
ordered("ge", function(a, b) return a >= b end)

--- Names that a template may call: name → true.  `and` and `or` look only at what they need, so run.lua has them.
M.names = { ["and"] = true, ["or"] = true }
for name in pairs(FN) do M.names[name] = true end

return M

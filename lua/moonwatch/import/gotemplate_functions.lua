--- gotemplate_functions.lua - the functions of Prometheus' templates, as Lua that does the same.
--
-- Each takes the writer and its arguments, values of gotemplate_value.lua, and gives such a value.
local lua = require "moonwatch.import.lua_source"
local values = require "moonwatch.import.gotemplate_value"

local as_argument, as_text, const, failure, truth, unable, value =
  values.as_argument, values.as_text, values.const, values.failure, values.truth, values.unable, values.value

local M = {}

local FN = {}

local function want(args, n, name)
  if #args ~= n then unable(("%s wants %d argument%s"):format(name, n, n == 1 and "" or "s")) end
end

-- Of one value, which Prometheus turns into a number.  What it is called here is a filter of texts, too.
for name, ours in pairs { humanize = "humanize", humanize1024 = "humanize1024", humanizeDuration = "duration", humanizePercentage = "percent",
                          humanizeTimestamp = "timestamp" } do
  FN[name] = function(_, args)
    want(args, 1, name)
    return value(("%s(%s)"):format(ours, args[1].code), "text", { filter = ours, of = args[1] })
  end
end
local FILTERS = { title = "title", toUpper = "upper", toLower = "lower" }
for name in ("title toUpper toLower stripPort stripDomain urlQueryEscape graphLink tableLink parseDuration"):gmatch "%w+" do
  FN[name] = function(_, args)
    want(args, 1, name)
    if args[1].type == "float" or args[1].type == "int" then return failure "wrong type for value; expected string; got float64" end
    return value(("t.%s(%s)"):format(name, args[1].code), name == "parseDuration" and "float" or "text", { filter = FILTERS[name], of = args[1] })
  end
end
function FN.safeHtml(_, args) return args[1] end
function FN.externalURL() return value("alert.external_url", "label") end
function FN.pathPrefix() return value("t.pathPrefix(alert.external_url)", "text") end

function FN.query(_, args)
  want(args, 1, "query")
  local q = args[1]
  return value(("query(%s)"):format(q.const and lua.text(q.const) or as_text(q)), "samples")
end
function FN.first(_, args)
  want(args, 1, "first")
  if args[1].type == "any" then return value(("t.first(%s)"):format(args[1].code), "sample") end
  if args[1].type ~= "samples" then return failure "wrong type for value; expected template.queryResult" end
  return value(("t.first(%s)"):format(args[1].code), "sample")
end
function FN.value(_, args)
  want(args, 1, "value")
  return value(args[1].code .. ".value", "float")
end
function FN.label(_, args)
  want(args, 2, "label")
  local name, sample = args[1], args[2]
  return value(sample.code .. ".labels" .. (name.const and lua.index(name.const) or ("[%s]"):format(as_text(name))), "label")
end
function FN.strvalue(_, args)
  want(args, 1, "strvalue")
  return value(args[1].code .. ".labels.__value__", "label")
end
function FN.sortByLabel(_, args)
  want(args, 2, "sortByLabel")
  return value(("t.sortByLabel(%s, %s)"):format(as_text(args[1]), args[2].code), "samples")
end
function FN.match(_, args)
  want(args, 2, "match")
  return value(("regex.find(%s, %s) ~= nil"):format(as_argument(args[1]), as_argument(args[2])), "bool")
end
function FN.reReplaceAll(_, args)
  want(args, 3, "reReplaceAll")
  return value(("regex.replace(%s, %s, %s)"):format(as_argument(args[1]), as_argument(args[3]), as_argument(args[2])), "text")
end
function FN.now() return value("alert.now", "float") end
function FN.args(_, args)
  local codes = {}
  for i, a in ipairs(args) do codes[i] = a.code end
  return value(("t.args(%s)"):format(table.concat(codes, ", ")), "any")
end

local function listed(args, from)
  local codes = {}
  for i = from or 1, #args do
    local a = args[i]
    codes[#codes + 1] = a.type == "int" and ("t.int(%s)"):format(a.code) or a.code
  end
  return table.concat(codes, ", ")
end

function FN.printf(_, args)
  if #args == 0 then unable "printf wants a format" end
  local format = args[1].const
  local number = format and #args == 2 and args[2].type == "float" and format:find "^%%[%-+# 0]*%d*%.?%d*[feg]$"
  return value(("t.printf(%s%s)"):format(format and lua.quoted(format) or as_text(args[1]), #args > 1 and ", " .. listed(args, 2) or ""), "text",
    { filter = number and ('printf:"%s"'):format(format) or nil, of = args[2] })
end
function FN.print(_, args)
  local codes = {}
  for i, a in ipairs(args) do codes[i] = a.code end
  return value(("t.text(%s)"):format(table.concat(codes, ", ")), "text")
end
function FN.println(self, args)
  args[#args + 1] = const "\n"
  return FN.print(self, args)
end
function FN.len(_, args)
  want(args, 1, "len")
  local v = args[1]
  return value("#" .. ((v.type == "label" or v.type == "text") and as_text(v) or v.code), "int")
end
function FN.index(_, args)
  local v = args[1]
  if #args ~= 2 then unable "index with several keys" end
  if v.type == "samples" and args[2].number then return value(("%s[%d]"):format(v.code, args[2].number + 1), "sample") end
  if v.type == "labels" then
    return value(("%s%s"):format(v.code, args[2].const and lua.index(args[2].const) or "[" .. as_text(args[2]) .. "]"), "label")
  end
  unable "index of this"
end

FN["not"] = function(_, args)
  want(args, 1, "not")
  local code = truth(args[1])
  return value(code:find "[ ]" and ("not (%s)"):format(code) or "not " .. code, "bool")
end
local function junction(word, helper)
  return function(_, args)
    local bools, codes = true, {}
    for i, a in ipairs(args) do
      bools = bools and a.type == "bool"
      codes[i] = a.code
    end
    if not bools then
      local tests = {}
      for i, a in ipairs(args) do tests[i] = truth(a) end
      return value(("t.%s(%s)"):format(helper, table.concat(codes, ", ")), "any", { test = "(" .. table.concat(tests, " " .. word .. " ") .. ")" })
    end
    return value("(" .. table.concat(codes, " " .. word .. " ") .. ")", "bool")
  end
end
FN["and"], FN["or"] = junction("and", "all"), junction("or", "any")

local KINDS = { float = "float", int = "int", text = "text", label = "text", bool = "bool" }
local function pair(op, a, b)
  if a.fails or b.fails then return a.fails and a or b end
  local ka, kb = KINDS[a.type], KINDS[b.type]
  if ka and kb and ka ~= kb then return failure "error calling comparison: incompatible types for comparison" end
  if not (ka or a.type == "any") or not (kb or b.type == "any") then return failure "invalid type for comparison" end
  if ka == "text" or kb == "text" then
    -- A label that is not there equals "" and nothing else.
    local plain = (op == "==" or op == "~=") and ((b.const and b.const ~= "") or (a.const and a.const ~= ""))
    return value(("%s %s %s"):format(plain and a.code or as_text(a), op, plain and b.code or as_text(b)), "bool")
  end
  return value(("%s %s %s"):format(a.code, op, b.code), "bool")
end
for name, op in pairs { eq = "==", ne = "~=", lt = "<", le = "<=", gt = ">", ge = ">=" } do
  FN[name] = function(_, args)
    if #args < 2 or (#args > 2 and name ~= "eq") then unable(name .. " wants two arguments") end
    if #args == 2 then return pair(op, args[1], args[2]) end
    local tests = {}
    for i = 2, #args do
      local test = pair(op, args[1], args[i])
      if test.fails then return test end
      tests[#tests + 1] = test.code
    end
    return value("(" .. table.concat(tests, " or ") .. ")", "bool")
  end
end

--- What there is, by name.
M.by_name = FN
--- Names that a template may call: name -> true.
M.names = {}
for name in pairs(FN) do M.names[name] = true end
-- Known to Prometheus, but nothing that a text of ours could hold.
for _, name in ipairs { "toTime", "toDuration", "html", "js", "urlquery", "call", "slice" } do M.names[name] = true end

return M

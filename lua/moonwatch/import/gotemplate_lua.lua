--- gotemplate_lua.lua - what a Go template of Prometheus says, as a text of ours or as a Lua function.
--
-- Every value has a type that is known while translating: "float", "int", "text", "label" (a text that may not be there), "bool",
-- "labels", "sample", "samples", "data" (the dot outside of everything) and "any".  Where Go would fail when the template runs,
-- the function fails in the same place.
local gotemplate = require "moonwatch.import.gotemplate"
local lua = require "moonwatch.import.lua_source"

local M = {}

local Writer = {}
Writer.__index = Writer

local function unable(what) error({ unable = what }, 0) end
local function value(code, kind, more)
  local v = more or {}
  v.code, v.type = code, kind
  return v
end
local function failure(why) return value(("t.fail(%s)"):format(lua.quoted(why)), "any", { fails = why }) end
local function const(text) return value(lua.quoted(text), "text", { const = text }) end

-- -- values ------------------------------------------------------------------

-- CODE where text must not be nil.
local function as_text(v)
  if v.type == "text" then return v.code end
  if v.type == "label" then return ("(%s or \"\")"):format(v.code) end
  return ("t.text(%s)"):format(v.code)
end

-- The same where it stands alone, between commas.
local function as_argument(v)
  local code = as_text(v)
  return code:match "^%((.* or \"\")%)$" or code
end

local function truth(v)
  if v.type == "bool" then return v.code end
  if v.type == "float" or v.type == "int" then return v.code .. " ~= 0" end
  if v.type == "samples" then return v.code .. "[1]" end
  if v.type == "text" and v.const then return tostring(v.const ~= "") end
  return ("t.truth(%s)"):format(v.code)
end

local DATA = {
  Labels = function(self) return value(self.whole, "labels", { top = true }) end,
  Value = function() return value("alert.value", "float") end,
  ExternalLabels = function() return value("alert.external_labels", "labels") end,
  ExternalURL = function() return value("alert.external_url", "label") end,
}

local function field(self, base, name)
  if base.fails then return base end
  if base.type == "data" then
    if not DATA[name] then return failure(("can't evaluate field %s"):format(name)) end
    return DATA[name](self)
  elseif base.type == "labels" then
    local code = base.code
    if base.top and not self.own[name] then code = "alert.labels" end
    return value(code .. lua.index(name), "label", { place = base.top and (code == "alert.sample" and "sample." or "labels.") .. name
      or base.code == "alert.external_labels" and "external_labels." .. name or nil })
  elseif base.type == "sample" and name == "Labels" then return value(base.code .. ".labels", "labels")
  elseif base.type == "sample" and name == "Value" then return value(base.code .. ".value", "float")
  elseif base.type == "any" then return value(("t.get(%s, %s)"):format(base.code, lua.quoted(name)), "any") end
  return failure(("can't evaluate field %s in type %s"):format(name, base.type))
end

local function path(self, base, names)
  for _, name in ipairs(names or {}) do base = field(self, base, name) end
  return base
end

-- -- functions ---------------------------------------------------------------

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

M.functions = {}
for name in pairs(FN) do M.functions[name] = true end
-- Known to Prometheus, but nothing that a text of ours could hold.
for _, name in ipairs { "toTime", "toDuration", "html", "js", "urlquery", "call", "slice" } do M.functions[name] = true end

-- -- pipelines ----------------------------------------------------------------

local pipe_value

local OPERAND = {
  dot = function(self) return self.dot end,
  field = function(self, o) return path(self, self.dot, o.names) end,
  variable = function(self, o) return path(self, o.name == "" and self.root or self.vars[o.name], o.names) end,
  text = function(_, o) return const(o.text) end,
  number = function(_, o)
    return value(tostring(o.value), o.int and "int" or "float", { number = o.value, const_number = o.int and ("%d"):format(o.value) or nil })
  end,
  ["true"] = function() return value("true", "bool") end,
  ["false"] = function() return value("false", "bool") end,
  ["nil"] = function() unable "nil" end,
  group = function(self, o) return path(self, pipe_value(self, o.pipe), o.names) end,
}

local function operand(self, o)
  if o.kind == "call" then return self:call(o.name, {}) end
  return OPERAND[o.kind](self, o)
end

function Writer:call(name, args)
  if not FN[name] then unable(("the function %s"):format(name)) end
  for _, a in ipairs(args) do
    if a.fails then return a end
  end
  return FN[name](self, args)
end

local function command_value(self, command, piped)
  local head = command[1]
  if head.kind ~= "call" then
    if #command > 1 or piped then unable "calling what is no function" end
    return operand(self, head)
  end
  local args = {}
  for i = 2, #command do args[#args + 1] = operand(self, command[i]) end
  args[#args + 1] = piped
  return self:call(head.name, args)
end

function pipe_value(self, pipe)
  local v
  for _, command in ipairs(pipe.commands) do v = command_value(self, command, v) end
  return v
end

-- -- as a text -----------------------------------------------------------------

local function place_of(v)
  if v.const then return v.const:find("${", 1, true) == nil and v.const or nil end
  if v.const_number then return v.const_number end
  if v.place then return "${" .. v.place .. "}" end
  if v.code == "alert.external_url" then return "${external_url}" end
  if v.code == "alert.value" then return "${value|go}" end
  if v.filter and v.of then
    local inner = v.of.place or (v.of.code == "alert.value" and "value") or (v.of.code == "alert.external_url" and "external_url")
    if inner then return ("${%s|%s}"):format(inner, v.filter) end
  end
end

local function as_text_of_ours(self, body)
  local out = {}
  for i, node in ipairs(body) do
    if node.kind == "text" then
      if node.text:find("${", 1, true) then return nil end
      out[i] = node.text
    elseif node.kind == "pipe" and not node.pipe.names then
      out[i] = place_of(pipe_value(self, node.pipe))
      if not out[i] then return nil end
    else
      return nil
    end
  end
  return table.concat(out)
end

-- -- as a function --------------------------------------------------------------

function Writer:put(line) self.lines[#self.lines + 1] = ("  "):rep(self.depth) .. line end

local TAKEN = {}
for name in ("alert t out regex ipairs next query humanize humanize1024 duration percent timestamp first value label bytes"):gmatch "%w+" do TAKEN[name] = true end
function Writer:name(wish)
  local base = wish:gsub("[^%w_]", "_")
  if not lua.is_name(base) then base = base .. "_" end
  local name, n = base, 1
  while self.taken[name] or TAKEN[name] do
    n = n + 1
    name = base .. n
  end
  self.taken[name] = true
  return name
end

local function declare(self, pipe)
  local v = pipe_value(self, pipe)
  local name = pipe.names[1]
  if pipe.set then
    local variable = self.vars[name]
    if variable.type ~= v.type then variable.type = "any" end
    if not variable.code:find "^[%a_][%w_]*$" then unable(("setting $%s"):format(name)) end
    self:put(("%s = %s"):format(variable.code, v.code))
    return variable
  end
  local code = self:name(name)
  self:put(("local %s = %s"):format(code, v.code))
  self.vars[name] = value(code, v.type)
  return self.vars[name]
end

-- A piece of text or a value, as an argument of out:add.
local function piece(self, node)
  if node.kind == "text" then return lua.quoted(node.text) end
  local v = pipe_value(self, node.pipe)
  if v.const then return lua.quoted(v.const) end
  return v.const_number and lua.quoted(v.const_number) or v.code
end

local function call_with(name, pieces)
  local line = name .. "(" .. table.concat(pieces, ", ") .. ")"
  return line
end

local function plain(node) return node.kind == "text" or (node.kind == "pipe" and not node.pipe.names) end

local statements

local function inside(self, dot, what)
  local outer, vars = self.dot, self.vars
  self.dot, self.vars, self.depth = dot or outer, setmetatable({}, { __index = vars }), self.depth + 1
  what()
  self.dot, self.vars, self.depth = outer, vars, self.depth - 1
end

local function condition(v) return v.test and v.test:sub(2, -2) or truth(v) end

-- The head of an `if` or `with`: what is asked, and what the dot is inside.
local NAMES = { samples = "samples", sample = "sample", float = "number", text = "text", label = "text", bool = "yes" }
local function ask(self, node)
  if node.pipe.names then
    local v = declare(self, node.pipe)
    return condition(v), node.kind == "with" and v or nil
  end
  local v = pipe_value(self, node.pipe)
  if node.kind == "if" then return condition(v) end
  if v.code:find "^[%w_%.]+$" then return condition(v), v end
  local name = self:name(NAMES[v.type] or "it")
  self:put(("local %s = %s"):format(name, v.code))
  local kept = value(name, v.type)
  return condition(kept), kept
end

local function is_chain(other) return other and #other == 1 and other[1].kind == "if" and not other[1].pipe.names end

local BRANCH = {}
local function branch(self, node, leave)
  local test, dot = ask(self, node)
  self:put(("if %s then"):format(test))
  inside(self, dot, function() statements(self, node.body, leave) end)
  local other = node.other
  while is_chain(other) do
    node = other[1]
    self:put(("elseif %s then"):format((ask(self, node))))
    inside(self, nil, function() statements(self, node.body, leave) end)
    other = node.other
  end
  if other or leave then
    self:put "else"
    inside(self, nil, function() statements(self, other or {}, leave) end)
  end
  self:put "end"
end
BRANCH["if"], BRANCH.with = branch, branch

local LOOPS = {
  samples = function(self, names, v)
    local counter = names[2] and self:name "n" or "_"
    local item = self:name(names[2] or names[1] or "sample")
    return ("for %s, %s in ipairs(%s) do"):format(counter, item, v.code), value(item, "sample"), names[2] and value(counter .. " - 1", "int")
  end,
  labels = function(self, names, v)
    local key, item = self:name(names[2] and names[1] or "name"), self:name(names[2] or names[1] or "text")
    return ("for %s, %s in t.sorted(%s) do"):format(key, item, v.code), value(item, "text"), names[2] and value(key, "text")
  end,
}

function BRANCH.range(self, node)
  local v = pipe_value(self, node.pipe)
  if not LOOPS[v.type] then unable("range over this") end
  if not v.code:find "^[%w_%.]+$" and node.other then
    local name = self:name(NAMES[v.type] or "items")
    self:put(("local %s = %s"):format(name, v.code))
    v = value(name, v.type)
  end
  local names = node.pipe.names or {}
  local head, item, counter = LOOPS[v.type](self, names, v)
  self:put(head)
  inside(self, item, function()
    if names[2] then self.vars[names[1]], self.vars[names[2]] = counter, item
    elseif names[1] then self.vars[names[1]] = item end
    statements(self, node.body, false)
  end)
  self:put "end"
  if node.other then
    self:put(("if %s == nil then"):format(v.type == "samples" and v.code .. "[1]" or ("next(%s)"):format(v.code)))
    inside(self, nil, function() statements(self, node.other, false) end)
    self:put "end"
  end
end

local function call_template(self, node)
  local name = self.templates[node.name]
  if not name then return failure(("template %q not defined"):format(node.name)) end
  local v = node.pipe and pipe_value(self, node.pipe)
  if v and v.type == "data" then
    v = value(("{ Labels = %s, Value = alert.value, ExternalLabels = alert.external_labels, ExternalURL = alert.external_url }"):format(self.whole), "any")
  end
  return value(("%s(%s)"):format(name, v and v.code or ""), "text")
end

-- LEAVE: what they say is returned, not added.
function statements(self, list, leave)
  local pieces = {}
  local function flush()
    if #pieces > 0 then self:put(call_with("out:add", pieces)) end
    pieces = {}
  end
  for i, node in ipairs(list) do
    if plain(node) then pieces[#pieces + 1] = piece(self, node)
    elseif node.kind == "template" then pieces[#pieces + 1] = call_template(self, node).code
    else
      if not leave then flush() end
      if node.kind == "pipe" then declare(self, node.pipe)
      elseif node.kind == "break" then self:put(i == #list and "break" or "do break end")
      elseif BRANCH[node.kind] then BRANCH[node.kind](self, node, leave)
      else unable(node.kind) end
      if leave and BRANCH[node.kind] then return end
    end
  end
  if not leave then return flush() end
  local only = #pieces == 1 and list[#list]
  if #pieces == 0 then self:put 'return ""'
  elseif only and only.kind == "text" then self:put("return " .. pieces[1])
  else self:put("return " .. call_with("t.text", pieces)) end
end

-- May every way through LIST end in one return?  Declarations, then texts and values or one last branch.
local function leaves(list)
  local said = false
  for i, node in ipairs(list) do
    if plain(node) or node.kind == "template" then said = true
    elseif node.kind == "if" or node.kind == "with" then
      return i == #list and not said and leaves(node.body) and (not node.other or leaves(node.other))
    elseif node.kind ~= "pipe" then return false
    elseif said then return false end
  end
  return true
end

local function body(self, list)
  if leaves(list) then return statements(self, list, true) end
  self:put "local out = t.out()"
  statements(self, list, false)
  self:put "return out:text()"
end

local function definitions(self, tree)
  for _, name in ipairs(tree.order) do self.templates[name] = self.templates[name] or self:name(name) end
  for _, name in ipairs(tree.order) do
    local it = self:name "it"
    self:put(("local function %s(%s)"):format(self.templates[name], it))
    local dot, root, vars = self.dot, self.root, self.vars
    self.root, self.vars = value(it, "any"), {}
    inside(self, self.root, function() body(self, tree.defined[name]) end)
    self.dot, self.root, self.vars = dot, root, vars
    self:put "end"
  end
end

local function new_writer(options)
  local self = setmetatable({ lines = {}, depth = 1, taken = {}, templates = {}, own = options.own or {},
    whole = options.of_label and "alert.labels" or "alert.sample" }, Writer)
  if options.of_label then self.own = {} end
  self.root = value("alert", "data")
  self.dot = self.root
  self.vars = { labels = DATA.Labels(self), value = DATA.Value(), externalLabels = DATA.ExternalLabels(), externalURL = DATA.ExternalURL() }
  return self
end

local function trim_tree(tree)
  for _, list in ipairs { tree.body } do
    if #list == 0 then list[1] = { kind = "text", text = "" } end
  end
end

--- TEXT, a template of Prometheus.  options: { own= (names of labels that the rule itself sets), of_label= (it is a label's, not
-- an annotation's) }.  Gives { text= } or { lua= (a function, from its second line on two spaces in), uses_template= }; nil, why,
-- line when Prometheus would refuse it; false, why when there is no way to say it here.
function M.convert(text, options)
  if not text:find("{{", 1, true) and not text:find("${", 1, true) then return { text = text } end
  local tree, why, line = gotemplate.parse(text, { functions = M.functions, variables = { "labels", "value", "externalLabels", "externalURL" } })
  if not tree then return nil, why, line end
  trim_tree(tree)
  local self
  local ok, found = pcall(function()
    local plain_text = #tree.order == 0 and as_text_of_ours(new_writer(options), tree.body)
    if plain_text then return { text = plain_text } end
    self = new_writer(options)
    definitions(self, tree)
    body(self, tree.body)
    local code = ("function(alert)\n%s\nend"):format(table.concat(self.lines, "\n"))
    return { lua = code, uses_template = code:find "%f[%w_]t%." ~= nil or code:find "t%.out" ~= nil }
  end)
  if ok then return found end
  if type(found) == "table" and found.unable then return false, found.unable end
  error(found, 0)
end

return M

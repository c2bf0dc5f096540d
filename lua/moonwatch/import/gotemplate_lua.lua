--- gotemplate_lua.lua - what a Go template of Prometheus says, as a text of ours or as a Lua function.
--
-- Every value has a type that is known while translating.  Where Go would fail when the template runs, the function fails in the
-- same place.
local functions = require "moonwatch.import.gotemplate_functions"
local gotemplate = require "moonwatch.gotemplate.read"
local lua = require "moonwatch.import.lua_source"
local values = require "moonwatch.import.gotemplate_value"

local const, failure, truth, unable, value = values.const, values.failure, values.truth, values.unable, values.value

local M = {}

local Writer = {}
Writer.__index = Writer

-- -- values ------------------------------------------------------------------

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
  if not functions.by_name[name] then unable(("the function %s"):format(name)) end
  for _, a in ipairs(args) do
    if a.fails then return a end
  end
  return functions.by_name[name](self, args)
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
  local tree, why, line = gotemplate.parse(text, { functions = functions.names, variables = { "labels", "value", "externalLabels", "externalURL" } })
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
    local loads, message = loadstring("return " .. code) -- Lua has room for 200 variables and as many blocks in each other
    if not loads then unable("what Lua has room for: " .. message:gsub("^.-:%d+: ", "")) end
    return { lua = code, uses_template = code:find "%f[%w_]t%." ~= nil or code:find "t%.out" ~= nil }
  end)
  if ok then return found end
  if type(found) == "table" and found.unable then return false, found.unable end
  error(found, 0)
end

return M

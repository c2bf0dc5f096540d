--- run.lua - says what a template says.
--
-- How much it does is bounded: loops in loops over many alerts are a failure before they take long.
local functions = require "moonwatch.gotemplate.functions"
local values = require "moonwatch.gotemplate.values"

local M = {}

local Run = {}
Run.__index = Run

local STEPS, DEPTH, LONGEST = 200000, 50, 1048576

local fail = values.fail

--- N more steps were taken.
function Run:step(n)
  self.steps = self.steps + n
  if self.steps > STEPS then fail "it takes too long" end
end

-- -- variables ------------------------------------------------------------------------

local function find(self, name)
  for i = #self.vars, 1, -1 do
    if self.vars[i].name == name then return self.vars[i] end
  end
end

local function declare(self, name, value) self.vars[#self.vars + 1] = { name = name, value = value } end

-- Whatever WHAT declares is forgotten behind it.
local function scoped(self, dot, what)
  local known, before = #self.vars, self.dot
  self.dot = dot
  local left = what()
  self.dot = before
  for i = #self.vars, known + 1, -1 do self.vars[i] = nil end
  return left
end

-- -- values ------------------------------------------------------------------------------

local pipe_value

local function chain(v, names, args)
  for i, name in ipairs(names or {}) do v = values.get(v, name, i == #names and args or nil) end
  return v
end

local CONSTANTS = { ["true"] = true, ["false"] = false }

-- OPERAND, with ARGS for the last name of it.
local function operand_value(self, operand, args)
  local kind = operand.kind
  if kind == "dot" then return self.dot end
  if kind == "text" then return operand.text end
  if kind == "number" then return operand.value end
  if kind == "field" then return chain(self.dot, operand.names, args) end
  if kind == "variable" then return chain(find(self, operand.name).value, operand.names, args) end
  if kind == "group" then return chain(pipe_value(self, operand.pipe), operand.names, args) end
  if kind == "call" then return functions.by_name[operand.name](self, unpack(args or {}, 1, args and args.n or 0)) end
  return CONSTANTS[kind]
end

-- `and` and `or` stop where it is decided.
local function junction(self, command, last, name)
  local v
  for i = 2, #command do
    v = operand_value(self, command[i])
    if values.truth(v) == (name == "or") then return v end
  end
  if last then v = last.value end
  return v
end

local function command_value(self, command, last)
  self:step(1)
  local first = command[1]
  if first.kind == "call" and (first.name == "and" or first.name == "or") then return junction(self, command, last, first.name) end
  local args = { n = 0 }
  for i = 2, #command do
    args.n = args.n + 1
    args[args.n] = operand_value(self, command[i])
  end
  if last then
    args.n = args.n + 1
    args[args.n] = last.value
  end
  local takes = first.kind == "call" or first.names ~= nil
  if args.n > 0 and not takes then fail "can't give argument to non-function" end
  return operand_value(self, first, (first.kind == "call" or args.n > 0) and args or nil)
end

function pipe_value(self, pipe, silent)
  local last
  for _, command in ipairs(pipe.commands) do last = { value = command_value(self, command, last) } end
  for _, name in ipairs(not silent and pipe.names or {}) do
    if pipe.set then find(self, name).value = last.value else declare(self, name, last.value) end
  end
  return last.value
end

-- -- statements ---------------------------------------------------------------------------

local list_of

local function add(self, text)
  self.size = self.size + #text
  if self.size > LONGEST then fail "it becomes too long" end
  self.out[#self.out + 1] = text
end

local function when(moves_dot)
  return function(self, node)
    return scoped(self, self.dot, function()
      local v = pipe_value(self, node.pipe)
      if values.truth(v) then return scoped(self, moves_dot and v or self.dot, function() return list_of(self, node.body) end) end
      if node.other then return list_of(self, node.other) end
    end)
  end
end

-- What is gone through: list of { key, item }.
local function entries(v)
  local out = {}
  if v == nil then return out end
  if values.is_list(v) then
    for i, item in ipairs(v.items) do out[i] = { i - 1, item } end
  elseif values.is_kv(v) then
    for i, name in ipairs(values.names(v)) do out[i] = { name, v.of[name] } end
  else fail("range can't iterate over %s", values.text(v)) end
  return out
end

local function range(self, node)
  local v = pipe_value(self, node.pipe, true)
  local all, names = entries(v), node.pipe.names or {}
  for _, entry in ipairs(all) do
    local left = scoped(self, entry[2], function()
      if names[2] then
        declare(self, names[1], entry[1])
        declare(self, names[2], entry[2])
      elseif names[1] then declare(self, names[1], entry[2]) end
      return list_of(self, node.body)
    end)
    if left == "break" then break end
  end
  if #all == 0 and node.other then return scoped(self, self.dot, function() return list_of(self, node.other) end) end
end

local function template(self, node)
  local body = self.tree.defined[node.name]
  if not body then fail("template %q not defined", node.name) end
  local dot = node.pipe and pipe_value(self, node.pipe) or nil
  local vars, before = self.vars, self.dot
  self.vars, self.dot, self.depth = { { name = "", value = dot } }, dot, self.depth + 1
  if self.depth > DEPTH then fail "templates that call each other too deep" end
  list_of(self, body)
  self.vars, self.dot, self.depth = vars, before, self.depth - 1
end

local NODES = {
  text = function(self, node) add(self, node.text) end,
  pipe = function(self, node)
    local v = pipe_value(self, node.pipe)
    if not node.pipe.names then add(self, self.through(values.text(v))) end
  end,
  ["if"] = when(false), with = when(true), range = range, template = template,
  ["break"] = function() return "break" end, ["continue"] = function() return "continue" end,
}

-- Says how a loop around is left: "break", "continue" or nil.
function list_of(self, list)
  for _, node in ipairs(list) do
    self:step(1)
    local left = NODES[node.kind](self, node)
    if left then return left end
  end
end

local function same(text) return text end

--- What TREE (read.lua) says of DATA (values.lua); nil, why.  What its actions say passes THROUGH.
function M.run(tree, data, host, through)
  local self = setmetatable({ tree = tree, host = host, through = through or same, dot = data, vars = { { name = "", value = data } },
    out = {}, size = 0, steps = 0, depth = 0 }, Run)
  local ok, why = pcall(list_of, self, tree.body)
  if ok then return table.concat(self.out) end
  if type(why) ~= "table" then error(why, 0) end
  return nil, why.says
end

return M

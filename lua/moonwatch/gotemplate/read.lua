--- read.lua - reads Go's text/template language into a tree.  What it means is said by run.lua, and by import/gotemplate_lua.lua for rules.
--
--   list = { node... }; node = { kind="text", text= } | { kind="pipe", pipe= } | { kind="if"|"with"|"range", pipe=, body=, other= }
--          | { kind="template", name=, pipe= } | { kind="break"|"continue" }
--   pipe = { names={"x",...}, set=true when it is $x = ..., commands={ command... } }; command = { operand... }
--   operand = { kind="dot" } | { kind="field", names= } | { kind="variable", name=, names= } | { kind="text"|"number", ... }
--             | { kind="true"|"false"|"nil" } | { kind="call", name= } | { kind="group", pipe=, names= }
-- A template refers to the `define`d ones by name.  A mistake is thrown as { message=, line= }.
local M = {}

local Parser = {}
Parser.__index = Parser

local function refuse(self, message) error({ message = message, line = self.line }, 0) end

-- -- words inside {{ }} -------------------------------------------------------

local ESCAPES = { n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v", ["\\"] = "\\", ['"'] = '"', ["'"] = "'" }

local function utf8(n)
  if n < 0x80 then return string.char(n) end
  if n < 0x800 then return string.char(0xC0 + math.floor(n / 0x40), 0x80 + n % 0x40) end
  if n < 0x10000 then return string.char(0xE0 + math.floor(n / 0x1000), 0x80 + math.floor(n / 0x40) % 0x40, 0x80 + n % 0x40) end
  return string.char(0xF0 + math.floor(n / 0x40000) % 8, 0x80 + math.floor(n / 0x1000) % 0x40, 0x80 + math.floor(n / 0x40) % 0x40, 0x80 + n % 0x40)
end

local function escape_at(self, text, at)
  local c = text:sub(at, at)
  if ESCAPES[c] then return ESCAPES[c], at + 1 end
  for _, way in ipairs { { "^x(%x%x)", 16, string.char }, { "^u(%x%x%x%x)", 16, utf8 }, { "^U(%x%x%x%x%x%x%x%x)", 16, utf8 }, { "^([0-7][0-7][0-7])", 8, string.char } } do
    local digits = text:match(way[1], at)
    local n = digits and tonumber(digits, way[2])
    if n and (way[3] ~= string.char or n < 256) and n < 0x110000 then return way[3](n), at + #digits + (way[2] == 16 and 1 or 0) end
  end
  refuse(self, "bad escape in a quoted text")
end

local function quoted(self, text, at)
  local out = {}
  at = at + 1
  while true do
    local stop = text:find('["\\\n]', at)
    if not stop or text:sub(stop, stop) == "\n" then refuse(self, "unterminated quoted string") end
    out[#out + 1] = text:sub(at, stop - 1)
    if text:sub(stop, stop) == '"' then return table.concat(out), stop + 1 end
    out[#out + 1], at = escape_at(self, text, stop + 1)
  end
end

local READERS = {
  { "^%s+()", function() return nil end },
  { "^:=()", function() return { kind = ":=" } end },
  { "^([=|(),])()", function(c) return { kind = c } end },
  { "^%$([%a_\128-\255][%w_\128-\255]*)()", function(name) return { kind = "variable", name = name } end },
  { "^%$()", function() return { kind = "variable", name = "" } end },
  { "^%.([%a_\128-\255][%w_\128-\255]*)()", function(name) return { kind = "field", name = name } end },
  { "^([%+%-]?0[xX]%x+)()", function(digits) return { kind = "number", value = tonumber(digits), int = true, text = digits } end },
  { "^([%+%-]?%d[%d_]*%.?%d*[eE][%+%-]?%d+)()", function(digits) return { kind = "number", value = tonumber((digits:gsub("_", ""))), text = digits } end },
  { "^([%+%-]?%d*%.%d+)()", function(digits) return { kind = "number", value = tonumber(digits), text = digits } end },
  { "^([%+%-]?%d[%d_]*)()", function(digits) return { kind = "number", value = tonumber((digits:gsub("_", ""))), int = true, text = digits } end },
  { "^%.()", function() return { kind = "dot" } end },
  { "^([%a_\128-\255][%w_\128-\255]*)()", function(name) return { kind = "name", name = name } end },
}

local function word_at(self, text, at)
  local c = text:sub(at, at)
  if c == '"' then
    local value, stop = quoted(self, text, at)
    return { kind = "text", text = value }, stop
  elseif c == "`" then
    local stop = text:find("`", at + 1, true)
    if not stop then refuse(self, "unterminated raw quoted string") end
    return { kind = "text", text = text:sub(at + 1, stop - 1) }, stop + 1
  end
  for _, reader in ipairs(READERS) do
    local a, b = text:match(reader[1], at)
    if a then
      if b then return reader[2](a), b end
      return reader[2](), a
    end
  end
  refuse(self, ("unexpected %q"):format(c))
end

-- The words of an action; each knows whether a space stands before it.
local function words(self, text)
  local out, at, spaced = {}, 1, true
  while at <= #text do
    local word, stop = word_at(self, text, at)
    if word then
      word.spaced, spaced = spaced, false
      out[#out + 1] = word
    else
      spaced = true
    end
    at = stop
  end
  return out
end

-- -- pieces: texts and actions -------------------------------------------------

-- Where the action that begins behind AT ends: quotes may hold "}}".
local function action_end(text, at)
  while true do
    local stop = text:find('[}"`\']', at)
    if not stop then return nil end
    local c = text:sub(stop, stop)
    if c == "}" then
      if text:sub(stop + 1, stop + 1) == "}" then return stop end
      at = stop + 1
    elseif c == "`" then
      at = (text:find("`", stop + 1, true) or #text) + 1
    else
      at = stop + 1
      while at <= #text and text:sub(at, at) ~= c do at = at + (text:sub(at, at) == "\\" and 2 or 1) end
      at = at + 1
    end
  end
end

local function count_lines(text) return select(2, text:gsub("\n", "")) end

local function comment_piece(self, text, open)
  local _, stop = text:find("*/", open, true)
  local trim, after = text:match("^(%s+%-)}}()", (stop or #text) + 1)
  if not trim then after = text:match("^}}()", (stop or #text) + 1) end
  if not after then refuse(self, "unclosed comment") end
  return after, trim ~= nil
end

local function pieces(self, text)
  local out, at, trim = {}, 1, false
  while true do
    local open = text:find("{{", at, true)
    local literal = text:sub(at, (open or #text + 1) - 1)
    local left = open and text:find("^%-%s", open + 2) ~= nil
    self.line = self.line + count_lines(literal)
    if trim then literal = literal:gsub("^%s+", "") end
    if left then literal = literal:gsub("%s+$", "") end
    if literal ~= "" then out[#out + 1] = { text = literal } end
    if not open then return out end
    local inside = open + (left and 3 or 2)
    local comment = text:match("^%s*()/%*", inside)
    if comment then
      at, trim = comment_piece(self, text, comment)
    else
      local stop = action_end(text, inside)
      if not stop then refuse(self, "unclosed action") end
      local body = text:sub(inside, stop - 1)
      trim = body:find "%s%-$" ~= nil
      if trim then body = body:sub(1, -2) end
      out[#out + 1] = { words = words(self, body), line = self.line }
      at = stop + 2
    end
    self.line = self.line + count_lines(text:sub(open, at - 1))
  end
end

-- -- pipelines -----------------------------------------------------------------

local function peek(self) return self.words[self.at] end
local function take(self)
  self.at = self.at + 1
  return self.words[self.at - 1]
end

local parse_pipe

local function fields_behind(self, operand)
  while peek(self) and peek(self).kind == "field" and not peek(self).spaced do
    operand.names = operand.names or {}
    table.insert(operand.names, take(self).name)
  end
  return operand
end

local OPERANDS = {
  dot = function() return { kind = "dot" } end,
  text = function(_, word) return word end,
  number = function(_, word) return word end,
  field = function(self, word)
    return fields_behind(self, { kind = "field", names = { word.name } })
  end,
  variable = function(self, word)
    if not self.known[word.name] then refuse(self, ("undefined variable \"$%s\""):format(word.name)) end
    return fields_behind(self, { kind = "variable", name = word.name })
  end,
  name = function(self, word)
    if word.name == "true" or word.name == "false" or word.name == "nil" then return { kind = word.name } end
    if not self.functions[word.name] then refuse(self, ("function %q not defined"):format(word.name)) end
    return { kind = "call", name = word.name }
  end,
  ["("] = function(self)
    self.depth = self.depth + 1
    if self.depth > 50 then refuse(self, "nested too deep") end
    local pipe = parse_pipe(self)
    self.depth = self.depth - 1
    if not peek(self) or take(self).kind ~= ")" then refuse(self, "unclosed left paren") end
    return fields_behind(self, { kind = "group", pipe = pipe })
  end,
}

local ENDS = { ["|"] = true, [")"] = true }

local function parse_command(self)
  local command = {}
  while peek(self) and not ENDS[peek(self).kind] do
    local word = take(self)
    local operand = OPERANDS[word.kind]
    if not operand then refuse(self, ("unexpected %q in an operand"):format(word.kind)) end
    command[#command + 1] = operand(self, word)
  end
  if #command == 0 then refuse(self, "missing value for command") end
  return command
end

local function is(word, kind) return word and word.kind == kind end

-- $x :=   $i, $x :=   $x =
local function declared(self)
  local w, at = self.words, self.at
  local first, second = w[at], nil
  if not is(first, "variable") then return nil end
  local mark = at + 1
  if is(w[at + 1], ",") and is(w[at + 2], "variable") then second, mark = w[at + 2], at + 3 end
  if not (is(w[mark], ":=") or is(w[mark], "=")) then return nil end
  self.at = mark + 1
  return { first.name, second and second.name }, w[mark].kind == "="
end

function parse_pipe(self)
  local names, set = declared(self)
  local pipe = { names = names, set = set, commands = {} }
  repeat
    pipe.commands[#pipe.commands + 1] = parse_command(self)
    local more = is(peek(self), "|")
    if more then take(self) end
  until not more
  for _, name in ipairs(names or {}) do
    if set and not self.known[name] then refuse(self, ("undefined variable \"$%s\""):format(name)) end
    self.known[name] = true
  end
  return pipe
end

local function whole_pipe(self)
  local pipe = parse_pipe(self)
  if peek(self) then refuse(self, ("unexpected %q"):format(peek(self).kind)) end
  return pipe
end

-- -- lists -----------------------------------------------------------------------

local parse_list

-- Variables that are declared inside are not known behind the end.
local function scoped(self, what)
  local outer = self.known
  self.known = setmetatable({}, { __index = outer })
  local result = what()
  self.known = outer
  return result
end

local function branch(self, kind)
  return scoped(self, function()
    local node = { kind = kind, pipe = whole_pipe(self), line = self.line }
    local ended
    local inner = kind == "range" and 1 or 0
    self.ranges = self.ranges + inner
    scoped(self, function() node.body, ended = parse_list(self) end)
    self.ranges = self.ranges - inner
    if ended == "else" then
      local follows = peek(self) and take(self)
      if follows then
        if follows.name ~= "if" and follows.name ~= "with" then refuse(self, "unexpected word behind else") end
        node.other = { branch(self, follows.name) }
        return node
      end
      scoped(self, function() node.other, ended = parse_list(self) end)
    end
    if ended ~= "end" then refuse(self, ("%s without its end"):format(kind)) end
    return node
  end)
end

local function definition(self, keyword)
  local name = is(peek(self), "text") and take(self).text
  if not name then refuse(self, ("%s without a quoted name"):format(keyword)) end
  local node = keyword == "block" and { kind = "template", name = name, pipe = whole_pipe(self) } or nil
  local outer, ranges = self.known, self.ranges
  self.known, self.ranges = { [""] = true }, 0
  local body, ended = parse_list(self)
  self.known, self.ranges = outer, ranges
  if ended ~= "end" then refuse(self, ("%s without its end"):format(keyword)) end
  self.defined[name] = body
  self.order[#self.order + 1] = name
  return node
end

-- BREAK or continue, for the loop around it.
local function leave(keyword)
  return function(self)
    if self.ranges == 0 then refuse(self, ("{{%s}} outside {{range}}"):format(keyword)) end
    return { kind = keyword }
  end
end

local KEYWORDS = {
  ["if"] = function(self) return branch(self, "if") end,
  with = function(self) return branch(self, "with") end,
  range = function(self) return branch(self, "range") end,
  define = function(self) return definition(self, "define") end,
  block = function(self) return definition(self, "block") end,
  template = function(self)
    local name = is(peek(self), "text") and take(self).text
    if not name then refuse(self, "template without a quoted name") end
    return { kind = "template", name = name, pipe = peek(self) and whole_pipe(self) or nil }
  end,
  ["break"] = leave "break", ["continue"] = leave "continue",
}

function parse_list(self)
  local list = {}
  self.nesting = self.nesting + 1
  if self.nesting > 50 then refuse(self, "nested too deep") end
  while self.piece <= #self.pieces do
    local piece = self.pieces[self.piece]
    self.piece = self.piece + 1
    if piece.text then
      list[#list + 1] = { kind = "text", text = piece.text }
    else
      self.words, self.at, self.line = piece.words, 1, piece.line
      local first = peek(self)
      if not first then refuse(self, "missing value for command") end
      local name = first.kind == "name" and first.name
      if name == "end" or name == "else" then
        take(self)
        self.nesting = self.nesting - 1
        return list, name
      end
      local keyword = KEYWORDS[name]
      if keyword then
        take(self)
        list[#list + 1] = keyword(self)
      else
        list[#list + 1] = { kind = "pipe", pipe = whole_pipe(self) }
      end
    end
  end
  self.nesting = self.nesting - 1
  return list, nil
end

--- options: { functions= (name -> true), variables= (names that are there from the start) }.  Gives { body=, defined=, order= }, or
-- nil, message, line (of TEXT, from 1).
function M.parse(text, options)
  local self = setmetatable({ line = 1, functions = options.functions, known = { [""] = true }, defined = {}, order = {},
                              piece = 1, depth = 0, nesting = 0, ranges = 0 }, Parser)
  for _, name in ipairs(options.variables or {}) do self.known[name] = true end
  local ok, found = pcall(function()
    self.pieces = pieces(self, text)
    local body, ended = parse_list(self)
    if ended then refuse(self, ("unexpected {{%s}}"):format(ended)) end
    return body
  end)
  if not ok then
    if type(found) ~= "table" then error(found, 0) end
    return nil, found.message, found.line
  end
  return { body = found, defined = self.defined, order = self.order }
end

return M

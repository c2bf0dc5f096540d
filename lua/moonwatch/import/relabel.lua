--- relabel.lua - relabel_configs as the lines of a Lua function over a table of labels.
--
-- One step, one or two lines, in their order.  LABELS is what the table is called there: "labels".  A regular expression is
-- anchored, as it is in Prometheus; source labels that are not there are empty.
local lua = require "moonwatch.import.lua_source"

local M = {}

local SPEC = { source_labels = "list", separator = "text", regex = "any", modulus = "number", target_label = "text", replacement = "text", action = "text" }

local Step = {}
Step.__index = Step

local function label(name) return "labels" .. lua.index(name) end

-- The joined text of the source labels.
function Step:source()
  local parts = {}
  for i, name in ipairs(self.sources) do parts[i] = ("(%s or \"\")"):format(label(name)) end
  if #parts == 0 then return '""' end
  if #parts == 1 then return parts[1]:match "^%((.*)%)$" end
  if self.separator == "" then return table.concat(parts, " .. ") end
  return table.concat(parts, (" .. %s .. "):format(lua.quoted(self.separator)))
end

-- Is the regular expression a plain text, or a choice of some?
local function literals(pattern)
  if pattern:find "[%.%+%*%?%(%)%[%]{}%^%$\\]" then return nil end
  local out = {}
  for item in (pattern .. "|"):gmatch "(.-)|" do out[#out + 1] = item end
  return #out <= 4 and out or nil
end

-- A condition: does the source match?
function Step:matches()
  local choice = literals(self.regex)
  if choice and #self.sources == 1 then
    local tests = {}
    for i, item in ipairs(choice) do
      tests[i] = item == "" and ("(%s or \"\") == \"\""):format(label(self.sources[1])) or ("%s == %s"):format(label(self.sources[1]), lua.quoted(item))
    end
    return table.concat(tests, " or "), #tests > 1
  end
  return ("regex.match(%s, %s)"):format(lua.quoted(self.regex), self:source()), false
end

local function drop_if(test, is_or, negated)
  if negated then test = is_or and ("not (%s)"):format(test) or test:gsub("^(%S+) == ", "%1 ~= ") end
  if negated and not test:find "~=" and not test:find "^not " then test = "not " .. test end
  return { ("if %s then return nil end"):format(test) }
end

local function plain(replacement) return not replacement:find("$", 1, true) end

-- What REPLACEMENT means when only "$1" is used and the expression takes everything: the source itself.
function Step:value()
  if plain(self.replacement) then return lua.quoted(self.replacement) end
end

local ACTIONS = {}

function ACTIONS.replace(self)
  local target = self.target
  if not target then return nil, "replace needs target_label" end
  local fixed = plain(target)
  if fixed and self.regex == "(.*)" then
    if self.replacement == "$1" or self.replacement == "${1}" then return { ("%s = %s"):format(label(target), self:source()) } end
    if plain(self.replacement) then return { ("%s = %s"):format(label(target), lua.quoted(self.replacement)) } end
    local before, after = self.replacement:match "^([^$]*)%${?1}?([^$]*)$"
    if before and not after:find "^[%w_]" then
      local parts = {}
      if before ~= "" then parts[#parts + 1] = lua.quoted(before) end
      local source = self:source()
      parts[#parts + 1] = #self.sources == 1 and "(" .. source .. ")" or source
      if after ~= "" then parts[#parts + 1] = lua.quoted(after) end
      return { ("%s = %s"):format(label(target), table.concat(parts, " .. ")) }
    end
  end
  if fixed and plain(self.replacement) then
    return { ("if %s then %s = %s end"):format(self:matches(), label(target), lua.quoted(self.replacement)) }
  end
  if fixed then
    return { ("%s = regex.expand(%s, %s, %s) or %s"):format(label(target), lua.quoted(self.regex), self:source(), lua.quoted(self.replacement), label(target)) }
  end
  return { ("do"), ("  local name = regex.expand(%s, %s, %s)"):format(lua.quoted(self.regex), self:source(), lua.quoted(target)),
    ("  if name and name:find \"^[%%a_][%%w_]*$\" then labels[name] = regex.expand(%s, %s, %s) end"):format(lua.quoted(self.regex), self:source(),
      lua.quoted(self.replacement)), "end" }
end

function ACTIONS.keep(self)
  local test, is_or = self:matches()
  return drop_if(test, is_or, true)
end
function ACTIONS.drop(self)
  local test = self:matches()
  return drop_if(test)
end
function ACTIONS.keepequal(self)
  return { ("if %s ~= (%s or \"\") then return nil end"):format("(" .. self:source() .. ")", label(self.target or "")) }
end
function ACTIONS.dropequal(self)
  return { ("if %s == (%s or \"\") then return nil end"):format("(" .. self:source() .. ")", label(self.target or "")) }
end
function ACTIONS.lowercase(self) return { ("%s = (%s):lower()"):format(label(self.target or ""), self:source()) } end
function ACTIONS.uppercase(self) return { ("%s = (%s):upper()"):format(label(self.target or ""), self:source()) } end
function ACTIONS.hashmod(self)
  if not self.modulus or self.modulus < 1 then return nil, "hashmod needs a modulus" end
  return { ("%s = tostring(hashmod(%s, %d))"):format(label(self.target or ""), self:source(), self.modulus) }
end
function ACTIONS.labelmap(self)
  return { "for name, value in t.sorted(labels) do",
    ("  local to = regex.expand(%s, name, %s)"):format(lua.quoted(self.regex), lua.quoted(self.replacement)),
    "  if to then labels[to] = value end", "end" }
end
local function by_name(self, keep)
  return { "for name in t.sorted(labels) do",
    ("  if %sregex.match(%s, name) then labels[name] = nil end"):format(keep and "not " or "", lua.quoted(self.regex)), "end" }
end
function ACTIONS.labeldrop(self) return by_name(self, false) end
function ACTIONS.labelkeep(self) return by_name(self, true) end

local TARGETED = { keepequal = true, dropequal = true, lowercase = true, uppercase = true, hashmod = true }

local function step_of(doc, node)
  if not doc:expect(node, "map", "relabel rule") then return nil end
  local fields, keys = doc:fields(node, SPEC, "relabel rule")
  local self = setmetatable({ doc = doc, node = node }, Step)
  self.sources = doc:texts(fields.source_labels, "source_labels")
  self.separator = fields.separator and fields.separator.text or keys.separator and "" or ";"
  self.regex = keys.regex and (fields.regex and fields.regex.text or "") or "(.*)"
  self.replacement = keys.replacement and (fields.replacement and fields.replacement.text or "") or "$1"
  self.target = fields.target_label and fields.target_label.text
  self.modulus = fields.modulus and tonumber(fields.modulus.text)
  self.action = (fields.action and fields.action.text or "replace"):lower()
  return self
end

local NEEDS = { { "%f[%w_]t%.sorted", 'local t = require "moonwatch.template"' }, { "tostring%(hashmod%(", 'local hashmod = require "moonwatch.hashmod"' } }

--- The lines of the relabel rules NODES of DOC, with their comments.  FILE, a writer, hears what they need.
function M.lines(doc, nodes, floor, file)
  local out = {}
  for _, node in ipairs(nodes) do
    for _, text in ipairs(doc:above(node.line, floor)) do out[#out + 1] = lua.comment(text) end
    local step = step_of(doc, node)
    local lines, why
    if step then
      local action = ACTIONS[step.action]
      local re, bad = doc.host.regex(step.regex)
      if not action then why = ("there is no action %q"):format(step.action)
      elseif not re then why = "bad regular expression: " .. tostring(bad)
      elseif TARGETED[step.action] and not step.target then why = step.action .. " needs target_label"
      else lines, why = action(step) end
      if not lines then doc:lost(node, "relabel rule: " .. why) end
    end
    for _, line in ipairs(lines or {}) do
      out[#out + 1] = line
      for _, need in ipairs(NEEDS) do
        if line:find(need[1]) then file:need(need[2]) end
      end
    end
    for _, text in ipairs(doc:left(node.line, node.last)) do out[#out + 1] = lua.comment(text) end
    floor = node.last
  end
  return out
end

--- A function of ARGUMENT with these lines; SET_UP and ANSWER are its first and last one.
function M.fn(argument, set_up, lines, answer)
  local body = { "  " .. set_up }
  for _, line in ipairs(lines) do body[#body + 1] = "  " .. line end
  body[#body + 1] = "  " .. answer
  return ("function(%s)\n%s\nend"):format(argument, table.concat(body, "\n"))
end

return M

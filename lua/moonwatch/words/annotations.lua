--- annotations.lua - the words as the Lua language server reads them: LuaCATS annotations, written from the tables that check.
local objects = require "moonwatch.words.objects"
local words = require "moonwatch.words"

local M = {}

-- What a type of words/types.lua is to an editor; a type that is not here is anything.
local TYPES = {
  text = "string", number = "number", count = "integer", boolean = "boolean", bytes = "number|string", duration = "moonwatch.duration",
  interval = "moonwatch.duration", span = "moonwatch.duration", durability = 'moonwatch.duration|"always"', expr = "moonwatch.expr",
  selector = "moonwatch.selector", pattern = "string", sli = "moonwatch.expr", labels = "table<string, string|number>",
  template = "string|fun(alert: moonwatch.alert_view): string?", message = "string", messages = "table<string, string|number>",
  label_templates = "table<string, string|number|fun(alert: moonwatch.alert_view): string?>",
  template_map = "table<string, string|number|fun(alert: moonwatch.alert_view): string?>",
  text_map = "table<string, string|number|moonwatch.secret>", params = "table<string, string|number|(string|number)[]>",
  equal = "string|table<integer|string, string>", label_sets = "table<string, table<string, string|number>>", texts = "string|string[]", finds = "string|string[]",
  group_by = 'string[]|"all"', matchers = "table<string, string|number>|string|string[]", objective = "number",
  severity = "string", status = "integer|string|(integer|string)[]", secret = "string|moonwatch.secret",
  search = "string", address = "string", share = "number", patterns = "table<string, string>",
  json_paths = "table<string, string|number|boolean|table>", levels = "table<string, number>", votes = "table<integer|string, integer>",
}

-- What functions of fields are called with, by the names their help gives the arguments; "target" comes back as well.
local ARGUMENTS = { ctx = "moonwatch.ctx", target = "moonwatch.target", alert = "moonwatch.alert_view", n = "moonwatch.notification",
                    sample = "moonwatch.row", record = "moonwatch.record" }
local GIVES = { target = "moonwatch.target?" }

local function function_type(help)
  local list = (help or ""):match "function(%b())"
  if not list then return "fun(...): any" end
  local args, gives = {}, nil
  for name in list:gmatch "[%a_]+" do
    args[#args + 1] = ("%s: %s"):format(name, ARGUMENTS[name] or "any")
    gives = gives or GIVES[name]
  end
  return ("fun(%s): %s"):format(table.concat(args, ", "), gives or "any")
end

local function one_line(text) return (text or ""):gsub("%s*\n%s*", " ") end

-- -- classes ---------------------------------------------------------------------------------

local function bracketed(kind) return kind:find "fun%(" and "(" .. kind .. ")" or kind end

-- The type of one field; tables of fields become classes of their own, found again when they hold themselves.
local function type_of(run, row, path)
  local out = {}
  for _, kind in ipairs(type(row[2]) == "table" and row[2] or { row[2] }) do
    if row.choices and kind == "text" then
      for _, choice in ipairs(row.choices) do out[#out + 1] = ("%q"):format(choice) end
    elseif kind == "table" or kind == "list" then
      out[#out + 1] = M.class(run, path, row, row.help) .. (kind == "list" and "[]" or "")
    elseif kind == "fn" then
      out[#out + 1] = bracketed(function_type(row.help))
    else
      out[#out + 1] = bracketed(TYPES[kind] or "any")
    end
  end
  return table.concat(out, "|")
end

local function item_type(run, items, path)
  local out = {}
  if items.kinds then out[#out + 1] = "moonwatch.kind" end
  if items.fn then out[#out + 1] = items.fn_type or "(fun(n: moonwatch.notification, ctx: moonwatch.ctx): any)" end
  if items.fields then out[#out + 1] = M.class(run, path .. ".item", items, items.help) end
  return table.concat(out, "|")
end

--- The class for the table DEF ({ fields=, items= }) at PATH; gives its name.
function M.class(run, path, def, help, parent)
  local known = def.fields and run.classes[def.fields]
  if known and not def.items then return known end
  local name = "moonwatch." .. path
  if def.fields then run.classes[def.fields] = name end
  local out = {}
  out[1] = ("---%s\n---@class %s%s"):format(one_line(help), name, parent and ": " .. parent or "")
  for _, row in ipairs(def.fields or {}) do
    if not row.absent then
      out[#out + 1] = ("---@field %s%s %s %s"):format(row[1], row.required and "" or "?", type_of(run, row, path .. "." .. row[1]), one_line(row.help))
    end
  end
  if def.items then out[#out + 1] = ("---@field [integer] %s"):format(item_type(run, def.items, path)) end
  run.out[#run.out + 1] = table.concat(out, "\n")
  return name
end

-- -- words -----------------------------------------------------------------------------------

local says = {}

function says.named(run, def)
  local class = M.class(run, def.word, def, def.help)
  -- A function in place of the fields is the only item.
  if def.items and def.items.fn then class = class .. "|" .. item_type(run, { fn = true, fn_type = def.items.fn_type }) end
  return ("---%s\n---@param name string\n---@return fun(fields: %s)\nfunction %s(name) end"):format(one_line(def.help), class, def.word)
end

function says.table(run, def)
  local class = M.class(run, def.word, def, def.help)
  return ("---%s\n---@param fields %s\nfunction %s(fields) end"):format(one_line(def.help), class, def.word)
end

function says.text(_, def)
  return ("---%s\n---@param text string\nfunction %s(text) end"):format(one_line(def.help), def.word)
end

function says.call(_, def)
  local out, names = { "---" .. one_line(def.help) }, {}
  for i, arg in ipairs(def.arguments) do
    names[i] = arg[1] == "function" and "fn" or arg[1]
    out[#out + 1] = ("---@param %s %s"):format(names[i], arg[2] == "fn" and function_type(def.help) or TYPES[arg[2]] or "any")
  end
  out[#out + 1] = ("function %s(%s) end"):format(def.word, table.concat(names, ", "))
  return table.concat(out, "\n")
end

local function kind_text(run, name)
  local class = M.class(run, "kind." .. name, words.kinds[name], words.kinds[name].help)
  return ("---%s\n---@param fields %s\n---@return moonwatch.kind\nfunction %s(fields) end"):format(words.kinds[name].help, class, name)
end

-- -- objects ---------------------------------------------------------------------------------

local SIMPLE = { text = "string", moment = "number|string", expr = "moonwatch.expr", duration = "moonwatch.duration",
                 labels = "table<string, string>", secret = "moonwatch.secret", number = "number", boolean = "boolean", table = "table", any = "any" }

local function object_type(kind)
  local base, ending = kind:match "^([%w_]+)(.*)$"
  return (SIMPLE[base] or "moonwatch." .. base), ending
end

local function member_type(kind)
  local base, ending = object_type(kind)
  return base .. ending:gsub("%?", ""), ending:find("?", 1, true) ~= nil
end

local function argument_texts(args, class)
  local out = {}
  if class then out[1] = "self: " .. class end
  for _, arg in ipairs(args) do
    local kind, optional = member_type(arg[2])
    out[#out + 1] = ("%s%s: %s"):format(arg[1], optional and "?" or "", kind)
  end
  return table.concat(out, ", ")
end

local function gives(member)
  if not member.gives then return "" end
  local kind, optional = member_type(member.gives)
  return ": " .. kind .. (optional and "?" or "")
end

local function object_text(o)
  local class = "moonwatch." .. o.class
  local out = { ("---%s\n---@class %s"):format(o.help, class) }
  for _, m in ipairs(o.members) do
    if m.args then
      out[#out + 1] = ("---@field %s fun(%s)%s %s"):format(m[1], argument_texts(m.args, m.colon and class), gives(m), m.help)
    else
      local kind, optional = member_type(m[2])
      out[#out + 1] = ("---@field %s%s %s %s"):format(m[1], optional and "?" or "", kind, m[3])
    end
  end
  return table.concat(out, "\n")
end

local function function_text(f)
  local out, names = { "---" .. f.help }, {}
  for i, arg in ipairs(f.args) do
    local kind, optional = member_type(arg[2])
    names[i] = arg[1]
    out[#out + 1] = ("---@param %s%s %s"):format(arg[1], optional and "?" or "", kind)
  end
  if f.gives then out[#out + 1] = "---@return " .. gives(f):sub(3) end
  out[#out + 1] = ("function %s(%s) end"):format(f[1], table.concat(names, ", "))
  return table.concat(out, "\n")
end

-- -- the whole -------------------------------------------------------------------------------

local WORDS = [[
---@meta moonwatch
-- moonwatch.lua - the words of moonwatch's rule files, for the Lua language server.  Written by `moonwatch help --lua-library` from
-- the tables that check them: change those, not this.  What functions are given and may call is in objects.lua beside it.]]

local OBJECTS = [[
---@meta moonwatch.objects
-- objects.lua - what functions in moonwatch's rule files are given and may call, for the Lua language server.  Written by
-- `moonwatch help --lua-objects` from the tables behind the manual: change those, not this.

---Seconds, or a text such as "250ms", "30s", "1h30m", "7d".
---@alias moonwatch.duration number|string

---PromQL.
---@alias moonwatch.expr string|number

---A series selector such as up{job="x"}.
---@alias moonwatch.selector string

---What secret "NAME" gives.
---@class moonwatch.secret

---What slack{...}, webhook{...} and the others give.
---@class moonwatch.kind]]

local function together(out) return (table.concat(out, "\n\n"):gsub("[ \t]+\n", "\n")) .. "\n" end

--- lua/library/moonwatch.lua.
function M.library()
  local run = { out = { WORDS }, classes = {} }
  local function say(text) run.out[#run.out + 1] = text end -- after the classes that making TEXT has added
  for _, name in ipairs(words.kind_names()) do
    if not words.kinds[name].absent then say(kind_text(run, name)) end
  end
  for _, def in ipairs(words.list) do
    if not def.absent then say(says[def.shape](run, def)) end
  end
  return together(run.out)
end

--- lua/library/objects.lua.
function M.objects()
  local out = { OBJECTS }
  for _, o in ipairs(objects.list) do out[#out + 1] = object_text(o) end
  for _, f in ipairs(objects.functions) do out[#out + 1] = function_text(f) end
  for _, name in ipairs(objects.libraries) do out[#out + 1] = ("---@type moonwatch.%s\n%s = {}"):format(objects.by_name[name].class, name) end
  return together(out)
end

--- Every global that a rule file may read besides Lua's own, in order.
function M.globals()
  local out = {}
  for _, def in ipairs(words.list) do out[#out + 1] = def.word end
  for _, name in ipairs(words.kind_names()) do out[#out + 1] = name end
  for _, f in ipairs(objects.functions) do out[#out + 1] = f[1] end
  for _, name in ipairs(objects.libraries) do out[#out + 1] = name end
  table.sort(out)
  return out
end

--- .luacheckrc of a folder of rules.
function M.luacheckrc()
  local quoted = {}
  for i, name in ipairs(M.globals()) do quoted[i] = ("%q"):format(name) end
  local lines, line = {}, "  "
  for _, name in ipairs(quoted) do
    if #line + #name > 110 then
      lines[#lines + 1] = line
      line = "  "
    end
    line = line .. name .. ", "
  end
  lines[#lines + 1] = line
  return ([[
-- What luacheck knows of moonwatch's rule files; written by `moonwatch init`.
std = "luajit"
max_line_length = false
read_globals = {
%s
}
files["spec"] = { std = "+busted" }
exclude_files = { ".moonwatch" }
]]):format((table.concat(lines, "\n"):gsub("%s+\n", "\n"):gsub("%s+$", "")))
end

return M

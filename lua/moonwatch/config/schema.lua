--- schema.lua - checks one declaration against the field table of its word.
--
-- Gives back the fields in the form the engine uses (durations in seconds, defaults filled in) and a list of problems
-- { message=, path={...}, at={line=,col=} }: path leads to the field inside the declaration, `at` into a text.
local did_you_mean = require "moonwatch.did_you_mean"
local kinds = require "moonwatch.words.kinds"
local types = require "moonwatch.words.types"
local values = require "moonwatch.words.values"

local M = {}
local check_table

local function quoted(names)
  local out = {}
  for i, name in ipairs(names) do out[i] = ("%q"):format(name) end
  return table.concat(out, ", ")
end

local function joined(path, key)
  local out = {}
  for i, k in ipairs(path) do out[i] = k end
  out[#out + 1] = key
  return out
end

local function shown(path)
  local out = {}
  for i, k in ipairs(path) do
    if type(k) == "number" then out[i] = ("[%d]"):format(k) else out[i] = (i > 1 and "." or "") .. k end
  end
  return table.concat(out)
end

-- The path of what is being checked is one list that grows and shrinks, so what is told takes a copy.
local function report(run, path, message, at)
  run.problems[#run.problems + 1] = { message = message, path = { unpack(path) }, at = at }
end

local function absent(run, path, what)
  report(run, path, what .. " is not available in this version")
end

-- -- one value -------------------------------------------------------------

-- A secret, a function and slack{...} are tables too, but not of fields.
local function is_fields(value)
  return type(value) == "table" and not values.is_fn(value) and value["@secret"] == nil and value["@kind"] == nil
end

local function check_list(run, row, value, path)
  if not values.is_list(value) then return nil end
  local out = {}
  local depth = #path + 1
  for i, item in ipairs(value) do
    path[depth] = i
    if not is_fields(item) then
      report(run, path, ("%s: expected a table"):format(shown(path)))
    else
      out[#out + 1] = check_table(run, { fields = row.fields }, item, path)
    end
    path[depth] = nil
  end
  return out
end

-- What a row with `short` may be in the place of its table.
local SHORT = { text = true, secret = true, texts = true }

local function check_as(run, row, kind, value, path)
  if kind == "table" then
    if not is_fields(value) then return nil end
    return check_table(run, { fields = row.fields, items = row.items }, value, path)
  elseif kind == "list" then
    return check_list(run, row, value, path)
  end
  local out, why, at = types.types[kind].check(value, run.env)
  if out ~= nil and row.short and SHORT[kind] then
    return check_table(run, { fields = row.fields }, { [row.short] = out }, path)
  end
  return out, why, at
end

local SAYS = { table = "a table", list = "a list of tables" }
local function says(row)
  local out = {}
  for i, kind in ipairs(type(row[2]) == "table" and row[2] or { row[2] }) do
    out[i] = SAYS[kind] or types.types[kind].says
  end
  return table.concat(out, " or ")
end
M.says = says

-- The kinds of a row, as a list; found once.
local kinds_of = setmetatable({}, { __mode = "k", __index = function(cache, row)
  cache[row] = type(row[2]) == "table" and row[2] or { row[2] }
  return cache[row]
end })

local function check_value(run, row, value, path)
  local first_why, first_at
  local before = #run.problems
  for _, kind in ipairs(kinds_of[row]) do
    local out, why, at = check_as(run, row, kind, value, path)
    if out ~= nil or #run.problems > before then
      if out ~= nil and row.choices and not run.env.one_of(out, row.choices) then
        report(run, path, ("%s: %q is not one of %s%s"):format(shown(path), tostring(out), quoted(row.choices),
                                                              did_you_mean(run.env.host, out, row.choices)))
      end
      return out
    end
    first_why, first_at = first_why or why, first_at or at
  end
  if first_why then
    report(run, path, ("%s: %s"):format(shown(path), first_why), first_at)
  else
    report(run, path, ("%s: expected %s, got %s"):format(shown(path), says(row), M.describe(value)))
  end
end

function M.describe(value)
  if type(value) == "table" then
    if value["@fn"] then return "a function" end
    if value["@secret"] then return "a secret" end
    if value["@kind"] then return value["@kind"] .. "{...}" end
    return "a table"
  elseif type(value) == "string" then
    value = value:gsub("(://)[^/@%s]*@", "%1***@") -- who signs in at an address is nobody's business
    return ("the text %q"):format(#value > 40 and value:sub(1, 37) .. "..." or value)
  end
  return ("%s %s"):format(type(value) == "boolean" and "the boolean" or "the number", tostring(value))
end

-- -- a table of fields -----------------------------------------------------

-- What follows from the rows of a table of fields, found once: ten thousand rules share them.
local known = setmetatable({}, { __mode = "k" })
local function known_of(rows)
  local k = known[rows]
  if k then return k end
  k = { names = {}, by = {}, defaults = {}, lean = { __index = {} } }
  for i, row in ipairs(rows) do k.names[i], k.by[row[1]] = row[1], row end
  known[rows] = k
  return k
end

local function names_of(rows)
  local k = known_of(rows)
  return k.names, k.by
end

local function check_item(run, items, item, path)
  if type(item) == "table" and items.fn and values.is_fn(item) then return { kind = "function", fn = item } end
  local kind = type(item) == "table" and item["@kind"]
  if items.kinds and kind and kinds[kind] then
    if kinds[kind].absent then
      absent(run, path, kind)
      return nil
    end
    local plain = {}
    for k, v in pairs(item) do if k ~= "@kind" then plain[k] = v end end
    local out = check_table(run, kinds[kind], plain, path)
    out.kind = kind
    return out
  end
  if items.fields and is_fields(item) then
    return check_table(run, { fields = items.fields }, item, path)
  end
  report(run, path, ("item %d: expected %s, got %s"):format(path[#path], items.says, M.describe(item)))
end

local NONE = {} -- never changed

-- Gives the fields that were meant by misspelt ones, as a set: nobody has to be told that they are missing, too.
local function check_unknown(run, def, value, path, by, names)
  local keys
  for key in pairs(value) do
    if not (type(key) == "number" and def.items) and not by[key] then
      keys = keys or {}
      keys[#keys + 1] = key
    end
  end
  if not keys then return NONE end
  local meant = {}
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    local at = joined(path, key)
    if type(key) == "number" then
      report(run, at, ("unexpected item %s: fields are written name = value"):format(#path == 0 and key or shown(at)))
    else
      local near = run.env.host.nearest(key, names)
      if near then meant[near] = true end
      report(run, at, ("unknown field %q%s"):format(shown(at), near and (" (did you mean %q?)"):format(near) or ""))
    end
  end
  return meant
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for k, v in pairs(value) do out[k] = copy(v) end
  return out
end

local function default_of(run, row, path, defaults)
  if defaults[row] == nil then defaults[row] = check_value({ env = run.env, problems = {} }, row, row.default, path) end
  return defaults[row]
end

local SHARED = { __newindex = function() error("this is the default of many rules", 2) end }

-- What row[1] of OUT is when nobody says it.  With LEAN, see M.check, OUT finds it behind itself.
local function fill(run, row, path, k, out, lean)
  local name = row[1]
  if row.required then return report(run, path, ("missing field %q"):format(shown(joined(path, name)))) end
  if row.default == nil then return end
  if not lean then
    out[name] = copy(default_of(run, row, path, k.defaults))
  elseif k.lean.__index[name] == nil then
    local value = default_of(run, row, path, k.defaults)
    k.lean.__index[name] = type(value) == "table" and setmetatable(value, SHARED) or value
  end
end

local function check_alternatives(run, def, value, path, meant)
  local function are_meant(group)
    for _, name in ipairs(group) do
      if meant[name] then return true end
    end
  end
  for _, group in ipairs(def.exactly_one or {}) do
    local given = {}
    for _, name in ipairs(group) do
      if value[name] ~= nil then given[#given + 1] = name end
    end
    if #given == 0 and not are_meant(group) then
      local offer = {}
      for _, name in ipairs(group) do
        local _, by = names_of(def.fields)
        if not by[name].absent then offer[#offer + 1] = name end
      end
      report(run, path, ("needs one of %s"):format(quoted(offer)))
    elseif #given > 1 then
      report(run, joined(path, given[2]), ("%s exclude each other"):format(quoted(given)))
    end
  end
  for _, group in ipairs(def.some_of or {}) do
    local any = false
    for _, name in ipairs(group) do any = any or value[name] ~= nil end
    if not any and not are_meant(group) then report(run, path, ("needs one or more of %s"):format(quoted(group))) end
  end
  for _, group in ipairs(def.at_most_one or {}) do
    if value[group[1]] ~= nil and value[group[2]] ~= nil then
      report(run, joined(path, group[2]), ("%s exclude each other"):format(quoted(group)))
    end
  end
end

function check_table(run, def, value, path)
  local names, by = names_of(def.fields)
  local k = known[def.fields]
  local out = def.lean and setmetatable({}, k.lean) or {}
  local meant = check_unknown(run, def, value, path, by, names)
  local depth = #path + 1
  for _, row in ipairs(def.fields) do
    local name = row[1]
    local given = value[name]
    if given ~= nil then
      path[depth] = name
      if row.absent then absent(run, path, shown(path)) else out[name] = check_value(run, row, given, path) end
      path[depth] = nil
    elseif (row.required or row.default ~= nil) and not row.absent and not (row.required and meant[name]) then
      fill(run, row, path, k, out, def.lean)
    end
  end
  if def.items then
    out.items = {}
    for i = 1, table.maxn(value) do
      if value[i] ~= nil then
        path[depth] = i
        out.items[#out.items + 1] = check_item(run, def.items, value[i], path)
        path[depth] = nil
      end
    end
    if table.maxn(value) < (def.items.least or 0) then report(run, path, "expected " .. def.items.says) end
  end
  check_alternatives(run, def, value, path, meant)
  return out
end

-- Every function of the declaration learns whose it is, so that it can be called later.
local function own(value, env)
  if type(value) ~= "table" then return end
  if value["@fn"] then value.guest, value.stamp, env.called = env.guest, env.stamp, true end
  for _, item in pairs(value) do own(item, env) end
end

local function one_of(value, choices)
  for _, choice in ipairs(choices) do
    if value == choice then return true end
  end
end

local function check_arguments(run, def, args)
  local out = {}
  for i, arg in ipairs(def.arguments) do
    local value, why = nil, nil
    if arg.fields and (is_fields(args[i]) or (args[i] == nil and arg.optional)) then
      value = check_table(run, { fields = arg.fields }, args[i] or {}, { i })
    elseif args[i] ~= nil and not arg.fields then
      value, why = types.types[arg[2]].check(args[i], run.env)
    end
    if value == nil then
      report(run, { i }, why and ("%s: %s"):format(arg[1], why)
             or ("argument %d: expected %s"):format(i, M.says(arg)))
    end
    out[i] = value
  end
  for i = #def.arguments + 1, table.maxn(args) do report(run, { i }, ("unexpected argument %d"):format(i)) end
  return { args = out }
end

--- Check DECL, a declaration as guest:declarations() gives it.  env: { host=, guest= (name of the file), stamp= (of its text),
-- exprs=, exprs_before= (see words/types) }; env.called becomes true when there is a function in it.  The fields of a word with
-- `lean` hold only what was given: there may be ten thousand, and pairs() does not show what they are by default.
function M.check(def, decl, env)
  local run = { env = { host = env.host, one_of = one_of, exprs = env.exprs, exprs_before = env.exprs_before }, problems = {} }
  if def.absent then
    absent(run, {}, def.word)
    return nil, run.problems
  end
  own(decl.fields, env)
  own(decl.args, env)
  if def.arguments then return check_arguments(run, def, decl.args or {}), run.problems end
  if def.check_name and decl.name then
    local why = def.check_name(decl.name)
    if why then report(run, {}, why) end
  end
  if decl.name == "" then report(run, {}, "the name is empty") end
  local fields = check_table(run, def, decl.fields or {}, {})
  if def.after and #run.problems == 0 then
    def.after(fields, function(message, path) report(run, path or {}, message) end, run.env)
  end
  return fields, run.problems
end

--- What the word holds when nobody says it.
function M.defaults(def, host)
  return (M.check(def, { fields = {} }, { host = host }))
end

return M

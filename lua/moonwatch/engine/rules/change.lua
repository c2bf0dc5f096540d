--- change.lua - the difference between two sets of rules, for people: what a reload adds, changes, removes.
local identity = require "moonwatch.config.identity"
local keys_of = require "moonwatch.keys"

local M = {}

local LISTS = { "scrapes", "records", "alerts", "slos", "checks", "everys", "expects", "canaries", "experiments", "pipelines" }
local IGNORED = { id = true, title = true, args = true, word = true, name = true, file = true, line = true, index = true, order = true, guest = true }

-- A value as text; functions of a file that changed count as changed with its text.
local function print_of(value)
  if type(value) ~= "table" then return type(value) .. ":" .. tostring(value) end
  if value["@fn"] then return "fn:" .. value["@fn"] .. ":" .. value.stamp end
  local keys, out = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do out[i] = tostring(key) .. "=" .. print_of(value[key]) end
  return "{" .. table.concat(out, ",") .. "}"
end

--- RULE as a text, without where it stands and whether it is a shadow.
function M.text(rule)
  local plain = {}
  for name, value in pairs(rule) do
    if not IGNORED[name] and name ~= "shadow" then plain[name] = value end
  end
  return print_of(plain)
end

-- What checking makes of fields, as the person wrote it: `levels` repeats above, below and what clears them.
local WRITTEN = { votes = "hold" }
local SIDES = { "above", "below" }

-- The names of FIELDS that a person would know.
local function as_written(fields)
  local seen = {}
  for _, name in ipairs(fields) do seen[WRITTEN[name] or name] = true end
  if seen.levels then
    seen.levels = nil
    local told = seen.baseline or seen.clear_below or seen.clear_above
    for _, side in ipairs(SIDES) do told = told or seen[side] end
    if not told then seen.above = true end
  end
  return keys_of(seen)
end

-- Do two values print the same?  Asked of every field of ten thousand rules.
local function equal(a, b)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return a ~= a and b ~= b end
  if a["@fn"] or b["@fn"] then return a["@fn"] == b["@fn"] and a.stamp == b.stamp end
  for key, value in pairs(a) do
    if not equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

-- The field of A after NAME in which B differs.
local function next_difference(a, b, name)
  local value
  repeat
    name, value = next(a, name)
    if name and not IGNORED[name] and not equal(value, b[name]) then return name end
  until not name
end

-- The fields in which two rules differ, in order.
local function differing(a, b)
  local out = {}
  local name = next_difference(a, b)
  while name do
    out[#out + 1] = name
    name = next_difference(a, b, name)
  end
  for key, value in pairs(b) do -- which A may have by default
    if rawget(a, key) == nil and not IGNORED[key] and not equal(a[key], value) then out[#out + 1] = key end
  end
  return #out > 0 and as_written(out) or out
end

--- Do two rules say the same?
function M.same(a, b) return not next_difference(a, b) and not next_difference(b, a) end

-- id -> rule; how many; and the names that several rules of SET share.
local function index(set, several)
  local out, n, first = {}, 0, {}
  for _, list in ipairs(LISTS) do
    for _, rule in ipairs(set and set[list] or {}) do
      local title = identity.title(rule)
      out[identity.id(rule)], n = rule, n + 1
      several[title] = several[title] or first[title]
      first[title] = true
    end
  end
  return out, n
end

--- { added=, changed=, removed= (lists of "alert Name", sorted), fields= ("alert Name" -> what changed of it), total=,
-- titles= (id -> "alert Name"), after= (id -> rule), pairs= (of the changed: { id=, title=, rule=, fields= }) }.
function M.between(before, after)
  local several = {}
  local a = index(before, several)
  local b, total = index(after, several)
  local result = { added = {}, changed = {}, removed = {}, fields = {}, total = total, titles = {}, after = b, pairs = {} }
  local function add(list, id, rule)
    local title = identity.title(rule)
    if several[title] then title = title .. identity.labels(rule.word, rule) end
    list[#list + 1], result.titles[id] = title, title
    return title
  end
  for id, rule in pairs(b) do
    local fields = a[id] and a[id] ~= rule and differing(a[id], rule)
    if not a[id] then
      add(result.added, id, rule)
    elseif fields and #fields > 0 then
      local title = add(result.changed, id, rule)
      result.fields[title] = fields
      table.insert(result.pairs, { id = id, title = title, rule = rule, fields = fields })
    end
  end
  for id, rule in pairs(a) do
    if not b[id] then add(result.removed, id, rule) end
  end
  table.sort(result.pairs, function(x, y) return x.id < y.id end)
  for _, list in pairs { result.added, result.changed, result.removed } do table.sort(list) end
  return result
end

--- The same in one line.
function M.summary(change)
  return ("%d rules: %d added, %d changed, %d removed"):format(change.total, #change.added, #change.changed, #change.removed)
end

return M

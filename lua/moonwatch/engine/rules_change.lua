--- rules_change.lua - the difference between two sets of rules, for people: what a reload adds, changes, removes.
local identity = require "moonwatch.config.identity"

local M = {}

local LISTS = { "scrapes", "records", "alerts", "slos", "checks", "everys" }
local IGNORED = { word = true, name = true, file = true, line = true, index = true, order = true, guest = true }

-- A value as text; functions of a file that changed count as changed with its text.
local function print_of(value, sources)
  if type(value) ~= "table" then return type(value) .. ":" .. tostring(value) end
  if value["@fn"] then return "fn:" .. value["@fn"] .. ":" .. (sources[value.guest] or "") end
  local keys, out = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do out[i] = tostring(key) .. "=" .. print_of(value[key], sources) end
  return "{" .. table.concat(out, ",") .. "}"
end

-- The fields in which two rules differ, in order.
local function differing(a, b, before, after)
  local seen, out = {}, {}
  for _, rule in ipairs { a, b } do
    for name in pairs(rule) do
      if not IGNORED[name] and not seen[name] then
        seen[name] = true
        if print_of(a[name], before.sources) ~= print_of(b[name], after.sources) then out[#out + 1] = name end
      end
    end
  end
  table.sort(out)
  return out
end

--- Do A of the set BEFORE and B of the set AFTER say the same?
function M.same(a, b, before, after) return #differing(a, b, before, after) == 0 end

-- id -> rule; how many; and the names that several rules of SET share.
local function index(set, several)
  local out, n, first = {}, 0, {}
  for _, list in ipairs(LISTS) do
    for _, rule in ipairs(set and set[list] or {}) do
      local title = rule.word .. " " .. rule.name
      out[identity.id(rule)], n = rule, n + 1
      several[title] = several[title] or first[title]
      first[title] = true
    end
  end
  return out, n
end

--- { added=, changed=, removed= (lists of "alert Name", sorted), fields= ("alert Name" -> what changed of it), total= }.
function M.between(before, after)
  local several = {}
  local a = index(before, several)
  local b, total = index(after, several)
  local result = { added = {}, changed = {}, removed = {}, fields = {}, total = total }
  local function add(list, rule)
    local title = rule.word .. " " .. rule.name
    if several[title] then title = title .. identity.labels(rule.word, rule) end
    list[#list + 1] = title
    return title
  end
  for id, rule in pairs(b) do
    local fields = a[id] and differing(a[id], rule, before, after)
    if not fields then
      add(result.added, rule)
    elseif #fields > 0 then
      result.fields[add(result.changed, rule)] = fields
    end
  end
  for id, rule in pairs(a) do
    if not b[id] then add(result.removed, rule) end
  end
  for _, list in pairs { result.added, result.changed, result.removed } do table.sort(list) end
  return result
end

--- The same in one line.
function M.summary(change)
  return ("%d rules: %d added, %d changed, %d removed"):format(change.total, #change.added, #change.changed, #change.removed)
end

return M

--- rules_change.lua - the difference between two sets of rules, for people: what a reload adds, changes, removes.
local M = {}

local LISTS = { "scrapes", "records", "alerts", "slos", "checks", "everys" }
local IGNORED = { file = true, line = true, index = true, order = true, guest = true }

-- A rule as text, without where it stands; functions of a file that changed count as changed with its text.
local function print_of(value, sources)
  if type(value) ~= "table" then return type(value) .. ":" .. tostring(value) end
  if value["@fn"] then return "fn:" .. value["@fn"] .. ":" .. (sources[value.guest] or "") end
  local keys, out = {}, {}
  for key in pairs(value) do
    if not IGNORED[key] then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do out[i] = tostring(key) .. "=" .. print_of(value[key], sources) end
  return "{" .. table.concat(out, ",") .. "}"
end

local function prints(set)
  local out, n = {}, 0
  for _, name in ipairs(LISTS) do
    for _, rule in ipairs(set and set[name] or {}) do
      out[rule.word .. " " .. rule.name], n = print_of(rule, set.sources), n + 1
    end
  end
  return out, n
end

--- { added=, changed=, removed= (sorted lists of "alert Name"), total= }.
function M.between(before, after)
  local a = prints(before)
  local result = { added = {}, changed = {}, removed = {} }
  local b, total = prints(after)
  result.total = total
  for name, text in pairs(b) do
    if not a[name] then table.insert(result.added, name)
    elseif a[name] ~= text then table.insert(result.changed, name) end
  end
  for name in pairs(a) do
    if not b[name] then table.insert(result.removed, name) end
  end
  for _, list in pairs { result.added, result.changed, result.removed } do table.sort(list) end
  return result
end

--- The same in one line.
function M.summary(change)
  return ("%d rules: %d added, %d changed, %d removed"):format(change.total, #change.added, #change.changed, #change.removed)
end

return M

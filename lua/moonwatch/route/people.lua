--- people.lua - one person, many names: what a calendar, Slack or PagerDuty call them, and who that is here.
local M = {}

local function fold(text) return text:lower():gsub("^mailto:", ""):gsub("%s+", " "):match "^%s*(.-)%s*$" end

--- PEOPLE: list of {name=, also={texts}} → what `known` asks.
function M.new(people)
  local out = {}
  for _, person in ipairs(people or {}) do
    for _, also in ipairs(person.also or {}) do out[fold(also)] = out[fold(also)] or person.name end
  end
  for _, person in ipairs(people or {}) do out[fold(person.name)] = person.name end
  return out
end

--- The person whom the first known one of NAMES means; nil.
function M.known(index, names)
  for _, name in ipairs(names) do
    local found = index and index[fold(name)]
    if found then return found end
  end
end

M.fold = fold

return M

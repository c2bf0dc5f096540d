--- json_path.lua - a place in a JSON document, and what must be there.
--
-- A path is names with dots between them and places in lists: "db.pool[0].state"; ["a.b"] is a name with a dot in it, and "$" at the
-- beginning is the document.  What must be there is a value, or { above=, below=, matches=, length=, exists= }.
local M = {}

local MAX_STEPS = 32

--- The steps of PATH: names, and places (numbers from 0).  nil, why when it is none.
function M.parse(path)
  local steps, rest = {}, path:gsub("^%$%.?", "")
  local first = true
  while rest ~= "" do
    local name, after = rest:match "^%.?([%w_%-@:/]+)(.*)$"
    if name and not first and rest:sub(1, 1) ~= "." then name = nil end
    if name and first and rest:sub(1, 1) == "." then name = nil end
    local place, quoted
    if not name then
      place, after = rest:match "^%[(%d+)%](.*)$"
      if not place then quoted, after = rest:match '^%["([^"]*)"%](.*)$' end
    end
    if not after then return nil, ("%q is no path: expected names, dots and [places], as in \"items[0].name\""):format(path) end
    steps[#steps + 1] = name or quoted or tonumber(place)
    if #steps > MAX_STEPS then return nil, ("%q has more than %d steps"):format(path, MAX_STEPS) end
    rest, first = after, false
  end
  return steps
end

--- What stands there, or nil.
function M.get(document, steps)
  local at = document
  for _, step in ipairs(steps) do
    if type(at) ~= "table" then return nil end
    if type(step) == "number" then at = at[step + 1] else at = at[step] end
  end
  return at
end

local function length(value)
  if type(value) == "string" then return #value end
  if type(value) ~= "table" then return nil end
  local n = 0
  for _ in pairs(value) do n = n + 1 end
  return n
end

local function told(value, host)
  if value == nil then return "nothing" end
  local text = type(value) == "table" and host.json.encode(value) or type(value) == "string" and ("%q"):format(value) or tostring(value)
  return #text > 100 and text:sub(1, 97) .. "..." or text
end

-- Each says what is wrong, or nothing.
local WANTS = {
  above = function(value, most) if type(value) ~= "number" or value <= most then return "above " .. most end end,
  below = function(value, least) if type(value) ~= "number" or value >= least then return "below " .. least end end,
  length = function(value, n) if length(value) ~= n then return ("%d long"):format(n) end end,
  matches = function(value, pattern, host)
    if type(value) == "table" or value == nil or not host.regex(pattern, "search"):match(tostring(value)) then return ("%q to match"):format(pattern) end
  end,
  exists = function(value, should) if (value ~= nil) ~= should then return should and "something" or "nothing" end end,
}
M.wants = WANTS

--- What is wrong at PATH of DOCUMENT, of which it WANTS that; nil when nothing is.
function M.judge(document, path, want, host)
  local value = M.get(document, assert(M.parse(path)))
  if value == host.json.null then value = nil end
  if type(want) ~= "table" then
    if value == want then return nil end
    return ("%s is %s, expected %s"):format(path, told(value, host), told(want, host))
  end
  for _, name in ipairs { "exists", "above", "below", "length", "matches" } do
    local expected = want[name] ~= nil and WANTS[name](value, want[name], host)
    if expected then return ("%s is %s, expected %s"):format(path, told(value, host), expected) end
  end
end

return M

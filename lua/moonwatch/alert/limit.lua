--- limit.lua - at most so many alerts of one rule; one more tells how many were left out.
local M = {}

local function notice(runner, left, all, t)
  local rule = runner.rule
  local labels = runner:labels({ labels = {}, value = left }, t)
  labels.limit = "exceeded"
  local text = ("%d of %d alerts of %s are left out, its limit is %d"):format(left, all, rule.name, rule.limit)
  return runner.id_of(labels), { labels = labels, value = left, level = 1, sample = {}, threshold = rule.limit,
                                 notice = { left_out = tostring(left), summary = text } }
end

-- Greater values are worse, unless the rule says `below`; none is the least.
local function in_order(runner, seen)
  local sign = runner.rule.below and -1 or 1
  local function badness(key)
    local v = seen[key].value or 0
    return v == v and sign * v or -math.huge
  end
  local function known(key) return runner.alerts[key] and runner.alerts[key].state ~= "inactive" or false end
  local keys = {}
  for key in pairs(seen) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    local ka, kb, la, lb = known(a), known(b), seen[a].level or 1, seen[b].level or 1
    if ka ~= kb then return ka end
    if la ~= lb then return la > lb end
    local ba, bb = badness(a), badness(b)
    if ba ~= bb then return ba > bb end
    return a < b
  end)
  return keys
end

--- The first `limit` of what was FOUND: those that are alerts already, then the worst.  The rest is one alert that says so.
function M.apply(runner, found, t)
  local limit = runner.rule.limit
  if not limit then return end
  local keys = in_order(runner, found.seen)
  if #keys <= limit then return end
  for i = limit + 1, #keys do found.seen[keys[i]] = nil end
  local key, row = notice(runner, #keys - limit, #keys, t)
  found.seen[key] = row
  found.problem = ("%d alerts, more than the limit of %d: the rest is left out"):format(#keys, limit)
end

return M

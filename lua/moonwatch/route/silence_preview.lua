--- silence_preview.lua - what a silence would keep quiet, before it is made.
local matchers = require "moonwatch.route.matchers"

local M = {}

local EXAMPLES, NAMES = 20, 50
local BROAD, FEW = 0.5, 10 -- half of what there is, when that is not just a handful
local LONG = 7 * 86400

local function fits(sets, labels)
  for _, set in ipairs(sets) do
    if matchers.match(set, labels) then return true end
  end
  return false
end
M.fits = fits

local function names_of(by_name)
  local out = {}
  for name, count in pairs(by_name) do out[#out + 1] = { name = name, count = count } end
  table.sort(out, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.name < b.name
  end)
  local total = #out
  for i = #out, NAMES + 1, -1 do out[i] = nil end
  return out, total
end

--- FOUND, things with labels out of OF: {count=, of=, names={ {name=,count=} }, examples={labels}}.
function M.counted(found, of)
  local by_name, out = {}, { count = #found, of = of, examples = {} }
  for i, item in ipairs(found) do
    local name = item.labels.alertname or ""
    by_name[name] = (by_name[name] or 0) + 1
    if i <= EXAMPLES then out.examples[i] = item.labels end
  end
  out.names = names_of(by_name)
  return out
end

--- How many of LIST (things with labels) SETS of compiled matchers fit, as `counted` says it.
function M.count(sets, list)
  local found = {}
  for _, item in ipairs(list) do
    if fits(sets, item.labels) then found[#found + 1] = item end
  end
  return M.counted(found, #list)
end

-- Can an alert of a rule called NAME with these LABELS satisfy M?  Labels that the rule does not fix may be anything.
local function may(m, name, labels)
  local value = labels[m.name]
  if m.name == "alertname" then value = name end
  return value == nil or value:find("${", 1, true) ~= nil or value:find("{{", 1, true) ~= nil or m.test(value)
end

--- Which of RULES ({name=,labels=}) can make alerts that SETS fit: {count=, of=, names={...}}.
function M.rules(sets, rules)
  local out, seen = { count = 0, of = #rules, names = {} }, {}
  for _, rule in ipairs(rules) do
    local can = false
    for _, set in ipairs(sets) do
      local all = true
      for _, m in ipairs(set.list) do all = all and may(m, rule.name, rule.labels or {}) end
      can = can or all
    end
    if can then
      out.count = out.count + 1
      if not seen[rule.name] and #out.names < NAMES then
        seen[rule.name], out.names[#out.names + 1] = true, rule.name
      end
    end
  end
  table.sort(out.names)
  return out
end

local function broad(found) return found and found.of >= FEW and found.count / found.of >= BROAD end

--- What whoever makes silence S should know.  FOUND: {now=, history= with hours=, rules=}, of `count` and `rules`; the last two may be nil.
function M.warnings(s, found, host)
  local out = {}
  local function say(text, ...) out[#out + 1] = text:format(...) end
  if broad(found.now) then say("this would mute %d of %d alerts", found.now.count, found.now.of) end
  if broad(found.history) then
    say("it would have muted %d of %d alerts of the last %s", found.history.count, found.history.of, host.duration_text(found.history.hours * 3600))
  end
  if broad(found.rules) and not broad(found.now) then say("%d of %d rules can make alerts that it mutes", found.rules.count, found.rules.of) end
  local seconds = s.ends_at - s.starts_at
  if seconds > LONG and not s.recurring and not s.window and not s.until_resolved then say("it lasts %s", host.duration_text(math.floor(seconds))) end
  if found.now.count == 0 and found.rules and found.rules.count == 0 and found.rules.of > 0 and not (found.history and found.history.count > 0) then
    say "no alert matches, and no rule can make one that does: are the labels spelled right?"
  end
  return out
end

return M

--- alert_checks.lua - which fields of an alert go together, and the levels they make.
local text = require "moonwatch.alert.text"

local M = {}

-- -- levels ----------------------------------------------------------------

local SIDES = {
  { side = "above", clear = "clear_below", wrong = "less", beyond = function(a, b) return a < b end },
  { side = "below", clear = "clear_above", wrong = "greater", beyond = function(a, b) return a > b end },
}

-- What clears each level of BOUNDS: CLEAR is a number for the mildest one, or a table.
local function check_clear(s, bounds, clear, mildest, problem)
  local list = type(clear) == "table" and clear or { [mildest] = clear }
  for name, value in pairs(list) do
    local path = type(clear) == "table" and { s.clear, name } or { s.clear }
    if not bounds[name] then
      problem(("%s: there is no level %q in %q"):format(s.clear, name, s.bound or s.side), path)
    elseif not s.beyond(value, bounds[name]) then
      problem(("%s: %s must be %s than %q, which is %s"):format(s.clear, text.number(value), s.wrong, s.bound or s.side, text.number(bounds[name])), path)
    end
  end
  return list
end

-- Names of BOUNDS, the mildest first.
local function ordered(s, bounds, name_of_field, problem)
  local names = {}
  for name in pairs(bounds) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    if bounds[a] ~= bounds[b] then return s.beyond(bounds[a], bounds[b]) end
    return a < b
  end)
  for i = 2, #names do
    if bounds[names[i]] == bounds[names[i - 1]] then
      problem(("%s: %q and %q begin at the same value"):format(name_of_field, names[i - 1], names[i]), { name_of_field })
    end
  end
  return names
end

-- The levels of FIELDS on side S, its bounds being in field NAME.
local function levels(fields, s, given, name, clear, problem)
  local bounds = type(given) == "table" and given or { [fields.severity or "warning"] = given }
  if type(given) == "table" and fields.severity then
    problem(("%q names the severities; leave %q out"):format(name, "severity"), { "severity" })
  end
  local names = ordered(s, bounds, name, problem)
  local clears = clear ~= nil and check_clear(s, bounds, clear, names[1], problem) or {}
  local out = {}
  for i, severity in ipairs(names) do out[i] = { severity = severity, [s.side] = bounds[severity], clear = clears[severity] } end
  return out
end

local function of_side(fields, s, problem)
  local given, clear = fields[s.side], fields[s.clear]
  if clear ~= nil and given == nil then
    return problem(("%q goes with %q"):format(s.clear, s.side), { s.clear })
  end
  if given == nil then return end
  if type(given) == "string" then
    if clear ~= nil then problem(("%q needs a number in %q"):format(s.clear, s.side), { s.clear }) end
    return
  end
  if type(given) == "table" or clear ~= nil then
    fields.levels = levels(fields, s, given, s.side, clear, problem)
    fields[s.side] = fields.levels[1][s.side]
  end
end

local function of_baseline(fields, problem)
  local b = fields.baseline
  if not b then return end
  if not fields.expr then problem('"baseline" is about the values of `expr`', { "baseline" }) end
  if b.min_weeks > b.weeks then problem(("baseline.min_weeks: must be at most weeks, which is %d"):format(b.weeks), { "baseline", "min_weeks" }) end
  if type(b.deviations) == "number" and b.deviations <= 0 then problem("baseline.deviations: must be more than zero", { "baseline", "deviations" }) end
  if type(b.clear) == "table" and type(b.deviations) ~= "table" then problem("baseline.clear: expected a number", { "baseline", "clear" }) end
  fields.levels = levels(fields, { side = "above", bound = "deviations", clear = "baseline.clear", wrong = "less", beyond = SIDES[1].beyond }, b.deviations,
                         "baseline.deviations", b.clear, problem)
end

local function check_zone(zone, path, problem, env)
  if zone and zone ~= "UTC" and not env.host.stat("/usr/share/zoneinfo/" .. zone) then
    problem(("%s: %q is not a time zone of this machine"):format(table.concat(path, "."), zone), path)
  end
end
M.check_zone = check_zone

-- Does a table name the severities?  Then the rule has none.
local function named(fields)
  local l = fields.levels
  return l and (#l > 1 or l[1].severity ~= "warning")
end

-- -- the others ------------------------------------------------------------

local function of_function(fields, problem)
  if not fields.when then return end
  for _, name in ipairs { "above", "below" } do
    if fields[name] then problem(("%q compares the value of `expr`; compare inside `when` instead"):format(name), { name }) end
  end
  if fields.query_offset then problem('"query_offset" is about `expr`; a function asks for the time it wants', { "query_offset" }) end
  if fields.absent then problem('"absent" is about the series of `expr`; a function sees for itself what is missing', { "absent" }) end
end

local function of_absent(fields, problem)
  local compares = fields.above or fields.below or fields.baseline
  if fields.absent and fields.absent ~= "resolve" and fields.expr and not compares then
    problem('"absent" needs "above", "below" or "baseline": an expression that compares gives nothing when all is well, too', { "absent" })
  end
  if fields.absent_for and fields.absent ~= "fire" then problem('"absent_for" goes with absent = "fire"', { "absent_for" }) end
end

local function of_hold(fields)
  if type(fields.hold) ~= "table" then return end
  fields.votes, fields.hold = fields.hold, 0
end

local function of_flap(fields, problem)
  local flap = fields.flap
  if not flap then return end
  if flap.changes < 2 or flap.changes > 100 then problem("flap.changes: must be 2 to 100", { "flap", "changes" }) end
  flap.calm = flap.calm or math.floor(flap.changes / 2)
  if flap.calm >= flap.changes then
    problem(("flap.calm: must be less than changes, which is %d"):format(flap.changes), { "flap", "calm" })
  end
  if flap.within < fields.every * flap.changes then
    problem(("flap.within: %d changes take at least so many evaluations, one each %s"):format(flap.changes, text.duration(fields.every)),
            { "flap", "within" })
  end
end

local function places(template, put)
  local out = {}
  for i, item in ipairs(text.compile(template) or {}) do out[i] = type(item) == "string" and item or put end
  return table.concat(out)
end

local function of_evidence(fields, problem, env)
  local e = fields.evidence
  if e == true then fields.evidence = nil end
  if type(e) ~= "table" then return end
  if type(e.logs) == "string" then -- what a function gives is seen when it is asked
    local ok, why = env.host.selector(places(e.logs, "x"))
    if not ok then problem(("evidence.logs: bad selector: %s"):format(why), { "evidence", "logs" }) end
  end
  for _, name in ipairs { "contains", "level" } do
    if e[name] and not e.logs then problem(("evidence.%s goes with evidence.logs"):format(name), { "evidence", name }) end
  end
  if not e.logs and not e.traces then problem("evidence: give logs, traces or both; samples are always there", { "evidence" }) end
  for path, n in pairs { lines = e.lines, ["traces.most"] = e.traces and e.traces.most } do
    if n > 20 then problem(("evidence.%s: must be at most 20"):format(path), { "evidence", (path:match "^%a+") }) end
  end
end

--- `after` of the word `alert`: refuses what does not go together, and fills in what follows from the rest.
function M.after(fields, problem, env)
  of_function(fields, problem)
  of_absent(fields, problem)
  of_hold(fields)
  of_flap(fields, problem)
  of_evidence(fields, problem, env)
  for _, s in ipairs(SIDES) do of_side(fields, s, problem) end
  of_baseline(fields, problem)
  if fields.baseline then check_zone(fields.baseline.zone, { "baseline", "zone" }, problem, env) end
  if not fields.severity and not named(fields) then fields.severity = "warning" end
end

return M

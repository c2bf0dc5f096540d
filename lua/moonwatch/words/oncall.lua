--- oncall.lua - the word `oncall`: who is on call when.
local Oncall = require "moonwatch.route.oncall"

local turns = {
  { "people", "texts", required = true, help = "persons or receivers, in the order of their turns" },
  { "weekly", "text", help = 'when turns begin: "mon 09:00"' },
  { "daily", "text", help = 'when turns begin: "09:00"' },
  { "turn", "count", default = 1, help = "how many weeks (with daily: days) a turn is" },
  { "start", "text", help = 'date on which the first of the people begins, "2026-01-05"; default: in January 1970' },
}

local layer = { { "window", "text", required = true, help = "window in which this layer counts" } }
for _, row in ipairs(turns) do layer[#layer + 1] = row end

local override = {
  { "from", "text", required = true, help = '"2026-12-24 09:00" in the zone, or with an offset: "2026-12-24T09:00:00Z"' },
  { "to", "text", required = true, help = "end; not part of it" },
  { "person", "text", required = true, help = "who is on call then" },
}

local fields = {
  { "zone", "text", default = "UTC", help = "IANA name of the time zone" },
  { "layers", "list", default = {}, help = "other people inside a window: nights, weekends; a later layer counts more", fields = layer },
  { "overrides", "list", default = {}, help = "exceptions: they count more than all the rest, a later one more than an earlier one", fields = override },
  { "ical", "secret", help = "calendar that counts more than the turns: a file, or an address that is asked again and again" },
  { "every", "interval", default = "15m", help = "how often the address is asked; a file is looked at every 30s" },
}
for i, row in ipairs(turns) do table.insert(fields, i, row) end

local function zone_problem(fields_, env)
  local zone = fields_.zone
  if zone ~= "UTC" and not env.host.stat("/usr/share/zoneinfo/" .. zone) then return ("zone: %q is not a time zone of this machine"):format(zone) end
end

return {
  word = "oncall", shape = "named",
  help = 'Who is on call: exactly one person at each moment. Routes and escalations name it "oncall:NAME".',
  example = [[
oncall "web" {
  people = { "ann", "bob", "cai" }, weekly = "mon 09:00", zone = "Europe/Lisbon", start = "2026-01-05",
  layers = { { window = "night", people = { "dan", "eve" }, daily = "18:00" } },
  overrides = { { from = "2026-12-24 09:00", to = "2026-12-27 09:00", person = "bob" } },
}]],
  fields = fields, at_most_one = { { "weekly", "daily" } },
  after = function(f, problem, env)
    local bad = zone_problem(f, env)
    if bad then return problem(bad, { "zone" }) end
    if #f.people == 0 then return problem("nobody is on call: people is empty", { "people" }) end
    for i, one in ipairs(f.layers) do
      if one.weekly and one.daily then problem(("layer %d: weekly and daily exclude each other"):format(i), { "layers", i }) end
      if #one.people == 0 then return problem(("layer %d: people is empty"):format(i), { "layers", i, "people" }) end
    end
    local _, why = Oncall.new(f, env.host)
    if why then problem(why, { why:match "^(%a+):" or why:match "^override" and "overrides" or why:match "^layer" and "layers" or "people" }) end
  end,
}

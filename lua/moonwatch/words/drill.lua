--- drill.lua - the word `drill`: a test alert that goes the whole way, again and again.
local function time_of_day(text)
  local h, m = text:match "^(%d%d?):(%d%d)$"
  h, m = tonumber(h), tonumber(m)
  return h and h < 24 and m < 60
end

return {
  word = "drill", shape = "named",
  help = "A fire drill: a marked test alert comes in, takes a route to each receiver, waits in its queue and is answered by it. " ..
         "When that takes longer than `within`, or a receiver refuses, the drill has failed: a metric and `moonwatch drills` say so.",
  example = [[
drill "pager" { to = "on-call", every = "1d", at = "10:00", zone = "Europe/Lisbon", within = "2m" }]],
  fields = {
    { "to", "texts", required = true, help = "receivers" },
    { "every", "interval", default = "1d", help = "how often" },
    { "at", "text", help = 'time of day, "10:00", when `every` is whole days' },
    { "zone", "text", default = "UTC", help = "IANA name of the time zone of `at`" },
    { "within", "interval", default = "2m", help = "it has failed when it took longer" },
    { "severity", "text", default = "info", help = "severity of the alert" },
  },
  after = function(fields, problem, env)
    if fields.to and #fields.to == 0 then problem("name at least one receiver", { "to" }) end
    if fields.at and not time_of_day(fields.at) then problem(('at: %q is not a time of day such as "10:00"'):format(fields.at), { "at" }) end
    if fields.at and fields.every and fields.every % 86400 ~= 0 then problem("with `at`, every is whole days: \"1d\", \"7d\"", { "every" }) end
    if fields.within and fields.every and fields.within >= fields.every then problem("within must be less than every", { "within" }) end
    local zone = fields.zone
    if zone and zone ~= "UTC" and not env.host.stat("/usr/share/zoneinfo/" .. zone) then
      problem(("zone: %q is not a time zone of this machine"):format(zone), { "zone" })
    end
  end,
}

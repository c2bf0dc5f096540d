--- escalation.lua - the word `escalation`: who is told next when nobody reacts.
local step = {
  { "after", "duration", required = true, help = "time since the first message" },
  { "to", "texts", required = true, help = 'receivers or persons; "oncall:web" is whoever is on call in the rotation "web" at that moment' },
  { "every", "span", help = "tell them again so often until somebody reacts or the next step comes" },
}

return {
  word = "escalation", shape = "named",
  help = "Steps that go on until somebody acknowledges the alert or it resolves.",
  example = [[
escalation "page" {
  { after = "0s", to = { "web-team" } }, { after = "15m", to = { "oncall:web" }, every = "5m" },
  loops = 3, ack_timeout = "2h",
}]],
  items = { says = '{ after = "15m", to = { "receiver" } }', fields = step, least = 1 },
  fields = {
    { "loops", "count", default = 1, help = "how often all the steps are gone through when nobody reacts" },
    { "pause", "span", help = "time from the last step to the next loop; default: as long as the last step waited for the one before" },
    { "ack_timeout", "span", help = "an acknowledgement without an end of its own ends after so long, and the steps begin anew" },
  },
  after = function(fields, problem)
    local last
    for i, item in ipairs(fields.items or {}) do
      if item.after and last and item.after < last then
        problem(("step %d comes before step %d"):format(i, i - 1), { i, "after" })
      end
      if item.every and item.every < 60 then problem(("step %d: tell people at most once a minute"):format(i), { i, "every" }) end
      last = item.after or last
    end
    local items = fields.items or {}
    local before = items[#items - 1]
    if fields.loops > 1 and not fields.pause and #items > 0 and items[#items].after == (before and before.after or 0) then
      problem('say how long to wait before the next loop: pause = "15m"', { "loops" })
    end
  end,
}

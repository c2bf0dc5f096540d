--- escalation.lua - the word `escalation`: who is told next when nobody reacts.
local step = {
  { "after", "duration", required = true, help = "time since the first message" },
  { "to", "texts", required = true, help = "receivers" },
}

return {
  word = "escalation", shape = "named",
  help = "Steps that go on until somebody acknowledges the alert or it resolves.",
  example = [[
escalation "page" { { after = "0s", to = { "web-team" } }, { after = "15m", to = { "on-call" } } }]],
  items = { says = '{ after = "15m", to = { "receiver" } }', fields = step, least = 1 },
  fields = {},
  after = function(fields, problem)
    local last
    for i, item in ipairs(fields.items or {}) do
      if item.after and last and item.after < last then
        problem(("step %d comes before step %d"):format(i, i - 1), { i, "after" })
      end
      last = item.after or last
    end
  end,
}

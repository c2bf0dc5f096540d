--- mixed_routes.lua - a tree with all that keeps alerts quiet or tells them to more than one: for specs about chance.
return function()
  return {
    names = { "hook", "pager", "chat" },
    routes = { { receiver = "hook", group_by = { "team" }, routes = {
      { match = { team = "a" }, receiver = "pager", continue = true, group_by = { "alertname" } },
      { match = { team = "b" }, receiver = "chat", mute = { "night" }, repeat_interval = 3600 },
      { match = { team = "a" }, escalate = "page" } } } },
    inhibits = { { source = { alertname = "Down" }, target = { alertname = "Slow" }, equal = { "team" } } },
    windows = { night = { times = "22:00-23:30" } },
    escalations = { page = { { after = 0, to = { "chat" } }, { after = 1200, to = { "pager" } } } },
  }
end

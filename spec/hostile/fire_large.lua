-- Alerts that are each a few megabytes.
-- says: 
alert "Hostile" {
  when = function(ctx)
    local s = {}
    for i = 1, 7 do s["l" .. i] = ("x"):rep(1e6) end
    while true do ctx:fire { labels = s } end
  end,
}

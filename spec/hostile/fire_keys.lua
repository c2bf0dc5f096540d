-- The same in what is fired, a little at a time.
-- says: too much to keep
alert "Hostile" {
  when = function(ctx)
    local named = { [("x"):rep(2 ^ 20)] = 1 }
    while true do ctx:fire { labels = { a = named, b = named } } end
  end,
}

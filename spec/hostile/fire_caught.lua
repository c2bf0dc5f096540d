-- Alerts without end, whatever is said to that.
-- says: stopped: used up its 2000000 instructions
alert "Hostile" {
  when = function(ctx)
    while true do pcall(ctx.fire, ctx, { labels = { a = "b" } }) end
  end,
}

-- Log lines without end, whatever is said to that.
-- says: stopped: used up its 2000000 instructions
alert "Hostile" {
  when = function(ctx)
    while true do pcall(ctx.log.debug, "again") end
  end,
}

-- A state that is no table.
-- says: ctx.state
alert "Hostile" {
  when = function(ctx)
    ctx.state = 5
  end,
}

-- A state that holds itself.
-- says: too deep
alert "Hostile" {
  when = function(ctx)
    ctx.state.me = ctx.state
  end,
}

-- One long name, kept a hundred thousand times.
-- says: too much text
alert "Hostile" {
  when = function(ctx)
    local named, t = { [("x"):rep(2 ^ 20)] = 1 }, {}
    for i = 1, 1e5 do t[i] = named end
    ctx.state.t = t
  end,
}

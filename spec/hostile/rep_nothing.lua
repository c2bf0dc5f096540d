-- Nothing, ten billion times.
-- says: too long
alert "Hostile" {
  when = function(ctx)
    return (""):rep(1e10)
  end,
}

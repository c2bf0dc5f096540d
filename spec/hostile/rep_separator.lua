-- A gigabyte of separators.
-- says: too long
alert "Hostile" {
  when = function(ctx)
    return string.rep("", 1e6, ("x"):rep(1000))
  end,
}

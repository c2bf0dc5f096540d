-- A text of a gigabyte.
-- says: too long
alert "Hostile" {
  when = function(ctx)
    return ("x"):rep(1e9)
  end,
}

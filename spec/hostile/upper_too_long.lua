-- A text longer than any function takes.
-- says: too long
alert "Hostile" {
  when = function(ctx)
    local s = ("x"):rep(1e6)
    return (s .. s):upper()
  end,
}

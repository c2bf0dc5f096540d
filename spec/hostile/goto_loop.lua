-- The same with goto.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    ::again::
    goto again
  end,
}

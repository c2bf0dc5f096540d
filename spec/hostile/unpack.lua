-- Ten million values at once.
-- says: too many
alert "Hostile" {
  when = function(ctx)
    return unpack({}, 1, 1e7)
  end,
}

-- A number a hundred thousand wide.
-- says: format
alert "Hostile" {
  when = function(ctx)
    return ("%99999d"):format(1)
  end,
}

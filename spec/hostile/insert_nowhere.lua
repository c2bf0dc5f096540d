-- A place that is no number moves everything there is.
-- says: table.insert
alert "Hostile" {
  when = function(ctx)
    table.insert({}, 0 / 0, 1)
  end,
}

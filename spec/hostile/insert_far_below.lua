-- A place that no integer holds.
-- says: table.insert
alert "Hostile" {
  when = function(ctx)
    table.insert({}, 1e300, 1)
  end,
}

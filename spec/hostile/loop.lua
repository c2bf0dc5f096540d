-- A loop that never ends.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    while true do end
  end,
}

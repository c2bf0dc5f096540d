-- Catches being stopped, and goes on.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    while true do
      pcall(function() while true do end end)
    end
  end,
}

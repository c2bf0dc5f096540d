-- A handler of errors that never ends.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    xpcall(function() error("x") end, function() while true do end end)
  end,
}

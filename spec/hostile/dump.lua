-- Turns a function into bytecode.
-- says: dump
alert "Hostile" {
  when = function(ctx)
    return string.dump(function() end)
  end,
}

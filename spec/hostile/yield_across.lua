-- Leaving through functions of C that call back.
-- says: yield
alert "Hostile" {
  when = function()
    table.sort({ 2, 1 }, function() coroutine.yield() end)
  end,
}

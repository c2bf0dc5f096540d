-- A loop inside a coroutine inside pcall inside a comparator, again and again.
-- says: stopped: used up its 2000000 instructions
alert "Hostile" {
  when = function()
    while true do
      pcall(table.sort, { 3, 1, 2 }, function()
        local turn = coroutine.wrap(function() pcall(function() while true do end end) end)
        return turn()
      end)
    end
  end,
}

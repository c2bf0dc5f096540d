-- Jumps between blocks that never leave them.
-- says: stopped: used up its 2000000 instructions
alert "Hostile" {
  when = function()
    local n = 0
    ::again::
    do
      ::inner::
      n = n + 1
      if n % 2 == 0 then goto inner end
      for _ = 1, 2 do if n % 3 == 0 then goto again end end
    end
    goto again
  end,
}

-- Repeating what was repeated.
-- says: text too long
alert "Hostile" {
  when = function()
    local s = "x"
    for _ = 1, 20 do s = s:rep(100) end
  end,
}

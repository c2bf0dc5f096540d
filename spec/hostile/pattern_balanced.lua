-- %b() that opens everywhere and never closes.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s = ("("):rep(3e5)
    while true do pcall(string.find, s, "%b()") end
  end,
}

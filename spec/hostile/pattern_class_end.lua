-- A long run of items that must be read again at each place.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s, p = ("a"):rep(1e6), "[" .. ("b"):rep(5e5) .. "]*c"
    while true do pcall(string.find, s, p) end
  end,
}

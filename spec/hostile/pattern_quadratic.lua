-- Every place is tried, and from each the rest of the text.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s = ("a"):rep(1e6)
    while true do pcall(string.find, s, "a-b") end
  end,
}

-- A set as long as the text, for each character.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s, set = ("a"):rep(1e5), "[" .. ("b"):rep(1e5) .. "]"
    while true do pcall(string.find, s, set) end
  end,
}

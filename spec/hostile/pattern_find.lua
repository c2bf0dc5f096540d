-- A pattern that tries every way to split a text (find).
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s, p = ("a"):rep(60), (".-"):rep(12) .. "b"
    while true do pcall(function() return string.find(s, p) end) end
  end,
}

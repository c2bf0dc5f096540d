-- A pattern that tries every way to split a text (gmatch).
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s, p = ("a"):rep(60), (".-"):rep(12) .. "b"
    while true do for _ in string.gmatch(s, p) do end end
  end,
}

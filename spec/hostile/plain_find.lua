-- A needle that nearly matches everywhere.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s, p = ("a"):rep(1e6), ("a"):rep(5e5) .. "b"
    while true do s:find(p, 1, true) end
  end,
}

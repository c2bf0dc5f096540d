-- Long texts rewritten again and again.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s = ("x"):rep(1e6)
    while true do s:upper() end
  end,
}

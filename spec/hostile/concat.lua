-- Long texts joined again and again.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local t = {}
    for i = 1, 1000 do t[i] = ("x"):rep(1000) end
    while true do table.concat(t) end
  end,
}

-- Everything moves by one, each time.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local t = {}
    for i = 1, 1e5 do t[i] = i end
    while true do table.insert(t, 1, 0) end
  end,
}

-- Many numbers sorted again and again.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local t = {}
    for i = 1, 1e5 do t[i] = -i end
    while true do table.sort(t) end
  end,
}

-- A comparison that lies, its error caught.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local t = {}
    for i = 1, 1000 do t[i] = i % 7 end
    while true do
      pcall(table.sort, t, function() return true end)
    end
  end,
}

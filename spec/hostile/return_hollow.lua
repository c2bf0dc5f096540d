-- The same in what is returned.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local hollow, t = {}, {}
    for i = 1, 2e5 do hollow[i] = 1 end
    for i = 1, 2e5 do hollow[i] = nil end
    for i = 1, 1e5 do t[i] = hollow end
    return t
  end,
}

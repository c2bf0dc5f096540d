-- Keys far apart.
-- says: memory
alert "Hostile" {
  when = function(ctx)
    local t = {}
    for i = 1, 1e9 do t[i * 1e6] = i end
  end,
}

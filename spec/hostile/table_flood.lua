-- Tables until memory ends.
-- says: memory
alert "Hostile" {
  when = function(ctx)
    local t = {}
    for i = 1, 1e9 do t[i] = {} end
  end,
}

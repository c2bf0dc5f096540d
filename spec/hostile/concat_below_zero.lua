-- table.concat from a place that #t does not count.
-- says: text too long
alert "Hostile" {
  when = function(ctx)
    local t, s = {}, ("x"):rep(1e6)
    for i = -9, 0 do t[i] = s end
    return #table.concat(t, "", -9, 0)
  end,
}

-- Keeps more than a state may hold.
-- says: 
alert "Hostile" {
  when = function(ctx)
    local t = ctx.state
    for i = 1, 3e5 do t[i] = i end
  end,
}

-- Asks for ever.
-- says: 
alert "Hostile" {
  when = function(ctx)
    for _ = 1, 1e6 do ctx.logs:count { since = "5m" } end
  end,
}

-- Keeps tables in tables in tables.
-- says: too deep
alert "Hostile" {
  when = function(ctx)
    local t = ctx.state
    for _ = 1, 1000 do
      t.t = {}
      t = t.t
    end
  end,
}

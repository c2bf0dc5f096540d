-- More log lines than anybody reads.
-- says: log lines
alert "Hostile" {
  when = function(ctx)
    for _ = 1, 1e6 do ctx.log.debug("x") end
  end,
}

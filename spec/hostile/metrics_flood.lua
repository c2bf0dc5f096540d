-- A new series in each step.
-- says: 
alert "Hostile" {
  when = function(ctx)
    for i = 1, 1e6 do ctx.metrics.counter("hostile_total", { n = tostring(i) }):add(1) end
  end,
}

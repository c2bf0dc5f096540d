-- More alerts than anybody reads.
-- says: alerts in one run
alert "Hostile" {
  when = function(ctx)
    for i = 1, 1e6 do ctx:fire { labels = { n = tostring(i) } } end
  end,
}

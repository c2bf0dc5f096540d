-- Leaves in the middle.
-- says: coroutine.yield
alert "Hostile" {
  when = function(ctx)
    coroutine.yield(1)
  end,
}

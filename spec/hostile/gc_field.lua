-- A table with a finalizer.
-- says: __gc
alert "Hostile" {
  when = function(ctx)
    setmetatable({}, { __gc = function() while true do end end })
  end,
}

-- Two coroutines that hand over to each other for ever.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local co = coroutine.wrap(function() while true do coroutine.yield() end end)
    while true do co() end
  end,
}

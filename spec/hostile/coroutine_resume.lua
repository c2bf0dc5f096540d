-- resume catches errors as pcall does.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    while true do
      coroutine.resume(coroutine.create(function() while true do end end))
    end
  end,
}

-- The globals of whoever runs this, by way of a coroutine.
-- says: 
alert "Hostile" {
  when = function()
    local co = coroutine.create(function() return _G end)
    local _, env = coroutine.resume(co)
    env.shared = true
  end,
}

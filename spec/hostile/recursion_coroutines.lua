-- A coroutine in a coroutine in a coroutine.
-- says: overflow
alert "Hostile" {
  when = function(ctx)
    local function f() return coroutine.wrap(f)() end
    return f()
  end,
}

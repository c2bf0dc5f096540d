-- A function that calls itself until the stack ends.
-- says: stack overflow
alert "Hostile" {
  when = function(ctx)
    local function f() return 1 + f() end
    return f()
  end,
}

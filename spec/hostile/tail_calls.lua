-- Tail calls use no stack and never end.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local function f() return f() end
    return f()
  end,
}

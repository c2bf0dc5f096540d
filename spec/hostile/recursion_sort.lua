-- A comparison that sorts.
-- says: overflow
alert "Hostile" {
  when = function(ctx)
    local function f() table.sort({ 1, 2 }, f) return false end
    return f()
  end,
}

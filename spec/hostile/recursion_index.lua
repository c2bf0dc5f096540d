-- __index that is a function that asks again.
-- says: overflow
alert "Hostile" {
  when = function(ctx)
    local t = setmetatable({}, { __index = function(t, k) return t[k] end })
    return t.x
  end,
}

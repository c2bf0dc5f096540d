-- Comparisons that compare.
-- says: stack overflow
alert "Hostile" {
  when = function()
    local meta = {}
    meta.__lt = function(a, b) return a < b end
    meta.__le = function(a, b) return b < a end
    return setmetatable({}, meta) <= setmetatable({}, meta)
  end,
}

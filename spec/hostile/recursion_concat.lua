-- A metamethod of .. that says .. again.
-- says: stack overflow
alert "Hostile" {
  when = function()
    local t = setmetatable({}, { __concat = function(a, b) return a .. b end })
    return t .. "x"
  end,
}

-- __tostring that asks for its own text.
-- says: overflow
alert "Hostile" {
  when = function(ctx)
    local t = setmetatable({}, { __tostring = function(self) return ("%s"):format(self) end })
    return tostring(t)
  end,
}

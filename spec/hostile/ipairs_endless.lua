-- A list that is never at its end.
-- says: stopped: used up its 2000000 instructions
alert "Hostile" {
  when = function()
    local t = setmetatable({}, { __index = function(_, i) return i end })
    local i = 1
    while t[i] do i = i + 1 end
  end,
}

-- A replacement table whose metatable never answers.
-- says: stopped: used up its 2000000 instructions
alert "Hostile" {
  when = function()
    local t = setmetatable({}, { __index = function() while true do end end })
    while true do pcall(string.gsub, "x", "x", t) end
  end,
}

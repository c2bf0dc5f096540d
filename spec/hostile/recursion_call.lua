-- A table that is called, by a table that is called.
-- says: 
alert "Hostile" {
  when = function()
    local t = setmetatable({}, {})
    for _ = 1, 10000 do t = setmetatable({}, { __call = t }) end
    return t()
  end,
}

-- Tables behind tables, and the last asks the first.
-- says: 
alert "Hostile" {
  when = function(ctx)
    local first = {}
    local t = first
    for _ = 1, 200 do t = setmetatable({}, { __index = t }) end
    setmetatable(first, { __index = t })
    return t.x
  end,
}

-- Two tables that pass an assignment to each other for ever.
-- says: loop in settable
alert "Hostile" {
  when = function()
    local a, b = {}, {}
    setmetatable(a, { __newindex = b })
    setmetatable(b, { __newindex = a })
    a.x = 1
  end,
}

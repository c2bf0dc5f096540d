-- An answer of more values than anybody reads.
-- says: 
alert "Hostile" {
  when = function()
    local t = {}
    for i = 1, 250000 do t[i] = i end
    return t
  end,
}

-- Each level catches what stopped the level above.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local function tower()
      pcall(tower)
      pcall(tower)
      while true do end
    end
    while true do pcall(tower) end
  end,
}

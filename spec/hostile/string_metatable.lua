-- Changes what every text finds.
-- says: index
alert "Hostile" {
  when = function(ctx)
    getmetatable("").__index = function() return "poison" end
  end,
}

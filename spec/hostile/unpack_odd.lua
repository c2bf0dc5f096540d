-- Bounds that are no numbers.
-- says: 
alert "Hostile" {
  when = function(ctx)
    return error("got " .. select("#", unpack({}, 0 / 0, 1e9)))
  end,
}

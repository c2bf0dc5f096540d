-- Changes the methods of ctx.
-- says: index
alert "Hostile" {
  when = function(ctx)
    getmetatable(ctx).__index.fire = error
  end,
}

-- A pattern that nests deeper than the stack of C.
-- says: too complex
alert "Hostile" {
  when = function(ctx)
    return (("a"):rep(1e5)):match(("a?"):rep(1e5))
  end,
}

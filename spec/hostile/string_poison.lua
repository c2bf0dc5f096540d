-- Changes the string library: its own copy only.
-- says: only my own
alert "Hostile" {
  when = function(ctx)
    string.format = function() return "poison" end
    string.rep = nil
    if ("%d"):format(7) == "7" and ("x"):rep(2) == "xx" then error("only my own") end
  end,
}

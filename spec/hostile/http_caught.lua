-- Requests without end, whatever is said to that.
-- says: stopped: used up its 2000000 instructions
alert "Hostile" {
  when = function(ctx)
    while true do pcall(ctx.http.get, "http://127.0.0.1:1/") end
  end,
}

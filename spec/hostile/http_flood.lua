-- Requests without end.
-- says: this waits for the network, which a rule's when cannot
alert "Hostile" {
  when = function(ctx)
    while true do ctx.http.get("http://127.0.0.1:1/") end
  end,
}

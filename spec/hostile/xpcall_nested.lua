-- Handlers that fail, with handlers that fail.
-- says: stack overflow
alert "Hostile" {
  when = function(ctx)
    local function f()
      xpcall(error, function() return f() end)
      while true do end
    end
    while true do xpcall(f, f) end
  end,
}

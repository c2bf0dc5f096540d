-- Each coroutine nests replacements as deep as its own stack allows, then starts the next.
-- says: 
alert "Hostile" {
  when = function(ctx)
    local n
    local function f()
      n = n + 1
      if n % 1000 == 0 then return coroutine.wrap(f)() end
      return (("x"):gsub("x", f))
    end
    while true do
      n = 0
      pcall(f)
    end
  end,
}

-- Catches that memory ended, and asks again.
-- says: stopped
alert "Hostile" {
  when = function(ctx)
    local keep = {}
    while true do
      pcall(function()
        while true do keep[#keep + 1] = { keep } end
      end)
    end
  end,
}

-- Repeating what was repeated, whatever is said to that.
-- says: stopped: used up its
alert "Hostile" {
  when = function()
    local kept = {}
    while true do
      local ok, s = pcall(function() return ("x"):rep(1000):rep(1000) end)
      kept[#kept + 1] = ok and s or {}
    end
  end,
}

-- A replacement that is many times what it replaces.
-- says: 
alert "Hostile" {
  when = function()
    local s = ("x"):rep(1000)
    while true do s = s:gsub("x", ("%0"):rep(100)) end
  end,
}

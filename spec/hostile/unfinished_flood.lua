-- Half a declaration, for ever.
-- says: 
local name = ("x"):rep(1e6)
while true do alert(name) end

-- A finalizer that never ends.
-- says: newproxy
local p = newproxy(true)
getmetatable(p).__gc = function() while true do end end

-- A declaration that holds itself.
-- says: too deep
local t = {}
t.t = t
alert "Hostile" (t)

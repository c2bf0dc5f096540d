-- Tables that hold the one below twice: a tree of 2^30.
-- says: 
local t = {}
for _ = 1, 30 do t = { t, t } end
alert "Hostile" { t = t }

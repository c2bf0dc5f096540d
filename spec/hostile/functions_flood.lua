-- Functions in declarations, for ever.
-- says: 
while true do alert "Hostile" { when = function() end } end

-- Declarations until memory ends: they are kept outside the file.
-- says: 
while true do alert "Hostile" { text = ("x"):rep(1e6) } end

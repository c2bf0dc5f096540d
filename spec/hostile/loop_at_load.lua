-- A loop that never ends, while the file is read.
-- says: instructions
while true do end

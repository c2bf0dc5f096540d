-- The same while the file is read.
-- says: no text
error(setmetatable({}, { __tostring = function() while true do end end }))

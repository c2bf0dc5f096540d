-- Asks for io as a module.
-- says: io
local lib = require "io"
alert "Hostile" { when = function() return lib end }

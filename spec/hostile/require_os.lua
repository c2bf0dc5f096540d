-- Asks for os as a module.
-- says: os
local lib = require "os"
alert "Hostile" { when = function() return lib end }

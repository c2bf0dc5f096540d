-- Asks for debug as a module.
-- says: debug
local lib = require "debug"
alert "Hostile" { when = function() return lib end }

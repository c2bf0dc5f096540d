-- Asks for ffi as a module.
-- says: ffi
local lib = require "ffi"
alert "Hostile" { when = function() return lib end }

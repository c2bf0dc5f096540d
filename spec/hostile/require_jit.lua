-- Asks for jit as a module.
-- says: jit
local lib = require "jit"
alert "Hostile" { when = function() return lib end }

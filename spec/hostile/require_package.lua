-- Asks for package as a module.
-- says: package
local lib = require "package"
alert "Hostile" { when = function() return lib end }

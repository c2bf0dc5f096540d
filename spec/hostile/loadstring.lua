-- Runs bytecode.
-- says: loadstring
loadstring(string.dump(function() end))()

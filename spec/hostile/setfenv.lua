-- Other globals for a library function.
-- says: setfenv
setfenv(pcall, {})

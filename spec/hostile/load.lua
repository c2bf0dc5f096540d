-- Runs text that nobody checked.
-- says: load
load(function() return "x = 1" end)

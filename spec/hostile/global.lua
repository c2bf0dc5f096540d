-- Leaves a value for other files.
-- says: global
shared = {}

-- A buffer outside of the budget.
-- says: string.buffer
local buffer = require "string.buffer"
return buffer

--- rounds.lua - how many rounds of a random test: N, times ROUNDS of the environment.
--
-- ROUNDS=20 looks longer where nobody looked before; the runs under ASan, which are there for C, do fewer.
local factor = tonumber(os.getenv "ROUNDS") or 1

return function(n) return math.max(1, math.floor(n * factor)) end

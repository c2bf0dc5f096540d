--- check_sense.lua - fields of a check that are right by themselves and together would do nothing, or not what they say.
local M = {}

local TAKEN = { "check", "kind" } -- labels of each check

local function of_labels(fields, problem)
  for _, name in ipairs(TAKEN) do
    if (fields.labels or {})[name] ~= nil then problem(("labels: %s is a label of each check already"):format(name), { "labels", name }) end
  end
end

-- What only makes sense for something that is probed.
local function of_heartbeat(fields, problem)
  if not fields.heartbeat then return end
  for _, name in ipairs { "retry_every", "breaker", "degraded" } do
    if fields[name] then problem(("a heartbeat is not probed: %s goes with the other kinds"):format(name), { name }) end
  end
end

-- A probe never takes longer than its timeout.
local function of_times(fields, problem, says)
  local timeout, slow, breaker = fields.timeout, (fields.degraded or {}).slower_than, fields.breaker
  if not timeout or fields.heartbeat then return end
  if slow and slow >= timeout then
    problem(("degraded.slower_than: no probe is slower than %s, as it has failed after its timeout of %s"):format(says(slow), says(timeout)), { "degraded", "slower_than" })
  end
  if breaker and breaker.slow_rate and breaker.slow_after and breaker.slow_after > timeout then
    problem(("breaker.slow_after: no probe takes %s, as it has failed after its timeout of %s"):format(says(breaker.slow_after), says(timeout)), { "breaker", "slow_rate" })
  end
end

local function of_pace(fields, problem)
  local every, retry, jitter = fields.every, fields.retry_every, fields.jitter or 0
  if every and jitter >= every then problem("jitter must be shorter than every", { "jitter" }) end
  if retry and every and retry > every then problem("retry_every must not be longer than every", { "retry_every" }) end
  if retry and jitter >= retry then problem("jitter must be shorter than retry_every", { "jitter" }) end
end

--- What is wrong with FIELDS of a check, whichever kind it is.  SAYS(seconds) is a duration as people write it.
function M.check(fields, problem, says)
  of_labels(fields, problem)
  of_heartbeat(fields, problem)
  of_times(fields, problem, says)
  of_pace(fields, problem)
end

return M

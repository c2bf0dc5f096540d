--- flying.lua - what was on its way when the node that sends died is told again by the one that takes over.
--
-- Messages that wait need no sharing: groups and ledger say what is owed.  But nobody knows of one that left whether it arrived, and
-- the ledger knows nothing of it: without it an alert that ends in that moment might stay open at the other side for ever.
local kinds = require "moonwatch.engine.router.kinds"
local state = require "moonwatch.engine.router.state"

local M = {}

--- JOB leaves; called before.
function M.left(router, job)
  if not router.o.share then return end
  local value = kinds.job.get(router, job.key)
  if not value then return end
  value.doubt = true
  router.flown[job.key] = true
  router.share("flying", job.key, value)
end

--- JOB was answered, or is over.
function M.landed(router, job)
  if not router.flown[job.key] then return end
  router.flown[job.key] = nil
  router.share("flying", job.key, nil)
end

local function is_told(router, job)
  local entry = router.ledger:get(job.group_key, job.target)
  return entry ~= nil and entry.time >= job.created
end

--- This node is the one that sends now, and knows its receivers.
function M.take_over(router, now)
  local jobs = {}
  for key, job in pairs(router.flying) do
    if router.outbox:get(key) or is_told(router, job) then
      router.share("flying", key, nil)
    else
      jobs[key] = job
    end
  end
  router.flying, router.saved_jobs = {}, jobs
  state.requeue(router, now)
  for key in pairs(jobs) do
    local job = router.outbox:get(key)
    if job then router.history:open(job, now) else router.share("flying", key, nil) end
  end
end

return M

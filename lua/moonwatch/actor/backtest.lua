--- backtest.lua - the actor that runs rules over stored data, beside everything else: one at a time, in slices, and never for nobody.
local api = require "moonwatch.api.backtest"

local Actor = {}
Actor.__index = Actor

local SLICE = 0.05     -- seconds of work before the mailbox is looked at
local LONGEST = 600    -- seconds that one may take
local FORGOTTEN = 30   -- seconds after which whoever does not ask how far it is has left

function Actor:drop()
  local run = self.job and self.job.run
  self.job = nil
  if run then run:close() end
end

--- Requests are all that anybody says to it.
function Actor:handle(msg, now) return api.handle(self, msg, now) end

local function work(job, now)
  if now - job.begun > LONGEST then
    job.failed = ("it took longer than %d seconds: ask for less time, or for fewer rules"):format(LONGEST)
    return
  end
  local ok, why = pcall(job.run.slice, job.run, SLICE)
  if not ok then job.failed = tostring(why) end
end

function Actor:tick(now)
  local job = self.job
  if not job then return nil end
  if now - job.asked > FORGOTTEN then
    self:drop()
    return nil
  end
  if not job.run or job.run.done or job.failed then return job.asked + FORGOTTEN + 1 end
  work(job, now)
  return now
end

function Actor:stop() self:drop() end

return function(init)
  local host = init and init.host or require "moonwatch.host"
  return setmetatable({ host = host }, Actor)
end

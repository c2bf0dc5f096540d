--- rules_load.lua - loads of the rules actor, one after the other, in pieces between evaluations.
--
-- A load reads its files a few at a time, so that rules stay on time meanwhile; the swap at its end is one step.  Who asks while
-- a load is under way gets the next one, which all that wait share.  A plan is a load that stops before the swap.
local change = require "moonwatch.engine.rules.plan"
local load = require "moonwatch.config.load"

local M = {}
M.__index = M

local PIECE = 0.03 -- seconds of loading before rules have their turn
local PLANS = 16   -- that may wait

--- options: { host=, engine=, options=function() -> of load.begin, swap=function(set, problems, plan, moves, reason) -> answer,
-- refuse=function(problems, reason) -> answer, begins=function(), seen=function(watch), kept=function() -> texts }.
function M.new(options)
  return setmetatable({ host = options.host, engine = options.engine, owner = options, waiting = {} }, M)
end

-- -- one load --------------------------------------------------------------

local function begin(self, job)
  local options = self.owner.options()
  options.before, options.kept = self.engine.set, self.owner.kept()
  for name, value in pairs(job.options or {}) do options[name] = value end
  if not job.dry then self.owner.begins() end
  job.run, job.begun = load.begin(options), true
end

-- What is wrong with a set that loads, as problems of files.
local function as_problems(list)
  local out = {}
  for i, p in ipairs(list) do
    local rule = p.rule
    local what = ("%s %q: "):format(rule.word, rule.name)
    out[i] = { file = rule.file, line = rule.line, col = 1, word = rule.word, name = rule.name, message = what .. p.message,
               text = ("%s:%d:1: %s%s"):format(rule.file, rule.line, what, p.message) }
  end
  return out
end

-- The files are read: bring together what they say.
local function link(self, job, now)
  local watch
  job.set, job.problems, watch = load.finish(job.run)
  job.run = nil
  if not job.dry then self.owner.seen(watch, now) end
end

-- The last step, in which nothing is evaluated.
local function finish(self, job, now)
  local set, problems = job.set, job.problems
  if not set then return job.dry and job.dry(nil, problems) or self.owner.refuse(problems, job.reason, job) end
  local plan, moves = change.of(self.engine, set, now)
  if #plan.problems > 0 or job.dry then load.discard(set) end
  if #plan.problems > 0 then
    problems = as_problems(plan.problems)
    return job.dry and job.dry(nil, problems) or self.owner.refuse(problems, job.reason, job)
  end
  if job.dry then return job.dry(plan, problems, set) end
  return self.owner.swap(set, problems, plan, moves, job)
end

local function answer(job, result)
  for _, done in ipairs(job.done) do done(result) end
end

-- A fault of this program must leave nobody waiting, and no rule: it is told like a problem of the files.
local function broken(self, job, why)
  if job.run then load.drop(job.run) end
  local text = "a fault of moonwatch while it loaded: " .. tostring(why)
  local problems = { { file = "moonwatch", line = 1, col = 1, message = text, text = text } }
  if job.dry then return job.dry(nil, problems) end
  return self.owner.refuse(problems, job.reason, job)
end

-- -- the queue -------------------------------------------------------------

--- Load what is on disk; DONE(answer) when it is over.  WHO asked: of audit.lua.
function M:reload(reason, done, who)
  local job
  for _, waiting in ipairs(self.waiting) do
    if not waiting.dry then job = waiting end
  end
  if not job then
    job = { reason = reason, done = {}, who = who }
    table.insert(self.waiting, job)
  end
  job.done[#job.done + 1] = done
end

--- Load with OPTIONS beside what runs and give DRY's answer(plan or nil, problems, set) to DONE; false when too many wait.
function M:plan(options, dry, done)
  if #self.waiting >= PLANS then return false end
  table.insert(self.waiting, { options = options, dry = dry, done = { done } })
  return true
end

--- Everything that waits, and then this: at once, with OPTIONS on top.  Gives the answer.
function M:now(reason, options, now, who)
  while self:busy() do self:tick(now, math.huge) end
  local job = { reason = reason, options = options, done = {}, who = who }
  begin(self, job)
  while load.step(job.run) do end
  link(self, job, now)
  return finish(self, job, now)
end

function M:busy() return self.job ~= nil or #self.waiting > 0 end

-- Is JOB over?  And the answer to it.
local function piece(self, job, now, seconds)
  if job.begun and not job.run then return true, finish(self, job, now) end
  if not job.begun then begin(self, job) end
  local clock = self.host.monotonic
  local untill = clock and clock() + seconds
  repeat
    if not load.step(job.run) then
      link(self, job, now)
      return false
    end
  until clock and clock() >= untill
  return false
end

--- A piece of what there is to do, PIECE seconds unless told otherwise.
function M:tick(now, seconds)
  self.job = self.job or table.remove(self.waiting, 1)
  local job = self.job
  if not job then return end
  local ok, over, result = pcall(piece, self, job, now, seconds or PIECE)
  if not ok then over, result = true, broken(self, job, over) end
  if not over then return end
  self.job = nil
  answer(job, result)
end

return M

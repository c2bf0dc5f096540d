--- turn.lua - the turn of one rule: an evaluation that may wait for something slow while others have theirs.
--
-- A turn is a coroutine.  A host function whose query takes long yields a wait out of it (docs/host.md), and so does `await`
-- for whatever calls back; the turn goes on with the answer, in the same thread.  Once it is abandoned nothing of it runs.
local M = {}
M.__index = M

local FINISHED = {}

-- AFTER: the turn that must have ended before, or nil.
local function work(runner, t, after)
  while true do
    if after then
      coroutine.yield { when = function(f) table.insert(after.followers, f) end, take = function() end }
    end
    runner:evaluate(t)
    runner, t, after = coroutine.yield(FINISHED)
  end
end

-- -- waits -----------------------------------------------------------------

-- What a host function yields is its userdata; what `await` yields is a table of the same three.
local function on_answer(host, wait, ready)
  if type(wait) == "table" then wait.when(ready) else host.when(wait, ready) end
end

local function take(host, wait)
  if type(wait) == "table" then return wait.take() end
  return host.take(wait)
end

--- START(done) begins something; gives what it calls `done` with, at once or, inside a turn of ENGINE, later.
function M.await(engine, start)
  local answer, ready
  start(function(result)
    answer = result
    if ready then ready() end
  end)
  if answer == nil and engine.turn then
    return coroutine.yield { when = function(f) ready = f end, take = function() return answer end }
  end
  return answer
end

-- -- the turn --------------------------------------------------------------

local function ended(self)
  self.engine.turns[self] = nil
  self.runner.turn = nil
  for _, follow in ipairs(self.followers) do follow() end
end

local function go(self, ...)
  local engine, runner = self.engine, self.runner
  local host, outer = engine.host, engine.turn
  engine.turn = self
  host.metered(runner.meter, true)
  local ok, wait = coroutine.resume(self.co, ...)
  host.metered(nil)
  engine.turn = outer
  if not ok then
    engine:failed(runner, { error = tostring(wait) }, self.t)
  elseif wait ~= FINISHED then
    self.wait = wait
    on_answer(host, wait, function()
      if self.wait == wait then table.insert(engine.ready, self) end
    end)
    return false
  else
    table.insert(engine.idle, self.co)
  end
  if self.waits then
    self.done()
    ended(self)
  end
  return true
end

--- Evaluate RUNNER of ENGINE at T, once the turn AFTER has ended (nil: at once).  Gives nil when that is done, or the turn that
-- waits; DONE is called when that ends.
function M.begin(engine, runner, t, done, after)
  local self = setmetatable({ engine = engine, runner = runner, t = t, done = done, followers = {} }, M)
  self.co = table.remove(engine.idle) or coroutine.create(work)
  if go(self, runner, t, after) then return nil end
  engine.turns[self], runner.turn, self.waits = true, self, true
  return self
end

--- Go on with the answer that is there.
function M:resume()
  local wait = self.wait
  if not wait then return end
  self.wait = nil
  if self.runner.owned and not self.engine:owns(self.runner.id) then return self:abandon() end
  go(self, take(self.engine.host, wait))
end

--- Nobody wants to know any more.
function M:abandon()
  if type(self.wait) == "userdata" then self.engine.host.abandon(self.wait) end
  self.wait = nil
  ended(self)
end

return M

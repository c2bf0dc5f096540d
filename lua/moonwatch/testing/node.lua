--- node.lua - one node of a world: the engine and the router of a server, what it would have on disk, what it shares.
--
-- Every node is one of a cluster, with itself as the only member until world:fail_over: what it shares is kept in
-- world.shared, as Redis would.  What is on disk follows the server's rhythm: the rules' state is saved now and then
-- (actor/rules.lua; because nothing changes between two steps of a world, a save that fell between them is made up for at the
-- next), the router's journal has all that happened (actor/router.lua).
local pipelines = require "moonwatch.config.pipelines"
local corrections = require "moonwatch.slo.corrections"
local Router = require "moonwatch.engine.router"
local rules = require "moonwatch.engine.rules"
local router_http = require "moonwatch.engine.router.http"
local to = require "moonwatch.to"

local M = {}
M.__index = M

local RULES_EVERY, RULES_ANYWAY = 5, 30 -- seconds

-- A message on its way; what it asks of the net while it is being sent belongs to it.
local function send(self, target, note, done)
  local world = self.world
  local message = { at = world.now, receiver = note.receiver, kind = target.kind, note = to.plain(note), requests = {} }
  table.insert(world.messages, message)
  local outer = world.sending
  world.sending = message
  to.send(world.host, function() return world.now end, target, note, function(outcome, at)
    message.outcome = outcome
    done(outcome, at)
  end)
  world.sending = outer
end

--- A node that holds nothing yet; `load` and then `lead` make it the one that works.
function M.new(world)
  local self = setmetatable({ world = world, born = world.now, receiver_state = {}, disk = {} }, M)
  self.router = Router.new {
    host = world.host, http = router_http, holds = false,
    send = function(target, note, _, done) send(self, target, note, done) end,
    share = function(kind, id, value) world:share(kind, id, value) end,
  }
  self.engine = rules.new {
    host = world.host, spread = false, cluster = true,
    emit = function(alerts)
      self.router:handle({ type = "alerts", alerts = alerts }, world.now)
      self.told = true
    end,
  }
  self.engine.save_now = function(now)
    self:save_rules(now)
    return true
  end
  local changed = self.engine.changed
  self.engine.changed = function(engine, runner, now)
    changed(engine, runner, now)
    world.story:look(runner, now)
  end
  return self
end

--- Run SET: a loaded set of rules.  MOVES: see engine/rules/plan.lua.
function M:load(set, now, moves)
  self.world.host.pipelines(pipelines.rows(self.world.host, set))
  self.engine:load(set, now, moves)
  self.world.story:only(self.engine.by_id, now)
  for _, runner in ipairs(self.engine.runners) do self.world.story:look(runner, now) end
  assert(self.router:configure(set.routing, now))
  self.told = true
end

--- All leases are this node's from now on.
function M:lead(fence, now)
  for slot = 0, rules.SLOTS - 1 do self.engine:handle({ type = "lease", slot = "rules/" .. slot, held = true, fence = fence }, now) end
  self.router:handle({ type = "lease", slot = "router", held = true, fence = fence }, now)
  self.told = true
end

--- Hear of what another node shared.
function M:hear(kind, id, value, now)
  local msg = { type = "shared", kind = kind, id = id, value = value }
  self.engine:handle(msg, now)
  self.router:handle(msg, now)
end

--- Run a function receiver; see actor/rules.lua.
function M:call(msg, now, done)
  local fn = msg.fn or {}
  local key = tostring(fn.guest) .. "/" .. tostring(fn["@fn"])
  self.receiver_state[key] = self.receiver_state[key] or {}
  self.engine:call_guest(fn, msg.args or {}, { kind = "receiver", now = now, state = self.receiver_state[key] }, function(result)
    if result.ok then self.receiver_state[key] = result.state end
    done { ok = result.ok, error = result.error, values = result.ok and result.values or nil }
  end)
end

-- -- time ------------------------------------------------------------------

--- Do what is due at NOW; gives the next time to be called.
function M:step(now)
  self:catch_up(now)
  if not self.engine_due or self.engine_due <= now then self.engine_due = self.engine:tick(now) or math.huge end
  if self.told or not self.router_due or self.router_due <= now then
    self.told = false
    self.router_due = self.router:tick(now) or math.huge
  end
  self.stepped = now
  return math.min(self.engine_due, self.router_due)
end

--- Something was done to it from outside: look at everything at the next step.
function M:wake() self.engine_due, self.told = nil, true end

-- -- disk ------------------------------------------------------------------

function M:save_rules(at, fresh)
  self.rules_saved, self.whole_at = self.engine.generation, fresh and at or self.whole_at
  self.disk.rules = self.engine:snapshot(at, fresh)
end

--- Saves that fell between the last step and NOW.
function M:catch_up(now)
  local tick = self.born + math.ceil((now - self.born) / RULES_EVERY - 1e-9) * RULES_EVERY - RULES_EVERY -- the last before NOW
  if tick >= (self.stepped or self.born) and self.rules_saved ~= self.engine.generation then self:save_rules(tick) end
end

-- Beside what changes, the file of the rules is written now and then: how old it is says how long the node was away.
local function alive_at(self, now)
  local since = self.whole_at or self.born
  return since + math.floor((now - since) / RULES_ANYWAY) * RULES_ANYWAY
end

--- What it would find on disk after it was killed at NOW; after a STOP everything was saved.
function M:leave(now, stop)
  self:catch_up(now)
  if stop then
    self.engine:farewell(now)
    self:save_rules(now, true)
    self.router.book.closing = true
  elseif self.rules_saved == self.engine.generation and alive_at(self, now) > (self.whole_at or self.born) then
    self:save_rules(alive_at(self, now), true)
  end
  self.disk.router = self.world.host.json.encode(self.router:snapshot())
  self.disk.corrections = self.world.host.json.encode(self.world.host.json.array(self.engine.corrections.list))
  return self.disk
end

--- Come up from what is on disk, running SET.
function M:come_up(disk, set, now)
  local decode = self.world.host.json.decode
  if disk.router then assert(self.router:restore(assert(decode(disk.router)))) end
  if disk.corrections then self.engine.corrections = corrections.new(decode(disk.corrections)) end
  self:load(set, now)
  if disk.rules then self.engine:restore(assert(decode(disk.rules)), now) end
  self.disk = { rules = disk.rules, router = disk.router }
  for _, runner in ipairs(self.engine.runners) do self.world.story:look(runner, now) end
end

return M

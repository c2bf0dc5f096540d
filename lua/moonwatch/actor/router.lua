--- router.lua - the router actor: the engine with a disk, a clock, receivers and peers.
--
-- The state goes to data_dir/router-state.json: before a new message leaves (so that a crash neither
-- loses it nor forgets that it was owed), before a request that changed something is answered, when a receiver answered, at most a second after anything
-- changed, 15 seconds after an alert merely went on, and on stop.  A state so large that writing it takes long is written less
-- often, and new messages wait for it together: a storm is not written down once for each of them.
local Calendars = require "moonwatch.engine.router_calendars"
local Router = require "moonwatch.engine.router"
local http = require "moonwatch.engine.router_http"
local to = require "moonwatch.to"

local SAVE_AFTER, SAVE_MOVED = 1, 15
-- Seconds: after a save that took longer than LONG there is none for so many times as long, less for messages that want to leave.
local LONG, RESTS, SHORT_RESTS = 0.02, 9, 1

local Actor = {}
Actor.__index = Actor

local function load_state(self)
  local host = self.host
  local text = host.read_file(self.path)
  if not text then return end
  local saved, err = host.json.decode(text)
  local ok
  if saved then ok, err = self.router:restore(saved) end
  if not ok then
    host.write_file(self.path .. ".bad", text, true)
    host.log("error", "the saved alert state cannot be read, so it starts empty; the file was kept with .bad added",
      { file = self.path, error = tostring(err) })
  end
end

function Actor:save(now)
  local router, clock = self.router, self.host.monotonic
  local begun = clock()
  router.changed, router.moved, self.saved_at = false, false, now
  local ok, err = self.host.write_file(self.path, self.host.json.encode(self.router:snapshot()), true)
  if not ok and not self.complained then
    self.complained = true
    self.host.log("error", "the alert state could not be written: after a crash messages may be sent again", { file = self.path, error = err })
  elseif ok then
    self.complained = false
  end
  local ended = clock()
  self.saved_last, self.took = ended, ended - begun
end

-- How long no save is to be, in seconds, when it rests for TIMES as long as the last one took.
function Actor:rest(times)
  if not self.took or self.took <= LONG then return 0 end
  return math.max(0, self.saved_last + self.took * times - self.host.monotonic())
end

-- What a receiver answered is written at once, so that a crash does not tell it again; in a storm as often as takes a tenth of the time.
function Actor:save_answer(now)
  if self.router.changed and (not self.took or self.host.monotonic() >= self.saved_last + self.took * RESTS) then self:save(now) end
end

-- Save when it is time to; when not, say when.
function Actor:save_if_due(now)
  local router = self.router
  if not router.changed and not router.moved then return nil end
  local at = math.max((self.saved_at or 0) + (router.changed and SAVE_AFTER or SAVE_MOVED), now + self:rest(RESTS))
  if now < at then return at end
  self:save(now)
end

function Actor:share(kind, id, value)
  local arg = { kind = kind, id = id, value = value }
  if kind == "ledger" or kind == "escalation" or kind == "drill" then arg.slot, arg.fence = "router", self.router.fence end
  self.host.call("cluster.put", arg)
end

function Actor:handle(msg, now)
  local answer = self.router:handle(msg, now)
  -- What came in may be due at once; tick is called again anyway, this only saves the wait.
  if msg.type ~= "http" or msg.method ~= "GET" then self:tick(now) end
  -- Whoever was told yes may go: what he brought is on disk, as long as the state is quickly written.
  if msg.type == "http" and msg.method ~= "GET" and self.router.changed and self:rest(RESTS) == 0 then self:save(now) end
  return answer
end

function Actor:tick(now)
  local asks = self.calendars:tick(now)
  local at = self.router:tick(now)
  if asks then at = at and math.min(at, asks) or asks end
  local save = self:save_if_due(now)
  if at and save then return math.min(at, save) end
  return at or save
end

function Actor:stop(now)
  self:save(now)
end

return function(init)
  local host = init and init.host or require "moonwatch.host"
  local self = setmetatable({ host = host, path = host.data_dir .. "/router-state.json" }, Actor)
  -- With Redis another node may be the one that sends: a lease message says when we are.
  local clustered = init ~= nil and type(init.redis) == "string" and init.redis ~= ""
  self.router = Router.new {
    host = host, http = http, holds = not clustered,
    send = function(target, note, _, done)
      to.send(host, host.now, target, note, function(outcome, at)
        done(outcome, at)
        self:save_answer(at)
      end)
    end,
    share = function(kind, id, value) self:share(kind, id, value) end,
    persist = function(now)
      local rest = self:rest(SHORT_RESTS)
      if rest > 0 then return now + rest end
      self:save(now)
    end,
  }
  self.calendars = Calendars.new(self.router, host)
  self.router.calendars = self.calendars
  load_state(self)
  return self
end

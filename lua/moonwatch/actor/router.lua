--- router.lua - the router actor: the engine with a disk, a clock, receivers and peers.
--
-- What changes goes to the journal in data_dir/router (engine/router/book.lua): before a new message leaves, so that a crash
-- neither loses it nor forgets that it was owed; before a request is answered; and at the end of every turn.
local Book = require "moonwatch.engine.router.book"
local Calendars = require "moonwatch.engine.router.calendars"
local Router = require "moonwatch.engine.router"
local http = require "moonwatch.engine.router.http"
local to = require "moonwatch.to"

local SOON = 0.01 -- seconds to the next step of writing the journal again: others have their turn in between

-- What only the node that sends may write.
local FENCED = { ledger = true, escalation = true, drill = true, flying = true }

local Actor = {}
Actor.__index = Actor

-- The journal and what it says; nothing when it cannot be opened: it is better to run without than not to run.
local function open(host, dir)
  local journal, err = host.journal(dir)
  local saved, bad
  if journal then saved, bad = Book.read(host, journal) end
  if not saved then
    host.log("error", "the journal of alerts cannot be opened: nothing will be known after a restart", { folder = dir, error = err or bad })
    return nil
  end
  if bad > 0 then host.log("error", "parts of the journal of alerts cannot be read: what they said is forgotten", { folder = dir, parts = bad }) end
  return journal, saved
end

-- What another version wrote may not be what this one expects: it is kept aside, and another journal begun.
local function begin_anew(host, dir, journal, err)
  local aside = ("%s.bad-%d"):format(dir, host.now())
  journal:close()
  local moved, why = host.rename(dir, aside)
  host.log("error", "the journal of alerts cannot be understood, so it starts empty",
    { folder = dir, error = tostring(err), kept = moved and aside or nil, problem = why })
  return (open(host, dir))
end

function Actor:share(kind, id, value)
  local arg = { kind = kind, id = id, value = value }
  if FENCED[kind] then arg.slot, arg.fence = "router", self.router.fence end
  self.host.call("cluster.put", arg)
end

function Actor:handle(msg, now)
  local answer = self.router:handle(msg, now)
  -- What came in may be due at once; tick is called again anyway, this only saves the wait.
  if msg.type ~= "http" or msg.method ~= "GET" then self:tick(now) end
  return answer
end

function Actor:tick(now)
  local asks = self.calendars:tick(now)
  local at = self.router:tick(now)
  if asks then at = at and math.min(at, asks) or asks end
  self.router.book:flush(now)
  if self.router.book:tidy() then at = math.min(at or math.huge, now + SOON) end
  return at
end

function Actor:stop(now)
  self.router.book:close(now)
end

-- The engine of SELF, which knows nothing yet.
local function make(self, host, clustered, journal)
  return Router.new {
    host = host, http = http, holds = not clustered, journal = journal, gathers = true,
    send = function(target, note, _, done)
      to.send(host, host.now, target, note, function(outcome, at)
        done(outcome, at)
        self.router.book:flush(at)
      end)
    end,
    share = clustered and function(kind, id, value) self:share(kind, id, value) end or nil,
  }
end

return function(init)
  local host = init and init.host or require "moonwatch.host"
  local self = setmetatable({ host = host }, Actor)
  -- With Redis another node may be the one that sends: a lease message says when we are.
  local clustered = init ~= nil and type(init.redis) == "string" and init.redis ~= ""
  local dir = host.data_dir .. "/router"
  local journal, saved = open(host, dir)
  self.router = make(self, host, clustered, journal)
  local ok, err = pcall(function() return not saved or self.router:restore(saved) end)
  if not ok then self.router = make(self, host, clustered, begin_anew(host, dir, journal, err)) end
  self.calendars = Calendars.new(self.router, host)
  self.router.calendars = self.calendars
  return self
end

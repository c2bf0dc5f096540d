--- run.lua - rules over stored data: the engine and the router of the server, moved from one moment to the next.
--
--   local run, why = M.new{ host=, load=, from=, to=, data= }
--   repeat until run:slice(0.05)
--   local report = run:report()
--
-- State begins empty at FROM, as on a new server.  Checks and jobs (`every`) do not run: what checks measured is in the data.
local Router = require "moonwatch.engine.router"
local files = require "moonwatch.backtest.files"
local load = require "moonwatch.config.load"
local past_of = require "moonwatch.backtest.host"
local problems_of = require "moonwatch.config.problems"
local report = require "moonwatch.backtest.report"
local rules = require "moonwatch.engine.rules"
local timeline = require "moonwatch.backtest.timeline"
local to = require "moonwatch.to"

local M = {}
M.__index = M

local AT_ONCE = 1000 -- times that something may be due again at the same moment

-- -- making ----------------------------------------------------------------

local function with(options, host)
  local out = {}
  for name, value in pairs(options) do out[name] = value end
  out.host = host
  return out
end

-- A look at what the files say; nil and a list of problems when they must not run.
local function glance(o)
  local host = o.host
  if o.book then host = files.player(setmetatable({}, { __index = host }), o.book) end
  local set, problems = load.load(with(o.load, host))
  if not set or #problems > 0 then
    if set then load.discard(set) end
    return nil, problems_of.texts(problems)
  end
  load.discard(set)
  return set
end

-- What runs of SET: not what reaches out.
local function without_outside(set)
  local out = {}
  for name, value in pairs(set) do out[name] = value end
  out.checks, out.everys, out.scrapes = {}, {}, {}
  return out
end

-- A check is down when it measured so.
local function stand_in(self, rule)
  local host, query = self.host, nil
  local function is_down()
    query = query or host.prepare(("check_up{check=%q}"):format(rule.name))
    local rows = query and host.query(query, self.now) or {}
    return rows[1] ~= nil and rows[1].value == 0
  end
  return { rule = rule, is_down = is_down, fires_for = is_down, alerts = {} }
end

local function build(self, set, o)
  self.router = Router.new {
    host = self.host, http = function() return { status = 404 } end,
    send = function(target, note, _, done)
      local entry = self.timeline:message(target, note, self.now)
      self.waiting = self.waiting + 1
      to.send(self.host, function() return self.now end, target, note, function(outcome, at)
        self.waiting = self.waiting - 1
        if entry and not outcome.ok then entry.error = outcome.error end
        done(outcome, at)
      end)
    end,
  }
  self.engine = rules.new {
    host = self.host, spread = o.spread,
    emit = function(alerts) self.router:handle({ type = "alerts", alerts = alerts }, self.now) self.router_due = self.now end,
  }
  self.host.ask = function(_, msg, done)
    local ctx = { kind = "receiver", now = self.now, state = {} }
    self.engine:call_guest(msg.fn or {}, msg.args or {}, ctx, function(result) done { ok = result.ok, error = result.error } end)
  end
  self.timeline:watch(self.engine)
  for _, silence in ipairs(o.silences or {}) do self.router.silences:merge(silence) end
  self.engine:load(without_outside(set), self.from)
  for _, rule in ipairs(set.checks) do self.engine.by_id["check/" .. rule.name] = stand_in(self, rule) end
  local routing = setmetatable({ drills = {} }, { __index = set.routing }) -- nobody is drilled by the past
  return self.router:configure(routing, self.from)
end

--- o: { host= (of this program), load= (options of config/load.lua), book= (see files.lua, or nil), from=, to=, data=, silences=,
-- spread= (false: all rules at round times), stepwise=, most= (entries of the timeline) }.  nil and a list of texts when it cannot be.
function M.new(o)
  local set, problems = glance(o)
  if not set then return nil, problems end
  local host, why = past_of.new(o.host, set, o)
  if not host then return nil, { why } end
  if o.book then files.player(host, o.book) end
  local self = setmetatable({ host = host, from = o.from, to = o.to, now = o.from, timeline = timeline.new(o.most), waiting = 0, at_once = 0,
                              router_due = o.from, rules_due = o.from }, M)
  set, problems = load.load(with(o.load, host))
  if not set then
    host.close()
    return nil, problems_of.texts(problems)
  end
  self.set = set
  local ok
  ok, why = build(self, set, o)
  if not ok then
    self:close()
    return nil, { why }
  end
  return self
end

-- -- running ---------------------------------------------------------------

local function router_turn(self)
  self.router_due = self.router:tick(self.now) or math.huge
  self.timeline:look_at_groups(self.router, self.now)
end

-- What is due now; gives when the next is.
local function step(self)
  if self.rules_due <= self.now then self.rules_due = self.engine:tick(self.now) or math.huge end
  if self.router_due <= self.now then router_turn(self) end
  return math.min(self.rules_due, self.router_due)
end

local function advance(self)
  local due = step(self)
  self.at_once = due <= self.now and self.at_once + 1 or 0
  if self.at_once > AT_ONCE * (1 + #self.engine.runners) then error "something is always due: time does not pass" end
  if due > self.to then return true end
  if due > self.now then
    self.now = due
    self.host.set_clock(due)
  end
  return false
end

--- Go on for SECONDS of real time; true at the end.  It stops early while a message waits for a function of a rule file: what
-- that waits for comes through the mailbox of this thread.
function M:slice(seconds)
  local clock = self.host.monotonic
  local untill = clock() + seconds
  repeat
    for _ = 1, 64 do
      if self.waiting > 0 and self.now > (self.waited or 0) then
        self.waited = self.now
        return false
      end
      if advance(self) then
        self.now, self.done = self.to, true
        return true
      end
    end
  until clock() >= untill
  return false
end

--- It is over, or nobody wants it any more: files and stores are closed.
function M:close()
  load.discard(self.set)
  self.host.close()
end

--- How much of the time is done, 0 to 1.
function M:progress() return self.done and 1 or (self.now - self.from) / math.max(self.to - self.from, 1e-9) end

--- What came of it, see report.lua.
function M:report(only) return report.of(self, only) end

return M

--- init.lua - a world for specs: real stores, the real engine and router, a clock of your own.
--
--   local world = require("moonwatch.testing").world "rules/web.lua"
--   world:series('up{job="web"}', "1x10 0x20", { every = "15s" })
--   world:advance "6m"
--   assert.same({ "Down" }, world:firing())
--
-- Nothing leaves the world: HTTP requests are kept and answered by world:answer (default 200).
local notation = require "moonwatch.testing.notation"

local M = {}
local World = {}
World.__index = World

local START = 1700000000

-- -- what the world answers instead of the net -----------------------------------------------

local function outside(self)
  local ops = {}
  function ops.http(arg, done)
    local answer = self.answers(arg, #self.requests + 1)
    local body = arg.body and self.host.json.decode(arg.body) or nil
    table.insert(self.requests, { url = arg.url, method = arg.method, headers = arg.headers, body = arg.body, json = body, at = self.now, answer = answer })
    if done then done(answer) end
  end
  function ops.scrape(arg, done)
    self.jobs = arg.jobs
    if done then done {} end
  end
  for _, op in ipairs { "tcp", "redis", "postgres" } do
    ops[op] = function(arg, done) done(self.probes[op] and self.probes[op](arg) or { error = "no " .. op .. " in this world" }) end
  end
  return ops
end

local function wire(self)
  local ops, call = outside(self), self.host.call
  self.host.call = function(op, arg, done)
    if ops[op] then return ops[op](arg, done) end
    return call(op, arg, done)
  end
  self.host.ask = function(_, msg, done)
    local fn = msg.fn or {}
    self.engine:call_guest(fn, msg.args or {}, { kind = "receiver", now = self.now, state = {} }, function(result)
      done { ok = result.ok, error = result.error }
    end)
  end
  self.host.send = function() return true end
end

local function build(self)
  local Router = require "moonwatch.engine.router"
  local rules = require "moonwatch.engine.rules"
  local to = require "moonwatch.to"
  self.router = Router.new {
    host = self.host, http = require "moonwatch.engine.router_http",
    send = function(target, note, _, done)
      table.insert(self.messages, { at = self.now, receiver = note.receiver, kind = target.kind, note = note })
      to.send(self.host, function() return self.now end, target, note, done)
    end,
  }
  self.engine = rules.new {
    host = self.host, spread = false,
    emit = function(alerts) self.router:handle({ type = "alerts", alerts = alerts }, self.now) end,
  }
end

-- -- loading ---------------------------------------------------------------------------------

local function load_options(self, what)
  local options = { host = self.host }
  if what:find "\n" or what:find "[{(]" then
    options.config, options.source = "inline.lua", what
  elseif (self.host.stat(what) or {}).dir then
    options.rules = { what }
  else
    options.config = what
  end
  return options
end

--- Load WHAT (a file, a folder of rules, or the text of one) in the place of what runs; state is kept as in a reload.
function World:reload(what)
  local load = require "moonwatch.config.load"
  local set, problems = load.load(load_options(self, what))
  if not set or #problems > 0 then
    local texts = {}
    for i, p in ipairs(problems) do texts[i] = p.text end
    error("these rules do not load:\n" .. table.concat(texts, "\n"), 2)
  end
  self.engine:load(set, self.now)
  assert(self.router:configure(set.routing, self.now))
  return self
end

--- A world in which the rules of WHAT run; see World:reload.
function M.world(what)
  local host = require("moonwatch.host").world()
  local self = setmetatable({ host = host, now = START, start = START, requests = {}, messages = {}, held = {}, probes = {} }, World)
  self.answers = function() return { status = 200, headers = {}, body = "", seconds = 0.001 } end
  host.set_clock(START)
  wire(self)
  build(self)
  return self:reload(what)
end

-- -- signals ---------------------------------------------------------------------------------

local function labels_of(self, selector)
  local out = {}
  for _, m in ipairs(assert(self.host.selector(selector))) do
    if m.op ~= "=" then error("a series has labels with =, not " .. m.op, 3) end
    out[m.name] = m.value
  end
  return out
end

--- Samples from now on, one each EVERY (default 15s), in promtool's notation.
function World:series(selector, text, options)
  local every = assert(self.host.duration(options and options.every or "15s"), "every is a duration")
  local labels, rows = labels_of(self, selector), {}
  for i, value in ipairs(notation.read(text)) do
    if value ~= false then rows[#rows + 1] = { labels = labels, t = self.now + (i - 1) * every, value = value } end
  end
  self.host.append(rows)
  return self
end

--- From now on the series has this value, sampled each time anything runs; nil ends it.
function World:set(selector, value)
  local labels = labels_of(self, selector)
  if value == nil then
    self.held[selector] = nil
    -- It may have a sample of this moment already.
    self.host.append { { labels = labels, t = self.now + 0.001, value = "stale" } }
  else
    self.held[selector] = { labels = labels, value = value }
    self.host.append { { labels = labels, t = self.now, value = value } }
  end
  return self
end

function World:logs(records)
  for _, r in ipairs(records) do r.time = r.time or self.now end
  self.host.logs_append(records)
  return self
end

function World:span(span)
  span.start = span.start or self.now
  self.host.traces_append { span }
  return self
end

--- answer(request, n) -> {status=, headers=, body=} for every HTTP request from now on.
function World:answer(answer)
  self.answers = function(request, n)
    local a = answer(request, n)
    return { status = a.status or 200, headers = a.headers or {}, body = a.body or "", seconds = 0.001, error = a.error }
  end
  return self
end

--- probe(spec) -> {seconds=} or {error=} for checks of KIND "tcp", "redis" or "postgres".
function World:probe(kind, probe)
  self.probes[kind] = probe
  return self
end

-- -- time ------------------------------------------------------------------------------------

local function sample_held(self)
  local rows = {}
  for _, series in pairs(self.held) do rows[#rows + 1] = { labels = series.labels, t = self.now, value = series.value } end
  if #rows > 0 then self.host.append(rows) end
end

local function step(self)
  sample_held(self)
  local a = self.engine:tick(self.now)
  local b = self.router:tick(self.now)
  return math.min(a or math.huge, b or math.huge)
end

--- Let time pass; everything that is due on the way happens at its moment.
function World:advance(duration)
  local seconds = self.host.duration(duration)
  if not seconds then error(("%q is no duration"):format(tostring(duration)), 2) end
  local stop = self.now + seconds
  local due = step(self)
  while due <= stop do
    self.now = math.max(due, self.now)
    self.host.set_clock(self.now)
    local again = step(self)
    -- Work that is due at once is given another look, a thousand of them at one moment are a bug.
    self.spins = again <= self.now and (self.spins or 0) + 1 or 0
    if self.spins > 1000 then error("something is always due: time does not pass", 2) end
    due = again
  end
  self.now = stop
  self.host.set_clock(stop)
  step(self)
  return self
end

-- -- what came of it -------------------------------------------------------------------------

--- Alerts in STATE as { labels=, value=, annotations=, ... }.
function World:alerts(state)
  local out = {}
  for _, runner in ipairs(self.engine.runners) do
    if runner.rule.word == "alert" and not runner.silent then
      for _, alert in pairs(runner.alerts) do
        if alert.state == state then out[#out + 1] = alert end
      end
    end
  end
  return out
end

local function names(alerts)
  local seen, out = {}, {}
  for _, alert in ipairs(alerts) do
    local name = alert.labels.alertname
    if not seen[name] then
      seen[name] = true
      out[#out + 1] = name
    end
  end
  table.sort(out)
  return out
end

--- Names of what is firing, or pending, in order.
function World:firing() return names(self:alerts "firing") end
function World:pending() return names(self:alerts "pending") end

--- Messages of the router so far: { at=, receiver=, kind=, note= }.
function World:sent() return self.messages end

--- The value of EXPR now, or nil.
function World:value(expr)
  local rows = assert(self.host.query(expr, self.now))
  return rows[1] and rows[1].value
end

--- Forget and start again from what would be on disk, as a restart does.
function World:restart(what)
  local engine, router = self.host.json.decode(self.engine:snapshot(self.now)), self.router:snapshot()
  build(self)
  assert(self.router:restore(router))
  self:reload(what)
  self.engine:restore(engine, self.now)
  return self
end

return M

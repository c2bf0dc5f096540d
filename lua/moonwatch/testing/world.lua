--- world.lua - a world for specs: real stores, the real engine and router, a clock of its own.  See init.lua and docs/testing.md.
local keys_of = require "moonwatch.keys"
local Node = require "moonwatch.testing.node"
local load = require "moonwatch.config.load"
local metric = require "moonwatch.testing.metric"
local notation = require "moonwatch.testing.notation"
local plans = require "moonwatch.engine.rules.plan"
local outside = require "moonwatch.testing.outside"
local story = require "moonwatch.testing.story"

local World = {}
World.__index = World

local START = 1700000000 -- 2023-11-14T22:13:20Z
local LEASE = 3 -- seconds after which another node takes over

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

-- Whose fault it is stands in the texts.
local function refuse(texts) error("these rules do not load:\n" .. table.concat(texts, "\n"), 0) end

-- WHAT as a loaded set, beside what runs (BEFORE) when it is a reload; an error of whoever called when it does not load.
local function load_set(self, what, before)
  local options = load_options(self, what)
  options.before = before
  local set, problems = load.load(options)
  if not set or #problems > 0 then
    local texts = {}
    for i, p in ipairs(problems) do texts[i] = p.text end
    refuse(texts)
  end
  return set
end

-- SET is what runs from now on.
local function use(self, what, set)
  self.what, self.loaded = what, set
  local promql = set.settings.promql or {}
  self.host.promql { closed = promql.ranges == "closed", lookback = promql.lookback, default_step = promql.default_step }
end

local function load_whole(self, what)
  local set = load_set(self, what)
  use(self, what, set)
  return set
end

local function adopt(self, node)
  self.node, self.engine, self.router = node, node.engine, node.router
end

--- Load WHAT (a file, a folder of rules, or the text of one; what was loaded before when nil) in the place of what runs, as a
-- server does: all or nothing, state is kept or migrated.  An error says why not, and what ran goes on.  What the reload did is
-- in world.change: { added=, changed=, removed=, ... }.
function World:reload(what)
  what = what or self.what
  local set = load_set(self, what, self.loaded)
  local plan, moves = plans.of(self.engine, set, self.now)
  if #plan.problems > 0 then
    load.discard(set)
    local texts = {}
    for i, p in ipairs(plan.problems) do texts[i] = ("%s:%d: %s %q: %s"):format(p.rule.file, p.rule.line, p.rule.word, p.rule.name, p.message) end
    error(table.concat(texts, "\n"), 2)
  end
  use(self, what, set)
  self.node:load(set, self.now, moves)
  self.change = plans.answer(plan, self.host)
  self.node:wake()
  return self
end

local function moment(host, at)
  if type(at) == "number" then return at end
  return host.parse_time(at) or error(("%q is no time; write 2026-03-01T00:00:00Z"):format(tostring(at)), 3)
end

--- A world in which the rules of WHAT run.  options: { at= (when it begins), secrets={}, env={} }.
function World.new(what, options)
  options = options or {}
  local host = require("moonwatch.host").world()
  local start = options.at and moment(require "moonwatch.host", options.at) or START
  local self = setmetatable({
    host = host, now = start, start = start, requests = {}, messages = {}, held = {}, probes = {}, served = {}, later = {}, lines = {},
    queued = {}, shared = {}, fence = 1, secrets = options.secrets or {}, env = options.env or {}, story = story.new(),
  }, World)
  host.set_clock(start)
  outside.wire(self)
  adopt(self, Node.new(self))
  self.node:load(load_whole(self, what), self.now)
  self.node:lead(self.fence, self.now)
  return self
end

-- -- signals ---------------------------------------------------------------------------------

local function labels_of(self, selector)
  local labels, why = metric.parse(selector, self.host)
  if not labels then error(("%s is no series: %s"):format(selector, why), 3) end
  return labels
end

--- Samples from now on, one each EVERY (default 15s), in promtool's notation.
function World:series(selector, text, options)
  local every = self.host.duration(options and options.every or "15s")
  if not every or every <= 0 then error(("%q is no time between samples"):format(tostring(options.every)), 2) end
  local values, why = notation.parse(text, self.host)
  if not values then error(why, 2) end
  local series = { labels = labels_of(self, selector), values = values, t = self.now, every = every, done = 0 }
  table.insert(self.queued, series)
  self:feed(self.now)
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

--- A log record { message=, stream={}, level=, fields={}, trace=, span=, time= } or a list of them; `time` is now when it is left out.
function World:logs(records)
  for _, r in ipairs(records[1] and records or { records }) do r.time = r.time or self.now end
  self.host.logs_append(records)
  return self
end

--- The log records that are stored, newest first: { time=, level=, message=, stream=, fields= }.  query: { selector=, contains=,
-- level=, limit= }; all when it is left out.
function World:records(query)
  query = query or {}
  return self.host.logs_search { selector = query.selector, contains = query.contains, level = query.level, limit = query.limit or 1000 }
end

--- A span { service=, name=, duration=, error=, tags={}, trace=, span=, parent=, start= }; `start` is now when it is left out.
function World:span(span)
  span.start = span.start or self.now
  self.host.traces_append { span }
  return self
end

--- What HTTP requests are answered: { status=, headers=, body=, error=, seconds=, after= (comes that much later) } or
-- function(request, n) that gives one; with a URL in front only those that begin with it.  Unanswered ones get a 200.
function World:answer(url, answer)
  if type(url) == "string" then table.insert(self.served, { prefix = url, answer = answer, n = 0 })
  elseif type(url) == "table" then self.answers = function() return url end
  else self.answers = url end
  return self
end

--- probe(arg) -> { seconds= } or { error= } for what checks ask of KIND: "tcp", "redis", "postgres", "dns", ...
function World:probe(kind, probe)
  self.probes[kind] = probe
  return self
end

-- -- time ------------------------------------------------------------------------------------

-- Samples up to T; LOST: nobody was there to take them.
function World:feed(t, lost)
  local kept = {}
  for _, s in ipairs(self.queued) do
    local to = math.min(math.floor((t - s.t) / s.every + 1e-9) + 1, #s.values)
    if to > s.done then
      if not lost then self.host.series_append(s.labels, s.t, s.every, s.values, s.done + 1, to) end
      s.done = to
    end
    if s.done < #s.values then kept[#kept + 1] = s end
  end
  self.queued = kept
end

local function sample_held(self)
  local rows = {}
  for _, series in pairs(self.held) do rows[#rows + 1] = { labels = series.labels, t = self.now, value = series.value } end
  if #rows > 0 then self.host.append(rows) end
end

-- Answers that took their time.
local function arrive(self)
  local rest, due = {}, {}
  for _, item in ipairs(self.later) do table.insert(item.at <= self.now and due or rest, item) end
  self.later = rest
  table.sort(due, function(a, b) return a.at < b.at end)
  for _, item in ipairs(due) do item.fn() end
  if #due > 0 then self.node:wake() end
end

local function next_arrival(self)
  local at = math.huge
  for _, item in ipairs(self.later) do at = math.min(at, item.at) end
  return at
end

local function step(self)
  sample_held(self)
  if #self.later > 0 then arrive(self) end
  local due = self.node:step(self.now)
  if outside.serve(self) > 0 then
    self.node:wake()
    due = self.node:step(self.now)
  end
  return math.min(due, next_arrival(self))
end

local function seconds_of(self, duration, level)
  local seconds = self.host.duration(duration)
  if not seconds or seconds ~= seconds or seconds < 0 then error(("%q is no duration"):format(tostring(duration)), level + 1) end
  return seconds
end

--- Let time pass; everything that is due on the way happens at its moment.
function World:advance(duration)
  local stop = self.now + seconds_of(self, duration, 2)
  self:feed(stop)
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

--- Let time pass until AT, a time such as "2026-03-01T09:00:00Z".
function World:advance_to(at)
  local t = moment(self.host, at)
  if t < self.now then error(("%s is over: it is %s"):format(tostring(at), self.host.rfc3339(self.now)), 2) end
  return self:advance(t - self.now)
end

-- Time in which nobody looks.
local function lapse(self, seconds, lost)
  self.now = self.now + seconds
  self:feed(self.now, lost)
  self.host.set_clock(self.now)
end

-- -- restarts and other nodes ----------------------------------------------------------------

local function come_back(self, disk, what, options, level)
  local down = options and options.down and seconds_of(self, options.down, level + 1) or 0
  lapse(self, down, true)
  self.later = {}
  local set = load_whole(self, what or self.what)
  adopt(self, Node.new(self))
  self.node:come_up(disk, set, self.now)
  self.fence = self.fence + 1
  self.node:lead(self.fence, self.now)
  return self
end

--- Stop in good order and start again, with the rules of WHAT when given.  options: { down= (how long it was away; samples of
-- that time are lost) }.
function World:restart(what, options)
  if type(what) == "table" then what, options = nil, what end
  return come_back(self, self.node:leave(self.now, true), what, options, 2)
end

--- Die at once and start from what was on disk: what changed after the last save is forgotten.
function World:kill(what, options)
  if type(what) == "table" then what, options = nil, what end
  return come_back(self, self.node:leave(self.now, false), what, options, 2)
end

--- A value for every node; nil takes it away.  What they get is a copy, as over Redis.
function World:share(kind, id, value)
  self.shared[kind] = self.shared[kind] or {}
  self.shared[kind][id] = value ~= nil and self.host.json.encode(value) or nil
end

--- This node dies and another one, which knows the rules and what was shared but nothing else, takes the leases.
-- options: { after= (until it notices, default 3s) }.
function World:fail_over(options)
  lapse(self, seconds_of(self, options and options.after or LEASE, 2))
  self.later = {}
  local node = Node.new(self)
  local set = load_whole(self, self.what)
  adopt(self, node)
  node:load(set, self.now)
  for _, kind in ipairs(keys_of(self.shared)) do
    for _, id in ipairs(keys_of(self.shared[kind])) do node:hear(kind, id, self.host.json.decode(self.shared[kind][id]), self.now) end
  end
  self.fence = self.fence + 1
  node:lead(self.fence, self.now)
  for _, runner in ipairs(self.engine.runners) do self.story:look(runner, self.now) end
  return self
end

-- -- alerts of others ------------------------------------------------------------------------

local FOR_EVER = 366 * 86400

--- An alert with LABELS comes in by POST /api/v2/alerts, and fires until options.lasts is over or it is posted again with
-- options.over.  options: annotations, url, lasts, over.
function World:post(labels, options)
  local o, host = options or {}, self.host
  local ends = o.over and self.now or self.now + (o.lasts and seconds_of(self, o.lasts, 2) or FOR_EVER)
  local alert = { labels = labels, annotations = o.annotations, generatorURL = o.url, endsAt = host.rfc3339(ends),
    startsAt = not o.over and host.rfc3339(self.now) or nil }
  local answer = self.router:handle({ type = "http", method = "POST", path = "/api/v2/alerts", query = {}, headers = {},
    body = host.json.encode(host.json.array { alert }) }, self.now)
  if answer.status ~= 200 then error(("the alert was not taken: %s"):format(answer.body), 2) end
  self.node:wake()
  return self
end

-- -- what people do --------------------------------------------------------------------------

--- A silence on what agrees with SELECTOR ('alertname="Down", instance=~"a.*"'), for a duration from now; gives its id.
function World:silence(selector, duration)
  local list, why = self.host.selector(selector:find "^%s*{" and selector or "{" .. selector .. "}")
  if not list then error(("%s selects nothing: %s"):format(selector, why), 2) end
  local rows = {}
  for i, m in ipairs(list) do
    rows[i] = { name = m.name == "__name__" and "alertname" or m.name, value = m.value, isRegex = m.op:find("~", 1, true) ~= nil,
                isEqual = m.op:sub(1, 1) == "=" }
  end
  local id, _, problem = self.router:silence({ matchers = rows, starts_at = self.now, ends_at = self.now + seconds_of(self, duration, 2),
                                               created_by = "spec", comment = "in a test" }, self.now)
  if not id then error(problem, 2) end
  self.node:wake()
  return id
end

-- The canary or the experiment called NAME.
local function told(self, name, level)
  local runner = self.engine.by_id["canary/" .. name] or self.engine.by_id["experiment/" .. name]
  return runner or error(("there is neither a canary nor an experiment %q"):format(name), level + 1)
end

--- Start the canary or the experiment NAME; args: what the body of POST .../start may hold.  An error says why it does not.
function World:start(name, args)
  local ok, why = told(self, name, 2):order("start", args or {}, self.now)
  if not ok then error(why, 2) end
  self.node:wake()
  return self
end

--- Stop it; args: of POST .../stop.
function World:stop(name, args)
  local ok, why = told(self, name, 2):order("stop", args or {}, self.now)
  if not ok then error(why, 2) end
  self.node:wake()
  return self
end

--- How it stands: "running" and the like, the verdict or outcome of its last run, or "idle"; and that run.
function World:status(name)
  local runner = told(self, name, 2)
  local past = runner.state.results or runner.state.history
  return runner:status(), past[#past]
end

function World:unsilence(id)
  assert(self.router:unsilence(id, self.now))
  self.node:wake()
  return self
end

--- Somebody is on it: alert NAME with these LABELS (all of its alerts without), until it resolves or for options.for_.
function World:ack(name, labels, options)
  local covered = { alertname = name }
  for k, v in pairs(labels or {}) do covered[k] = v end
  self.router:ack({ labels = covered, author = "spec", comment = "in a test",
                    seconds = options and options.for_ and seconds_of(self, options.for_, 2) or nil }, self.now)
  self.node:wake()
  return self
end

return World

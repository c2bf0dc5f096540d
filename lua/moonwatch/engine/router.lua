--- router.lua - from alerts to messages: the engine that decides whom to tell what, and when.
--
-- It has no clock, no socket and no disk: `now` comes with every call, `send` and `share` are given,
-- `snapshot` is a plain value.  Alerts come in by `accept`; each route that takes one has a group for
-- it; `tick` flushes the groups whose time has come and pumps the outbox.
--
--   local router = Router.new{ host = host, send = function(target, note, now, done) ... end }
--   router:configure(config, now)       the routing half of a loaded set (see words/)
--   router:accept(reports, now)         alerts that fire or resolved
--   local at = router:tick(now)         call again at that time, or after anything happened
--
-- Not here: how a message looks on the wire (to/), what a flush does (router/flush.lua), what is kept
-- over a restart (router/state.lua), HTTP (api/).
local Ack = require "moonwatch.route.ack"
local Alerts = require "moonwatch.route.alerts"
local Audit = require "moonwatch.route.audit"
local Group = require "moonwatch.route.group"
local History = require "moonwatch.route.history"
local Links = require "moonwatch.engine.router.links"
local Places = require "moonwatch.engine.router.places"
local Silence = require "moonwatch.route.silence"
local Story = require "moonwatch.route.story"
local Tree = require "moonwatch.route.tree"
local Book = require "moonwatch.engine.router.book"
local audit = require "moonwatch.engine.router.audit"
local acks = require "moonwatch.engine.router.acks"
local agenda = require "moonwatch.engine.router.agenda"
local Drills = require "moonwatch.engine.router.drills"
local alive = require "moonwatch.engine.router.alive"
local config_reader = require "moonwatch.engine.router.config"
local escalate = require "moonwatch.route.escalate"
local flush = require "moonwatch.engine.router.flush"
local gather = require "moonwatch.engine.router.gather"
local flying = require "moonwatch.engine.router.flying"
local sooner = require "moonwatch.sooner"
local taken_back = require "moonwatch.engine.router.gone"
local intake = require "moonwatch.engine.router.intake"
local labels = require "moonwatch.route.labels"
local metrics = require "moonwatch.engine.router.metrics"
local mute = require "moonwatch.route.mute"
local notify = require "moonwatch.route.notify"
local policy = require "moonwatch.engine.router.policy"
local recipients = require "moonwatch.engine.router.recipients"
local outbox = require "moonwatch.engine.router.outbox"
local silences = require "moonwatch.engine.router.silences"
local state = require "moonwatch.engine.router.state"
local swaps = require "moonwatch.engine.router.swaps"

local M = {}
M.__index = M

local CLEANUP = 30
local RESOLVED_KEPT = 1800
local OF_TURN = 1000 -- alerts that are looked at before others have their turn

local function nothing() end

--- o = {host=, send=function(target, note, now, done(outcome, at)), share=function(kind, id, value),
-- journal= what host.journal gave (router/book.lua), nil to keep nothing; http=function(router, msg, now) → answer,
-- holds=false when another node may be the one that sends (a lease message will say), gathers=true: see router/gather.lua}.
function M.new(o)
  local self = setmetatable({ host = o.host, o = o, holds = o.holds ~= false }, M)
  self.tell_peers = o.share or nothing
  self.book = Book.new(self, o.journal)
  self.share = function(kind, id, value)
    self.book:mark(kind, id, value)
    self.tell_peers(kind, id, value)
  end
  for name, value in pairs(config_reader.read({}, o.host)) do self[name] = value end
  self.alerts, self.silences, self.acks = Alerts.new(o.host), Silence.new(o.host), Ack.new(o.host)
  self.ledger, self.history, self.audits, self.story = notify.ledger(), History.new(nil, function(id, part)
    if part then self.book:mark_part("history", id) else self.book:mark("history", id) end
  end), Audit.new(o.host), Story.new()
  self.groups, self.saved_groups, self.heard, self.swaps, self.gone, self.links = {}, {}, {}, {}, {}, Links.new(self)
  self.flown, self.flying = {}, {}
  self.outbox, self.drills = outbox.new(self), Drills.new(self)
  self:begin_groups()
  return self
end

-- -- configuration ---------------------------------------------------------------

--- Take a new configuration.  Everything known is routed anew; groups that stay keep their timers.
-- nil, message when something in it is wrong: the old configuration stays.
function M:configure(config, now)
  local read, err = config_reader.read(config, self.host)
  if not read then return nil, err end
  for name, value in pairs(read) do self[name] = value end
  self.configured = true
  self.silences:configure(self.windows, self.settings)
  self.history:configure(self.settings, now)
  self.outbox:configure(self.targets, now, self.saved_breakers)
  self.drills:configure(self.held_drills, now)
  state.requeue(self, now)
  self:regroup(now)
  if self.holds then flying.take_over(self, now) end
  swaps.apply(self, now)
  self.story:only(self.groups)
  self.story:mark({ kind = "config" }, now)
  return true
end

-- No group is there yet.
function M:begin_groups()
  self.groups, self.places = {}, Places.new(self.tree)
  self.agenda = agenda.new(function(group) return sooner(group.next, self:step_due(group)) end)
end

-- Build the groups of the new tree from all known alerts.
function M:regroup(now)
  local saved, member = self.saved_groups, {}
  for id, group in pairs(self.groups) do saved[id] = group:save() end
  for id, old in pairs(saved) do
    self.book:mark("group", id)
    member[id] = old.members and {}
    for _, fp in ipairs(old.members or {}) do member[id][fp] = true end
  end
  self.saved_groups = {}
  self:begin_groups()
  for _, alert in ipairs(self.alerts:list()) do
    if not alert.drill then self.inhibitor:put(alert) end
    for _, node in ipairs(self.places:of(alert)) do
      local text = labels.text(Tree.group_labels(node, alert.labels))
      local id = node.uid .. ":" .. text
      local was_in = saved[id] and (member[id] and member[id][alert.fp] or not member[id] and self:unfinished(node.key .. ":" .. text, alert.fp))
      if was_in or not Alerts.resolved(alert, now) then self:join(self:group_for(node, alert, now, saved), alert, now) end
    end
  end
end

--- Does a receiver that we still know believe that FP of the group KEY fires?
function M:believed(key, fp)
  for target, entry in pairs(self.ledger:believers(key)) do
    if self.targets[target] and notify.may_believe(entry, fp) then return true end
  end
  return false
end

-- Is somebody still to hear of FP in the group KEY?  After a restart its members are those, beside what is active.
function M:unfinished(key, fp) return self.ledger:believed(key, fp) or self.outbox:speaks_of(key, fp) end

function M:group_for(node, alert, now, saved)
  local group_labels = Tree.group_labels(node, alert.labels)
  local id = node.uid .. ":" .. labels.text(group_labels)
  local group = self.groups[id]
  if not group then
    group = Group.new(node, group_labels, now, saved and saved[id])
    local live = self.story:open(id)
    group.decisions, group.reasons = live.decisions, live.reasons
    self.groups[id] = group
    self.places:put(group)
    self.agenda:put(group)
    self.book:mark("group", id)
  end
  return group
end

-- The next look at GROUP came nearer.
local function nearer(self, group)
  self.agenda:put(group)
  self.book:mark("group", group.id)
end

--- ALERT is one of GROUP's, as it is known now.
function M:join(group, alert, now)
  if group:insert(alert, now) then nearer(self, group) end
end

--- GROUP is to be looked at by AT.
function M:wake(group, at)
  if at >= group.next then return end
  group.next = at
  nearer(self, group)
end

-- -- alerts ------------------------------------------------------------------------

M.accept = intake.accept

--- ALERT, as it is known now, to the groups that it belongs to.
function M:route(alert, now)
  if not alert.drill then self.inhibitor:put(alert) end
  local gone = Alerts.resolved(alert, now)
  for _, node in ipairs(self.places:of(alert)) do
    if not node.receiver and not node.escalate then self:warn_unrouted() end
    local known = self.places:find(node, alert.labels)
    -- Alertmanager takes an end in whether or not it knows the alert: one that was swallowed by a silence is told when it is heard of again.
    if not gone or known and known.members[alert.fp] or node.compat == "alertmanager" then
      self:join(known or self:group_for(node, alert, now), alert, now)
    end
  end
end

function M:warn_unrouted()
  if self.warned or not self.configured then return end
  self.warned = true
  self.host.log("warn", "an alert has no receiver: it is kept and shown, but nobody is told; add a route", {})
end

--- Status of an alert as the API shows it: {inhibited_by=, silenced_by={}}.
function M:status(alert, now)
  return mute.status(alert.labels, self.inhibitor, self.silences, now)
end

-- -- acks, shared with the other nodes ------------------------------------

M.ack, M.unack, M.hand_over = acks.ack, acks.unack, acks.hand_over

function M:believe(group_key, target, entry)
  self.ledger:put(group_key, target, entry)
  self.share("ledger", group_key .. "|" .. target, { group = group_key, target = target, entry = entry })
end

-- -- time -----------------------------------------------------------------------------------

--- When is somebody else to be told of GROUP?  nil while another node speaks or all of it is muted.
function M:step_due(group)
  return self.holds and recipients.due(self, group) or nil
end

-- Flush GROUP, of which something is due; answers how many alerts were looked at.
local function flush_one(self, group, now)
  local regular, looked = group.next <= now, 0
  if regular then group:begin(now) end
  local before = escalate.mark(group.escalation)
  if not group:empty() then looked = flush.flush(self, group, now, not regular) end
  if self.holds and escalate.mark(group.escalation) ~= before then
    self.share("escalation", group.id, group.escalation)
  end
  self.book:mark("group", group.id)
  return looked
end

-- Flush what is due, each group once; many alerts are looked at in several turns, so that others have theirs in between and the
-- first messages leave before the last are made.
function M:flush_due(now)
  local by = gather.by(self, now)
  local done, looked, group = {}, 0, self.agenda:take(by)
  while group do
    done[#done + 1], looked = group, looked + flush_one(self, group, now)
    group = looked < OF_TURN and self.agenda:take(by) or nil
  end
  for i = 1, #done do self.agenda:put(done[i]) end
end

-- Empty groups, alerts long resolved, silences and acks that are over.
function M:cleanup(now)
  swaps.cleanup(self, now)
  taken_back.cleanup(self, now)
  for id, group in pairs(self.groups) do
    if group:empty() then
      self.groups[id] = nil
      self.places:remove(group)
      self.agenda:remove(group)
      self.book:mark("group", id)
      self.story:close(id)
    end
  end
  local live, kept = {}, {}
  for _, group in pairs(self.groups) do
    live[group.key] = true
    for fp in pairs(group.members) do kept[fp] = true end
  end
  for fp, alert in pairs(self.alerts.by_fp) do
    if alert.ends_at and alert.ends_at + RESOLVED_KEPT <= now and not kept[fp] then
      self.story:forgotten(alert)
      self.alerts:remove(fp)
      self.places:forget(fp)
      self.inhibitor:remove(alert)
      self.share("alert", fp, nil)
    end
  end
  for _, id in ipairs(self.silences:gc(now)) do self.share("silence", id, nil) end
  if self.holds then
    for _, id in ipairs(self.acks:gc(self.alerts:firing(now), now)) do self.share("ack", id, nil) end
  end
  for _, gone in ipairs(self.ledger:gc(function(key) return live[key] end, now)) do
    self.share("ledger", gone[1] .. "|" .. gone[2], nil)
  end
end

--- Do what is due at NOW.  Answers when to call again; nil when nothing is planned.
function M:tick(now)
  local ack_ends = acks.expire(self, now)
  self.cleanup_at = self.cleanup_at or now + CLEANUP
  if now >= self.cleanup_at then
    self:cleanup(now)
    self.cleanup_at = now + CLEANUP
  end
  local silence_at = sooner(silences.tick(self, now), policy.tick(self, now))
  local drill_at = sooner(silence_at, self.drills:tick(now))
  self:flush_due(now)
  local at = self.holds and alive.tick(self, now) or nil
  at = sooner(at, sooner(ack_ends, sooner(drill_at, outbox.pump(self, now))))
  if not self.measured_at or now >= self.measured_at + 5 then
    metrics.measure(self, now)
    self.drills:measure()
    self.measured_at = now
  end
  local first = self.agenda:first()
  return sooner(sooner(at, first and gather.told_at(self, first, now)), self.cleanup_at)
end

-- -- messages -----------------------------------------------------------------------------------

local handlers = {}

function handlers.config(self, msg, now)
  local ok, err = self:configure(msg.config, now)
  if not ok then
    self.host.log("error", "the routing configuration was not taken: " .. err, {})
    return { ok = false, error = err }
  end
  return { ok = true }
end

function handlers.alerts(self, msg, now)
  self:accept(msg.alerts or {}, now)
  return { ok = true }
end

function handlers.audited(self, msg) audit.heard(self, msg.entry) end

function handlers.shared(self, msg, now)
  state.merge(self, msg.kind, msg.id, msg.value, now)
end

-- Whoever gets the lease looks at once at every group that was spoken of before: the ledger says what
-- the node before us has told, so only what it still owed goes out.
function handlers.lease(self, msg, now)
  if msg.slot ~= "router" then return end
  local gained = msg.held and not self.holds
  self.holds = msg.held and true or false
  if self.holds ~= self.held_before then self.story:mark({ kind = "lease", held = self.holds }, now) end
  self.fence, self.held_before = msg.fence, self.holds
  if not gained then return end
  if self.configured then flying.take_over(self, now) end
  for _, group in pairs(self.groups) do
    if group.flushed then self:wake(group, now) end
    self.agenda:put(group) -- there are steps now
  end
end

--- For whoever tries rules out over stored data.
function handlers.silences(self) return { silences = self.host.json.array(self.silences:list()) } end

-- The cluster keeps what was shared meanwhile; nothing of it is ours to repeat.
function handlers.cluster(self, msg)
  self.connected = msg.connected and true or false
  if self.connected then self.links:share() end
end

--- One message of docs/host.md; `http` is answered by the doors given in `o.http`.
function M:handle(msg, now)
  if msg.type == "http" then return self.o.http(self, msg, now) end
  local handler = handlers[msg.type]
  if not handler then return { error = ("the router does not know messages of type %q"):format(tostring(msg.type)) } end
  return handler(self, msg, now)
end

--- Note who did what: `router:audit("ack.made", "ana" or audit.who(msg, author), now, { alert = "Down" })`.
M.audit = audit.note
M.silence, M.unsilence = silences.set, silences.expire

M.test = outbox.test
M.snapshot = state.snapshot
M.restore = state.restore

return M

--- config.lua - the routing half of a loaded set, made ready for work.
local Drill = require "moonwatch.route.drill"
local Enrich = require "moonwatch.route.enrich"
local Inhibit = require "moonwatch.route.inhibit"
local Oncall = require "moonwatch.route.oncall"
local Tree = require "moonwatch.route.tree"
local Window = require "moonwatch.route.window"
local people = require "moonwatch.route.people"
local to = require "moonwatch.to"

local M = {}

-- Receivers come as a list with names or as a table by name; so does everything named.
local function by_name(t)
  local out = {}
  for key, value in pairs(t or {}) do out[type(key) == "string" and key or value.name] = value end
  return out
end

local function policy_of(escalation)
  return { steps = escalation.steps or escalation.items or escalation, loops = escalation.loops, pause = escalation.pause,
    ack_timeout = escalation.ack_timeout }
end

local DIGEST_OVER, DIGEST_AFTER, FALLBACK_AFTER = 1000, 300, 300

-- When messages for an integration of KIND are told as one; nil: never.  An incident elsewhere goes by its key, so each message counts.
local function digest_of(receiver, kind)
  local known = to.kinds[kind]
  if receiver.digest == false or known and known.digests == "never" then return nil end
  return { over = receiver.digest_over or DIGEST_OVER, after = receiver.digest_after or DIGEST_AFTER,
    alerts = known and known.digests == "alerts" }
end

-- The key of an integration is its number among those of its kind: whoever puts another kind before it changes nothing for it.
local function targets_of(receiver)
  local out, of_kind = {}, {}
  for i, fields in ipairs(receiver.targets or receiver.items or {}) do
    local kind = fields.kind or fields["@kind"]
    if fields["@fn"] then kind, fields = "function", { fn = fields } end
    local wants = fields.send_resolved
    if wants == nil then wants = receiver.send_resolved ~= false end
    of_kind[kind] = (of_kind[kind] or 0) + 1
    out[i] = { key = ("%s/%s/%d"):format(receiver.name, kind, of_kind[kind]), receiver = receiver.name, kind = kind, index = i,
      fields = fields, rate = receiver.rate, breaker = receiver.breaker, send_resolved = wants,
      digest = digest_of(receiver, kind), fallback = receiver.fallback, fallback_after = receiver.fallback_after or FALLBACK_AFTER,
      at_once = to.kinds[kind] and to.kinds[kind].at_once }
  end
  return out
end

-- LISTS of receivers; a person is one, too.
local function read_receivers(...)
  local receivers, targets = {}, {}
  for _, list in ipairs { ... } do
    for name, receiver in pairs(by_name(list)) do
      receiver.name = name
      receivers[name] = { name = name, list = targets_of(receiver), labels = receiver.labels or {} }
      for _, target in ipairs(receivers[name].list) do targets[target.key] = target end
    end
  end
  return receivers, targets
end

local function read_oncalls(specs, windows, host)
  local out = {}
  for name, spec in pairs(by_name(specs)) do
    spec.name = name
    local oncall, err = Oncall.new(spec, host, windows)
    if not oncall then return nil, ("oncall %q: %s"):format(name, err) end
    out[name] = oncall
  end
  return out
end

-- Everybody who can be told is known by name, persons also by what others call them.
local function read_people(config, receivers)
  local list = {}
  for _, person in pairs(by_name(config.persons)) do list[#list + 1] = person end
  for name in pairs(receivers) do list[#list + 1] = { name = name } end
  return people.new(list)
end

local function read_windows(specs, host)
  local out = {}
  for name, spec in pairs(by_name(specs)) do
    local window, err = Window.new(spec, host)
    if not window then return nil, ("window %q: %s"):format(name, err) end
    out[name] = window
  end
  return out
end

-- The root route may say for itself when alerts end that nobody posts again, and which Alertmanager it is like.
local function settings_of(config)
  local out = {}
  for name, value in pairs(config.settings or {}) do out[name] = value end
  for _, route in ipairs(config.routes or {}) do
    out.resolve_timeout, out.speaks = route.resolve_timeout or out.resolve_timeout, route.speaks or out.speaks
  end
  return out
end

-- Drills, each with a route of its own in TREE.
local function read_drills(list, tree, host)
  local out = {}
  for name, spec in pairs(by_name(list)) do
    spec.name = name
    local drill, err = Drill.new(spec, host)
    if not drill then return nil, err end
    for _, receiver in ipairs(drill.to) do
      local node
      node, err = tree:first(Drill.route(drill, receiver))
      if not node then return nil, err end
      node.drill = name
    end
    out[name] = drill
  end
  return out
end

--- CONFIG as words deliver it → {tree, inhibitor, enrich, windows, receivers, targets, escalations, oncalls, people, settings};
-- nil, message when something in it is wrong.
function M.read(config, host)
  local tree, err = Tree.new(config.routes, host)
  if not tree then return nil, err end
  local inhibitor
  inhibitor, err = Inhibit.new(config.inhibits, host, tree.root.compat == "alertmanager")
  if not inhibitor then return nil, err end
  local enrich
  enrich, err = Enrich.new(config.enriches, host)
  if not enrich then return nil, err end
  local windows
  windows, err = read_windows(config.windows, host)
  if not windows then return nil, err end
  local drills
  drills, err = read_drills(config.drills, tree, host)
  if not drills then return nil, err end
  local escalations = {}
  for name, policy in pairs(by_name(config.escalations)) do escalations[name] = policy_of(policy) end
  local receivers, targets = read_receivers(config.receivers or {}, config.persons or {})
  local oncalls
  oncalls, err = read_oncalls(config.oncalls, windows, host)
  if not oncalls then return nil, err end
  return { tree = tree, inhibitor = inhibitor, enrich = enrich, windows = windows, receivers = receivers, targets = targets,
    escalations = escalations, oncalls = oncalls, held_drills = drills, people = read_people(config, receivers), settings = settings_of(config),
    policies = by_name(config.policies) }
end

return M

--- drills.lua - fire drills: is every step from an alert to a receiver's answer in order?
--
-- A run is an alert for each receiver, taken in as any other, with a route in front of all others that leads it there; no silence,
-- window or inhibition holds it back.  It is over when each integration has taken its message, or when its time is up; then the
-- alerts resolve.  What is remembered of a drill is a plain value, kept over restarts and shared, so the node that takes over goes
-- on with it: memory[name] = {since, planned, last, success, seconds, failures, runs, ok, why, parts = {target key → {seconds | error}},
-- run = {started, by, waits = {target key → true}} while one goes on}.
local drill_of = require "moonwatch.route.drill"
local sooner = require "moonwatch.sooner"

local M = {}
M.__index = M

local HELP = {
  moonwatch_drill_last_success_timestamp_seconds = "When a fire drill last reached everybody.",
  moonwatch_drill_interval_seconds = "How often a fire drill is held.",
  moonwatch_drill_success = "Did the last fire drill reach everybody in time? 1 or 0.",
  moonwatch_drill_seconds = "From the alert of the last fire drill until a receiver took its message.",
}

function M.new(router)
  return setmetatable({ router = router, by_name = {}, memory = {}, asked = {}, waiting = {} }, M)
end

function M:begin(name, now)
  if self.memory[name] then return end
  self.memory[name] = { since = now, failures = 0, runs = 0 }
  self.router.book:mark("drill", name)
end

--- DRILLS: name → what drill_of.new made.
function M:configure(drills, now)
  self.by_name = drills
  for name in pairs(drills) do self:begin(name, now) end
  for name in pairs(self.memory) do
    if not drills[name] then
      self.memory[name] = nil
      self.router.book:mark("drill", name)
    end
  end
end

function M:keep(name)
  self.router.share("drill", name, self.memory[name])
end

-- The integrations that a drill is to reach.
local function targets(self, drill)
  local out = {}
  for _, receiver in ipairs(drill.to) do
    for _, target in ipairs(self.router.receivers[receiver] and self.router.receivers[receiver].list or {}) do out[#out + 1] = target end
  end
  return out
end

local function report(self, drill, started, more, now)
  local reports = {}
  for i, receiver in ipairs(drill.to) do reports[i] = drill_of.report(drill, receiver, started, self.router.host, more) end
  self.router:accept(reports, now)
end

--- Hold drill NAME now; DONE, if given, hears how it went: (memory of the drill).  nil, message when it cannot be.
function M:run(name, by, now, done)
  local drill, memory = self.by_name[name], self.memory[name]
  if not drill then return nil, ("there is no drill %q"):format(name) end
  if not self.router.holds then return nil, "another node sends the messages: ask that one" end
  if done then
    self.asked[name] = self.asked[name] or {}
    table.insert(self.asked[name], done)
  end
  if memory.run then return true end
  memory.run, memory.last, memory.parts, memory.runs = { started = now, by = by, waits = {} }, now, {}, memory.runs + 1
  for _, target in ipairs(targets(self, drill)) do memory.run.waits[target.key] = true end
  report(self, drill, now, { updated_at = now }, now)
  self:keep(name)
  return true
end

local function metric_result(self, name, ok)
  self.router.host.metric("add", "moonwatch_drills_total", { drill = name, result = ok and "ok" or "failed" }, 1, "Fire drills held, by how they went.")
  self.router.host.metric("add", "moonwatch_drill_failures_total", { drill = name }, ok and 0 or 1, "Fire drills that did not reach everybody in time.")
end

local function over(self, name, ok, why, now)
  local drill, memory = self.by_name[name], self.memory[name]
  local run = memory.run
  memory.run, memory.ok, memory.why = nil, ok, why
  if ok then
    memory.success, memory.seconds = now, now - run.started
  else
    memory.failures = memory.failures + 1
    self.router.host.log("error", "a fire drill failed", { drill = name, why = why })
  end
  metric_result(self, name, ok)
  report(self, drill, run.started, { resolved = true, ends_at = now, updated_at = now }, now)
  self:keep(name)
  local asked = self.asked[name] or {}
  self.asked[name] = nil
  for _, done in ipairs(asked) do done(memory) end
end

--- What became of JOB, a message of a drill.
function M:finished(job, result, why, now)
  local name = job.note.drill
  local memory = self.memory[name]
  local run = memory and memory.run
  if not run or not run.waits[job.target] or job.note.status ~= "firing" then return end
  if result == "sent" then
    run.waits[job.target], memory.parts[job.target] = nil, { seconds = now - run.started }
  elseif result == "failed" then
    memory.parts[job.target] = { error = why }
  end
  if not next(run.waits) then over(self, name, true, nil, now) else self:keep(name) end
end

--- Call BACK at time AT, whatever became of drill NAME: whoever asked for it will not wait longer.
function M:patience(name, at, back)
  self.waiting[#self.waiting + 1] = { name = name, at = at, back = back }
end

-- Those who wait no longer at NOW; answers when the next one does.
local function tired(self, now)
  local kept, at = {}, nil
  for _, one in ipairs(self.waiting) do
    if one.at <= now then one.back() else kept[#kept + 1], at = one, math.min(at or one.at, one.at) end
  end
  self.waiting = kept
  return at
end

-- Why TARGET was not reached, as far as its message tells.
local function obstacle(self, drill, memory, key)
  local target = self.router.targets[key]
  if not target then return "it is no longer configured" end
  for _, group in pairs(self.router.groups) do
    if group.node.drill == drill.name and group.labels.receiver == target.receiver then
      local job = self.router.outbox:get(group.key .. "|" .. key)
      local last = job and job.attempts[#job.attempts]
      if last then return last.error or "no answer" end
      if job then return job.flying and "no answer yet" or "the message still waits in the queue" end
    end
  end
  return memory.parts[key] and memory.parts[key].error or "no message came to be"
end

local function too_late(self, drill, memory, now)
  local why = {}
  for key in pairs(memory.run.waits) do
    local error = obstacle(self, drill, memory, key)
    memory.parts[key] = { error = error }
    why[#why + 1] = key .. ": " .. error
  end
  table.sort(why)
  local text = #why > 0 and table.concat(why, "; ") or "none of its receivers has an integration"
  over(self, drill.name, false, ("not there within %s: %s"):format(self.router.host.duration_text(drill.within), text), now)
end

--- Begin and end what is due.  Answers when to ask again, or nil.
function M:tick(now)
  local at = tired(self, now)
  if not self.router.holds then return at end
  for name, drill in pairs(self.by_name) do
    local memory = self.memory[name]
    if memory.run and memory.run.started + drill.within <= now then too_late(self, drill, memory, now) end
    local due = drill_of.due(drill, memory, now)
    if due <= now and not memory.run then
      memory.planned = due
      self:run(name, "schedule", now)
      due = drill_of.due(drill, memory, now)
    end
    local when = memory.run and memory.run.started + drill.within or due
    at = sooner(at, when)
  end
  return at
end

--- Its gauges.
function M:measure()
  local function set(name, labels, value) self.router.host.metric("set", name, labels, value, HELP[name]) end
  for name, drill in pairs(self.by_name) do
    local memory = self.memory[name]
    set("moonwatch_drill_interval_seconds", { drill = name }, drill.every)
    if memory.success then set("moonwatch_drill_last_success_timestamp_seconds", { drill = name }, memory.success) end
    if memory.ok ~= nil then set("moonwatch_drill_success", { drill = name }, memory.ok and 1 or 0) end
    for key, part in pairs(memory.parts or {}) do
      local target = self.router.targets[key]
      if target and part.seconds then
        set("moonwatch_drill_seconds", { drill = name, receiver = target.receiver, integration = target.kind }, part.seconds)
      end
    end
  end
end

--- What a peer knows of drill NAME: whoever held it last, or got further, knows more.
function M:merge(name, value)
  local old = self.memory[name]
  if not value or old and ((old.last or 0) > (value.last or 0) or old.last == value.last and not old.run and value.run) then return end
  self.memory[name] = value
end

return M

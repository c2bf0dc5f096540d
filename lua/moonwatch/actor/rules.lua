--- rules.lua - the rules actor: loads the files, runs the engine, keeps its state on disk, answers its paths.
--
-- init: { config= (root file), rules= (folders), data=, redis= }.
local answer = require "moonwatch.api.answer"
local at_start = require "moonwatch.config.at_start"
local bundle = require "moonwatch.cluster.bundle"
local kept = require "moonwatch.config.kept"
local load = require "moonwatch.config.load"
local marks = require "moonwatch.marks.book"
local loader = require "moonwatch.actor.rules_load"
local overlay = require "moonwatch.config.overlay"
local problems_of = require "moonwatch.config.problems"
local pipelines = require "moonwatch.config.pipelines"
local plans = require "moonwatch.engine.rules.plan"
local prints = require "moonwatch.config.prints"
local promoted = require "moonwatch.engine.rules.promoted"
local rules = require "moonwatch.engine.rules"
local scrape = require "moonwatch.config.scrape"
local slos = require "moonwatch.engine.rules.slos"
local story = require "moonwatch.api.story"
local watch = require "moonwatch.config.watch"

local M = {}
M.__index = M

local SAVE_EVERY = 5
local SAVE_ANYWAY = 30 -- values and texts move without a change that counts, and the file also says when this node was last alive

local APIS = { "rules", "health", "slos", "checks", "incidents", "status", "breakers", "expect", "reload", "plan", "shadow", "settings", "cluster", "marks", "canaries", "experiments", "golden" }

local function tables()
  local out = {}
  for i, name in ipairs(APIS) do out[i] = require("moonwatch.api." .. name) end
  return out
end

-- -- loading ---------------------------------------------------------------

local function tell_router(self, set) self.host.send("router", { type = "config", config = set.routing }) end

local function set_targets(self, set)
  self.host.call("scrape", { jobs = self.host.json.array(self.scrape:jobs(set)) }, function(done)
    if done.error then self.host.log("error", "targets not taken: " .. done.error) end
  end)
end

-- First of all: nothing is to be stored as the set before would have it.
local function set_pipelines(self, set)
  self.host.call("pipelines", { list = pipelines.rows(self.host, set) }, function(done)
    if done.error then self.host.log("error", "pipelines not taken, those before go on: " .. done.error) end
  end)
end

local function refuse(self, problems, reason, job)
  self.engine.problems = problems
  for _, p in ipairs(problems) do self.host.log("error", p.text) end
  self.host.metric("add", "moonwatch_reloads_total", { result = "refused" }, 1)
  self.host.metric("set", "moonwatch_config_last_reload_successful", {}, 0)
  self.prints:refused(problems, reason, job and job.who)
  local summary = ("%s: %d problems; the rules that ran go on"):format(reason, #problems)
  self.host.log("error", summary)
  return { ok = false, summary = summary, problems = self.host.json.array(problems_of.texts(problems)) }
end

-- What is told of the files that were left out: the log, a figure, an alert for each, and the answer.
local function tell_quarantine(self, set)
  local host, files, alerts = self.host, self.host.json.array {}, {}
  for path, q in pairs(set.quarantined) do files[#files + 1] = { file = path, running = q.running } end
  table.sort(files, function(a, b) return a.file < b.file end)
  for i, q in ipairs(files) do
    local what = ("%s is left out: %s"):format(q.file, q.running and "its version before goes on running" or "none of it runs")
    host.log("error", what)
    alerts[i] = { labels = { file = q.file }, annotations = { summary = what } }
  end
  self.engine.own:set("RuleFileQuarantined", alerts, self.now)
  host.metric("set", "moonwatch_rule_files_quarantined", {}, #files, "Files of rules that are left out because they have problems.")
  return files
end

-- The answer to PLAN, with the settings of SET that count from the next start: nobody is to think that they count now.
local function answer_of(self, plan, set)
  local result, waits = plans.answer(plan, self.host), at_start.changed(self.started_with or set.settings, set.settings)
  result.restart = self.host.json.array(waits)
  if #waits > 0 then result.summary = ("%s; settings that count from the next start: %s"):format(result.summary, table.concat(waits, ", ")) end
  return result
end

local function swap(self, set, problems, plan, moves, job)
  set_pipelines(self, set)
  self.host.call("processes", { names = self.host.json.array(set.settings.processes) })
  self.engine.problems = problems
  self.engine:load(set, self.now, moves)
  if job.options and job.options.bundle then self.pushed = job.options.bundle end
  tell_router(self, set)
  set_targets(self, set)
  self.kept:take(set)
  self.prints:loaded(set, job)
  self.host.metric("add", "moonwatch_reloads_total", { result = "ok" }, 1)
  self.host.metric("set", "moonwatch_config_last_reload_successful", {}, #problems == 0 and 1 or 0)
  self.host.metric("set", "moonwatch_config_last_reload_seconds", {}, self.now)
  for _, p in ipairs(problems) do self.host.log("error", p.text .. " (file left out)") end
  self.started_with = self.started_with or set.settings
  local result = answer_of(self, plan, set)
  self.host.log("info", "rules loaded: " .. result.summary, { reason = job.reason })
  result.ok, result.problems, result.quarantined = true, self.host.json.array(problems_of.texts(problems)), tell_quarantine(self, set)
  return result
end

local function start_loader(self)
  self.kept, self.prints = kept.new(self.host), prints.new(self.host)
  self.loader = loader.new {
    host = self.host, engine = self.engine,
    options = function() return { host = self.host, config = self.init.config, rules = self.init.rules, bundle = self.pushed } end,
    swap = function(...) return swap(self, ...) end,
    refuse = function(problems, reason, job) return refuse(self, problems, reason, job) end,
    begins = function() self.watch:mark() end,
    seen = function(seen, now) self.watch:set(seen, now) end,
    kept = function() return self.kept.texts end,
  }
end

-- -- plans -----------------------------------------------------------------

-- The answer of a plan for files that have other names where they come from.
local function plan_answer(self, over, plan, problems, set)
  local host, list = self.host, {}
  for i, p in ipairs(problems) do
    local file = over:there(p.file)
    list[i] = file .. p.text:sub(#p.file + 1)
  end
  if not plan then
    return { ok = false, summary = ("%d problem%s; a reload would change nothing"):format(#list, #list == 1 and "" or "s"), problems = host.json.array(list) }
  end
  local result = answer_of(self, plan, set)
  result.ok, result.problems, result.quarantined = true, host.json.array(list), host.json.array {}
  for path, q in pairs(set.quarantined) do table.insert(result.quarantined, { file = over:there(path), running = q.running }) end
  return result
end

-- The paths of all that runs, modules with it.
local function running(self)
  local out, set = {}, self.engine.set
  for path in pairs(set and set.units or {}) do out[path] = true end
  for path in pairs(set and set.modules or {}) do out[path] = true end
  return out
end

--- What a reload would do if FILES were there, see overlay.lua; DONE(answer) later.  false, why when it cannot be known.
local function plan(self, files, what, done)
  local over, why = overlay.new(self.host, files, what, {
    config = self.init.config, rules = self.init.rules, running = running(self),
    units = self.engine.set and self.engine.set.units, bundle = self.pushed })
  if not over then return false, why end
  local function dry(found, problems, set) return plan_answer(self, over, found, problems, set) end
  if self.loader:plan({ host = over.host, bundle = over.bundle }, dry, done) then return true end
  return false, "too many plans are waiting", true
end

-- -- state on disk ---------------------------------------------------------

local function path(self) return self.host.data_dir .. "/rules-state.json" end

local function save(self)
  self.next_save = self.now + SAVE_EVERY
  local whole = self.stopping or self.now - (self.whole_at or 0) >= SAVE_ANYWAY
  if self.saved == self.engine.generation and not whole then return true end
  local ok, why = self.host.write_file(path(self), self.engine:snapshot(self.now, whole))
  if ok == nil or ok == false then
    self.host.log("error", "rules state not written: " .. tostring(why))
    return nil, why
  end
  self.saved, self.whole_at = self.engine.generation, whole and self.now or self.whole_at
  return true
end

local function restore(self)
  local text = self.host.read_file(path(self))
  if not text then return end
  local snapshot, why = self.host.json.decode(text)
  if not snapshot or not self.engine:restore(snapshot, self.now) then
    self.host.log("error", "rules state is unreadable and was left aside: " .. tostring(why or "unknown form"))
  end
  self.saved = self.engine.generation
end

-- -- messages --------------------------------------------------------------

local on = {}

function on.http(self, msg)
  local handler, captures = answer.find(self.apis, msg.path)
  if not handler then
    return answer.problem(self.host, 404, "not_found", ("there is nothing at %s"):format(msg.path))
  end
  return handler(self.engine, msg, self.now, unpack(captures))
end

function on.reload(self, msg)
  self.loader:reload(msg.reason or "asked", function(result)
    if msg.reply then msg.reply(result) end
  end, { name = msg.who or "unknown", from = msg.from })
  return self.host.later
end

--- The scraper wants to know which targets and series it is to have.
function on.relabel(self, msg) return self.scrape:judge(msg) end

--- The router wants a function receiver run.
function on.call(self, msg)
  local fn, now = msg.fn or {}, self.now
  local key = tostring(fn.guest) .. "/" .. tostring(fn["@fn"])
  self.receiver_state[key] = self.receiver_state[key] or {}
  self.engine:call_guest(fn, msg.args or {}, { kind = "receiver", now = now, state = self.receiver_state[key] }, function(result)
    if result.ok then self.receiver_state[key] = result.state end
    if msg.reply then
      msg.reply { ok = result.ok, error = result.error, values = result.ok and result.values or nil }
    end
  end)
  return self.host.later
end

--- The router is asked why somebody was told, or not.
function on.story(self, msg) return story.answer(self.engine, msg, self.now) end

function on.cluster(self, msg)
  self.connected = msg.connected
  self.host.log(msg.connected and "info" or "warn", msg.connected and "the cluster is there" or "the cluster is away: going on alone")
end

-- What would be wrong if these files were the bundle; nothing changes.
local function check_bundle(self, files)
  local set, problems = load.load { host = self.host, config = self.init.config, rules = self.init.rules, bundle = files }
  if set then load.discard(set) end
  return problems
end

local function start_bundles(self)
  self.bundles = bundle.new {
    host = self.host,
    apply = function(files, version)
      local result = self.loader:now("bundle", { bundle = files }, self.now, { name = "bundle", from = version and ("version %s"):format(version) })
      return result.ok, result.problems
    end,
  }
  self.engine.bundles = self.bundles
  self.engine.check_bundle = function(files) return check_bundle(self, files) end
end

function M:handle(msg, now)
  self.now = now
  local f = on[msg.type]
  if f then return f(self, msg) end
  if self.bundles and self.bundles.handle and (msg.type == "bundle" or msg.type == "shared") then
    self.bundles:handle(msg, now)
  end
  return self.engine:handle(msg, now)
end

function M:tick(now)
  self.now = now
  if self.watch:changed(now) then self.loader:reload("a file changed", function() end) end
  local next_rule = self.engine:tick(now)
  self.loader:tick(now)
  if now >= self.next_save then save(self) end
  if self.loader:busy() then return now end
  local again = math.min(self.watch.next or now + 1, self.next_save)
  return next_rule and math.min(next_rule, again) or again
end

function M:stop(now)
  self.now, self.stopping = now, true
  self.engine:farewell(now)
  save(self)
end

-- Marks are kept on disk when it can be had: it is better to run without than not to run.
local function open_marks(self)
  local dir, host = self.host.data_dir .. "/marks", self.host
  local journal, why = host.journal(dir, "write")
  if not journal then host.log("error", "the journal of marks cannot be opened: they are kept in memory only", { folder = dir, error = why }) end
  return marks.new { host = host, journal = journal, share = function(id, value)
    if self.engine.cluster then host.call("cluster.put", { kind = "mark", id = id, value = value }) end
  end }
end

--- The actor with another host than the server's, for specs.
function M.new(init, host, now)
  local self = setmetatable({ init = init or {}, host = host, now = now, apis = tables(), receiver_state = {},
                              watch = watch.new(host), next_save = now + SAVE_EVERY }, M)
  self.engine = rules.new {
    host = host, cluster = self.init.redis ~= nil and self.init.redis ~= "", clock = host.monotonic,
    emit = function(alerts) host.send("router", { type = "alerts", alerts = alerts }) end,
  }
  self.scrape = scrape.new(host, function(fn, args) return self.engine:run_guest(fn, args, { kind = "relabel", now = self.now }) end)
  self.engine.marks = open_marks(self)
  self.engine.save_now = function() return save(self) end
  self.engine.reload = function(reason, done, who) self.loader:reload(reason, done, who) end
  self.engine.plan = function(...) return plan(self, ...) end
  self.engine.promoted = promoted.read(host)
  self.engine.keep_promoted = function(now_promoted) promoted.write(host, now_promoted) end
  self.engine.corrections = slos.read(host)
  self.engine.keep_corrections = function(list) return slos.write(host, list) end
  start_loader(self)
  self.loader:now("start", nil, now)
  restore(self)
  start_bundles(self)
  return self
end

return setmetatable(M, { __call = function(_, init)
  local host = require "moonwatch.host"
  return M.new(init, host, host.now())
end })

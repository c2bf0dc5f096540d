--- rules.lua - the rules actor: loads the files, runs the engine, keeps its state on disk, answers its paths.
--
-- init: { config= (root file), rules= (folders), data=, redis= }.
local answer = require "moonwatch.api.answer"
local bundle = require "moonwatch.cluster.bundle"
local change = require "moonwatch.engine.rules_change"
local load = require "moonwatch.config.load"
local rules = require "moonwatch.engine.rules"
local scrape = require "moonwatch.config.scrape"
local watch = require "moonwatch.config.watch"

local M = {}
M.__index = M

local SAVE_EVERY = 5
local SAVE_ANYWAY = 30 -- values and texts move without a change that counts, and the file also says when this node was last alive

local APIS = { "rules", "health", "slos", "checks", "reload", "cluster" }

local function tables()
  local out = {}
  for i, name in ipairs(APIS) do out[i] = require("moonwatch.api." .. name) end
  return out
end

-- -- loading ---------------------------------------------------------------

local function texts(problems)
  local out = {}
  for i, p in ipairs(problems) do out[i] = p.text end
  return out
end

local function tell_router(self, set) self.host.send("router", { type = "config", config = set.routing }) end

local function set_targets(self, set)
  self.host.call("scrape", { jobs = self.host.json.array(self.scrape:jobs(set)) }, function(done)
    if done.error then self.host.log("error", "targets not taken: " .. done.error) end
  end)
end

local function refuse(self, problems, reason)
  self.engine.problems = problems
  for _, p in ipairs(problems) do self.host.log("error", p.text) end
  self.host.metric("add", "moonwatch_reloads_total", { result = "refused" }, 1)
  self.host.metric("set", "moonwatch_config_last_reload_successful", {}, 0)
  local summary = ("%s: %d problems; the rules that ran go on"):format(reason, #problems)
  self.host.log("error", summary)
  return { ok = false, summary = summary, problems = self.host.json.array(texts(problems)) }
end

local function swap(self, set, problems, reason)
  local diff = change.between(self.engine.set, set)
  self.engine.problems = problems
  self.engine:load(set, self.now)
  tell_router(self, set)
  set_targets(self, set)
  self.host.metric("add", "moonwatch_reloads_total", { result = "ok" }, 1)
  self.host.metric("set", "moonwatch_config_last_reload_successful", {}, #problems == 0 and 1 or 0)
  self.host.metric("set", "moonwatch_config_last_reload_seconds", {}, self.now)
  for _, p in ipairs(problems) do self.host.log("error", p.text .. " (file left out)") end
  local summary = change.summary(diff)
  self.host.log("info", "rules loaded: " .. summary, { reason = reason })
  return { ok = true, summary = summary, added = self.host.json.array(diff.added), changed = self.host.json.array(diff.changed),
           removed = self.host.json.array(diff.removed), problems = self.host.json.array(texts(problems)) }
end

--- Load everything again; PUSHED (path -> text) takes the place of the bundle so far when the whole is good.
local function reload(self, reason, pushed)
  local set, problems, seen = load.load {
    host = self.host, config = self.init.config, rules = self.init.rules, bundle = pushed or self.pushed,
  }
  self.watch:set(seen, self.now)
  if not set then return refuse(self, problems, reason) end
  if pushed then self.pushed = pushed end
  return swap(self, set, problems, reason)
end

-- -- state on disk ---------------------------------------------------------

local function path(self) return self.host.data_dir .. "/rules-state.json" end

local function save(self)
  self.next_save = self.now + SAVE_EVERY
  local whole = self.stopping or self.now - (self.whole_at or 0) >= SAVE_ANYWAY
  if self.saved == self.engine.generation and not whole then return end
  local ok, why = self.host.write_file(path(self), self.engine:snapshot(self.now, whole))
  if ok == nil or ok == false then
    self.host.log("error", "rules state not written: " .. tostring(why))
  else
    self.saved, self.whole_at = self.engine.generation, whole and self.now or self.whole_at
  end
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

function on.reload(self, msg) return reload(self, msg.reason or "asked") end

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

function on.cluster(self, msg)
  self.connected = msg.connected
  self.host.log(msg.connected and "info" or "warn", msg.connected and "the cluster is there" or "the cluster is away: going on alone")
end

-- What would be wrong if these files were the bundle; nothing changes.
local function check_bundle(self, files)
  local set, problems = load.load { host = self.host, config = self.init.config, rules = self.init.rules, bundle = files }
  for _, guest in pairs(set and set.guests or {}) do guest:close() end
  return problems
end

local function start_bundles(self)
  self.bundles = bundle.new {
    host = self.host,
    apply = function(files)
      local result = reload(self, "bundle", files)
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
  if self.watch:changed(now) then reload(self, "a file changed") end
  local next_rule = self.engine:tick(now)
  if now >= self.next_save then save(self) end
  local again = math.min(self.watch.next or now + 1, self.next_save)
  return next_rule and math.min(next_rule, again) or again
end

function M:stop(now)
  self.now, self.stopping = now, true
  save(self)
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
  self.engine.reload = function(reason) return reload(self, reason) end
  reload(self, "start")
  restore(self)
  start_bundles(self)
  return self
end

return setmetatable(M, { __call = function(_, init)
  local host = require "moonwatch.host"
  return M.new(init, host, host.now())
end })

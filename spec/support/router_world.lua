--- router_world.lua - a router in simulated time, with receivers that remember what they were told.
--
--   local world = require("router_world").new { routes = {...}, receivers = {...} }
--   world:fire("Down", { job = "api" }):advance "31s"
--   assert.same({ "0:30 hook firing Down" }, world:told())
--
-- A receiver answers 200 unless `world.answers[name]` is a function(note, nth) → outcome; outcome.late: after so many seconds,
-- outcome.never: not at all.
local fake = require "fake_host"

local Book = require "moonwatch.engine.router.book"
local Router = require "moonwatch.engine.router"
local http = require "moonwatch.engine.router.http"

local M = {}
M.__index = M

local EPOCH = 1780000000 -- a Thursday, 2026-05-28 20:26:40 UTC

local function receivers_of(config)
  local out = {}
  for _, name in ipairs(config.names or { "hook" }) do
    out[#out + 1] = { name = name, targets = { { kind = "webhook", url = "http://" .. name } } }
  end
  return out
end

function M.config(config)
  return { receivers = config.receivers or receivers_of(config), routes = config.routes or { { receiver = "hook" } },
    inhibits = config.inhibits or {}, enriches = config.enriches, windows = config.windows or {}, escalations = config.escalations or {},
    settings = config.settings or {}, persons = config.persons or {}, oncalls = config.oncalls or {},
    drills = config.drills or {} }
end

function M:build(host)
  self.flights = {}
  self.host = host or fake.new { now = self.now }
  self.router = Router.new {
    host = self.host, http = http, holds = self.holds, gathers = self.gathers,
    send = function(target, note, now, done) self:receive(target, note, now, done) end,
    share = function(kind, id, value) self.shared[#self.shared + 1] = { kind = kind, id = id, value = value } end,
    journal = self.host.journal "data/router",
  }
end

function M.new(config)
  local self = setmetatable({ now = config.now or EPOCH, start = config.now or EPOCH, notes = {}, answers = {}, counts = {},
    shared = {}, holds = config.holds, gathers = config.gathers }, M)
  self:build()
  self.config = M.config(config)
  assert(self.router:configure(self.config, self.now))
  self.next = self.router:tick(self.now)
  return self
end

function M:receive(target, note, now, done)
  local name = target.receiver
  self.counts[name] = (self.counts[name] or 0) + 1
  local answer = self.answers[name]
  local outcome = answer and answer(note, self.counts[name]) or { ok = true, status = 200 }
  self.notes[#self.notes + 1] = { at = now - self.start, receiver = name, note = note, ok = outcome.ok, heard = outcome.ok or outcome.unsure }
  if outcome.never then return end
  if outcome.late then
    table.insert(self.flights, { at = now + outcome.late, done = done, outcome = outcome })
    return table.sort(self.flights, function(x, y) return x.at < y.at end)
  end
  done(outcome, now)
end

local function seconds(d)
  if type(d) == "number" then return d end
  local total = 0
  for n, unit in d:gmatch "([%d%.]+)(%a+)" do total = total + n * ({ s = 1, m = 60, h = 3600, d = 86400 })[unit] end
  return total
end

--- Let time pass; everything that is due happens at its own time.
function M:advance(d)
  local until_ = self.now + seconds(d)
  local turns = 0
  while true do
    local flight = self.flights[1]
    local at = math.min(self.next or math.huge, flight and flight.at or math.huge)
    if at > until_ then break end
    self.now = math.max(self.now, at)
    if flight and flight.at <= self.now then table.remove(self.flights, 1).done(flight.outcome, self.now) end
    self.next = self.router:tick(self.now)
    turns = turns + 1
    assert(turns < 100000, "the router asks to be called again and again")
  end
  self.now = until_
  return self
end

--- What this node shared since the last time goes to OTHER.
function M:pass(other)
  for _, item in ipairs(self.shared) do
    local value = item.value and self.host.json.decode(self.host.json.encode(item.value))
    other:handle { type = "shared", kind = item.kind, id = item.id, value = value, node = "a" }
  end
  self.shared = {}
end

--- D seconds pass on this node and on OTHER, which hear of each other every ten of them.
function M:advance_with(other, d)
  for _ = 1, d / 10 do
    self:advance(10)
    other:advance(10)
    self:pass(other)
    other:pass(self)
  end
end

function M:handle(msg)
  local answer = self.router:handle(msg, self.now)
  self.next = self.router:tick(self.now)
  return answer
end

local function labelled(name, labels)
  local out = { alertname = name }
  for k, v in pairs(labels or {}) do out[k] = v end
  return out
end

function M:fire(name, labels, more)
  local report = { labels = labelled(name, labels), starts_at = self.now, rule = "alert/" .. name, updated_at = self.now }
  for k, v in pairs(more or {}) do report[k] = v end
  self:handle { type = "alerts", alerts = { report } }
  return self
end

function M:resolve(name, labels)
  local labels_ = labelled(name, labels)
  local old = self.router.alerts:get(self.host.fingerprint(labels_))
  self:handle { type = "alerts", alerts = { { labels = labels_, starts_at = old and old.starts_at or self.now, ends_at = self.now,
    resolved = true, rule = "alert/" .. name, updated_at = self.now } } }
  return self
end

--- One HTTP request; answers status and the decoded body.
function M:http(method, path, body)
  local bare, rest = path:match "^([^?]*)%??(.*)$"
  local query = {}
  for k, v in rest:gmatch "([^&=]+)=([^&]*)" do
    query[k] = query[k] or {}
    table.insert(query[k], (v:gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end)))
  end
  local text = type(body) == "table" and self.host.json.encode(body) or body
  local answer = self:handle { type = "http", method = method, path = bare, query = query, headers = {}, body = text }
  return answer.status, answer.body ~= "" and self.host.json.decode(answer.body) or nil, answer
end

--- A silence on NAME for D; answers its id.
function M:silence(name, d, from)
  local start = self.now + seconds(from or 0)
  local status, body = self:http("POST", "/api/v2/silences", { matchers = { { name = "alertname", value = name, isRegex = false } },
    startsAt = self.host.rfc3339(start), endsAt = self.host.rfc3339(start + seconds(d)), createdBy = "spec", comment = "quiet" })
  assert(status == 200, "the silence was refused")
  return body.silenceID
end

local function clock(s)
  if s >= 3600 then return ("%d:%02d:%02d"):format(s / 3600, s % 3600 / 60, s % 60) end
  return ("%d:%02d"):format(s / 60, s % 60)
end

local function sentence(entry)
  local names = {}
  for i, alert in ipairs(entry.note.alerts) do
    names[i] = alert.labels.alertname .. (alert.status ~= entry.note.status and " (" .. alert.status .. ")" or "")
  end
  table.sort(names)
  return ("%s %s %s %s%s"):format(clock(entry.at), entry.receiver, entry.note.status, table.concat(names, "+"), entry.ok and "" or " refused")
end

--- What was told since the last call: "0:30 hook firing Down".
function M:told()
  local out = {}
  for i, entry in ipairs(self.notes) do out[i] = sentence(entry) end
  self.notes = {}
  return out
end

-- Where A and B differ, as a path of keys and what stands there; nil: nowhere.
local function difference(a, b, path)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a ~= b and ("%s: %s, %s"):format(path, tostring(a), tostring(b)) or nil
  end
  for key in pairs(b) do
    if a[key] == nil then return ("%s/%s: nothing, %s"):format(path, tostring(key), tostring(b[key])) end
  end
  for key, value in pairs(a) do
    local found = difference(value, b[key], path .. "/" .. tostring(key))
    if found then return found end
  end
end

-- What the journal says, which is to be what the router knows.
function M:journaled()
  local encode, decode = self.host.json.encode, self.host.json.decode
  self.router.book:flush(self.now, true)
  local saved = assert(Book.read(self.host, self.router.book.journal))
  local unlike = difference(decode(encode(saved)), decode(encode(self.router:snapshot())), "")
  assert(not unlike, "the journal and the router differ at " .. tostring(unlike))
  return saved
end

--- The process dies and starts again: everything but the journal (or SNAPSHOT, when one is given) is gone.
function M:restart(snapshot)
  local saved = snapshot and self.host.json.decode(self.host.json.encode(snapshot)) or self:journaled()
  self:build(self.host)
  assert(self.router:restore(saved))
  assert(self.router:configure(self.config, self.now))
  self.next = self.router:tick(self.now)
  return self
end

--- A new configuration beside the running one.
function M:reload(config)
  self.config = M.config(config)
  local answer = self:handle { type = "config", config = self.config }
  return answer
end

return M

--- am_pair.lua - a real Alertmanager and a moonwatch with the same configuration: the same is done to both, and what they say is put side by side.
local json = require "dkjson"
local net = require "net"
local proc = require "proc"
local said = require "am_said"
local server = require "server"
local socket = require "socket"

local M = {}
local Pair = {}
Pair.__index = Pair

local function iso(t)
  local ms = math.floor(t * 1000 + 0.5)
  return os.date("!%Y-%m-%dT%H:%M:%S", ms / 1000) .. (".%03dZ"):format(ms % 1000)
end
M.iso = iso

--- Start both.  YAML(hook) is the text of the configuration whose webhooks are below the address HOOK.  ANSWER(), when given, makes
-- what a sink says (net.lua), one for each side.  FILES stand beside the configuration.
function M.start(yaml, answer, files)
  local sinks = { net.sink(answer and answer()), net.sink(answer and answer()) }
  local self = setmetatable({ sinks = sinks, ids = { {}, {} }, refusals = {} }, Pair)
  local dirs = { proc.scratch(), proc.scratch() }
  local port = proc.free_port()
  for i, dir in ipairs(dirs) do
    proc.write(dir .. "/alertmanager.yml", yaml(self.sinks[i].url))
    for name, text in pairs(files or {}) do proc.write(dir .. "/" .. name, text) end
  end
  self.peer = proc.spawn({ "prometheus-alertmanager", "--config.file=" .. dirs[1] .. "/alertmanager.yml", "--storage.path=" .. dirs[1] .. "/data",
    "--web.listen-address=127.0.0.1:" .. port, "--cluster.listen-address=", "--log.level=warn" }, dirs[1] .. "/log")
  local status, told = proc.run { server.binary(), "import", "alertmanager", dirs[2] .. "/alertmanager.yml", "-o", dirs[2] .. "/rules" }
  assert(status == 0, "the configuration was not imported: " .. told)
  self.ours = server.start { dir = dirs[2] }
  self.urls = { "http://127.0.0.1:" .. port, self.ours.url }
  proc.eventually(function()
    assert(self.peer:alive(), "alertmanager ended: " .. self.peer:output())
    return net.request(self.urls[1] .. "/-/ready") == 200
  end, 20, "alertmanager is ready")
  return self
end

function Pair:stop()
  self.peer:stop()
  self.ours:stop()
  for _, sink in ipairs(self.sinks) do sink:close() end
end

function Pair:poll()
  for _, sink in ipairs(self.sinks) do sink:poll() end
end

--- The same request to both; both answers as {status, body}.  BODY may be a function of the side.
function Pair:both(method, path, body)
  local out, sent = {}, nil
  for i, url in ipairs(self.urls) do
    local text = type(body) == "function" and body(i) or body
    if type(text) == "table" then text = json.encode(text) end
    sent = text
    local at = type(path) == "function" and path(i) or path
    local status, answer = net.request(url .. at, { method = method, body = text, headers = { ["content-type"] = "application/json" } })
    out[i] = { status = status, body = answer }
  end
  if out[1].status ~= out[2].status then
    self.refusals[#self.refusals + 1] = ("%s %s %s:\n  alertmanager answered %s (%s), we answered %s (%s)"):format(method,
      type(path) == "string" and path or path(1), sent or "", out[1].status, out[1].body, out[2].status, out[2].body)
  end
  return out
end

-- -- what is done ------------------------------------------------------------------

local does = {}

function does.alerts(self, list, now)
  local out = json.decode "[]"
  for i, a in ipairs(list) do
    out[i] = { labels = a.labels, annotations = a.annotations, generatorURL = a.generatorURL,
      startsAt = a.starts and iso(now + a.starts) or nil, endsAt = a.ends and iso(now + a.ends) or nil }
  end
  self:both("POST", "/api/v2/alerts", out)
end

function does.silence(self, s, now)
  local body = { matchers = s.matchers, createdBy = "spec", comment = s.comment, startsAt = iso(now + s.starts), endsAt = iso(now + s.ends) }
  self.silences = self.silences or {}
  self.silences[#self.silences + 1] = { body = body, ends = now + s.ends }
  self:remember(#self.silences, self:both("POST", "/api/v2/silences", body))
end

-- The ids of silence N from now on.  Whether it kept the one it had is the same on both sides.
function Pair:remember(n, answers)
  local kept = {}
  for i, answer in ipairs(answers) do
    local id = answer.status == 200 and json.decode(answer.body).silenceID
    kept[i] = id == self.ids[i][n]
    if id then self.ids[i][n] = id end
  end
  if kept[1] ~= kept[2] then self.refusals[#self.refusals + 1] = ("silence %d: only %s kept its id"):format(n, kept[1] and "alertmanager" or "we") end
end

function does.expire(self, n)
  self:both("DELETE", function(i) return "/api/v2/silence/" .. tostring(self.ids[i][n]) end)
end

function does.change(self, change, now)
  local n, what = change.n, change.what
  local s = self.silences[n]
  if what.longer then s.ends = s.ends + what.longer end
  if what.ends then s.ends = now + what.ends end
  s.body = { matchers = what.matchers or s.body.matchers, createdBy = "spec", comment = what.comment or s.body.comment,
    startsAt = what.starts and iso(now + what.starts) or s.body.startsAt, endsAt = iso(s.ends) }
  self:remember(n, self:both("POST", "/api/v2/silences", function(i)
    local body = { id = self.ids[i][n] }
    for k, v in pairs(s.body) do body[k] = v end
    return body
  end))
end

--- Do EVENT = { verb, argument } at NOW.
function Pair:act(event, now) does[event[1]](self, event[2], now) end

-- -- what they say ------------------------------------------------------------------------

local TIMES = { updatedAt = true, endsAt = true, startsAt = true }

local function with_rough_times(v)
  if type(v) ~= "table" then return v end
  local out = {}
  for k, x in pairs(v) do out[k] = TIMES[k] and said.about(x) or with_rough_times(x) end
  return out
end

-- The requests of SIDE that were taken, in the order of their answers.
local function taken(self, side)
  local out = {}
  for _, request in ipairs(self.sinks[side].requests) do
    if request.taken ~= false then out[#out + 1] = request end
  end
  table.sort(out, function(a, b) return a.time < b.time end)
  return out
end

-- The receiver that REQUEST went to, and the group that it is about.
local function key_of(request) return (request.path:match "^/%w+/%d+" or request.path) .. " " .. (said.of(request)) end

--- The messages of SIDE as texts, by receiver and group: what, about which alerts.
function Pair:told(side)
  local out = {}
  for _, request in ipairs(taken(self, side)) do
    local _, text, mixed = said.of(request)
    local key = key_of(request)
    out[key] = out[key] or { mixed = mixed }
    table.insert(out[key], { time = request.time, text = text })
  end
  -- Messages about several groups have no order among themselves.
  for _, list in pairs(out) do
    if list.mixed then
      table.sort(list, function(x, y)
        local s, t = math.floor(x.time * 2), math.floor(y.time * 2)
        if s ~= t then return s < t end
        return x.text < y.text
      end)
    end
  end
  return out
end

local function listed(list, until_)
  local out = {}
  for i, m in ipairs(list) do out[i] = ("    %+.2f s "):format(m.time - until_) .. m.text end
  return #out > 0 and table.concat(out, "\n") or "    nothing"
end

local PATIENCE = 1.2 -- less than from one flush to the next

-- The last message of one side may have come when the other one was still about to send.
local function same(a, b, until_)
  for i = 1, math.max(#a, #b) do
    local x, y = a[i], b[i]
    if x and y and (x.text ~= y.text or math.abs(x.time - y.time) > PATIENCE) then return false end
    if (x == nil or y == nil) and (x or y).time < until_ then return false end
  end
  return true
end

-- When SIDE tried to tell KEY anything, and what of that was not taken, seen from UNTIL.
local function tries(self, side, key, until_)
  local out = {}
  for _, r in ipairs(self.sinks[side].requests) do
    if key_of(r) == key then out[#out + 1] = ("%+.2f%s"):format(r.came - until_, r.taken == false and " not taken" or "") end
  end
  return "tries: " .. table.concat(out, ", ")
end

--- What the two did differently, as lines; empty when they agree.  Messages after UNTIL may be missing on one side.
-- BELOW: only what was told to addresses that begin with it.
function Pair:differences(until_, below)
  local out = below and {} or { unpack(self.refusals) }
  local peer, ours = self:told(1), self:told(2)
  for key in pairs(ours) do peer[key] = peer[key] or {} end
  for key, list in pairs(peer) do
    local other = ours[key] or {}
    local asked = not below or key:sub(1, #below) == below
    if asked and not same(list, other, until_) then
      out[#out + 1] = ("%s\n  alertmanager told\n%s\n    %s\n  we told\n%s\n    %s"):format(key, listed(list, until_), tries(self, 1, key, until_),
        listed(other, until_), tries(self, 2, key, until_))
    end
  end
  return out
end

-- The ids of silences are random, and so is their order, in alerts and in alerts of groups; and which of several alerts that
-- inhibit another one is named is chance in Alertmanager.
local function in_order(v)
  if type(v) ~= "table" then return end
  for k, x in pairs(v) do
    if k == "silencedBy" then table.sort(x)
    elseif k == "inhibitedBy" then v[k] = #x > 0
    else in_order(x) end
  end
end

--- GET PATH of both, with times to the half second and silences by number; the two as texts.
function Pair:seen(path)
  local out = {}
  for i, answer in ipairs(self:both("GET", path)) do
    local text = answer.body
    for n, id in pairs(self.ids[i]) do text = text:gsub(id:gsub("%-", "%%-"), "silence " .. n) end
    -- Whatever took the place of another silence has left that one without a number.
    text = text:gsub("%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+", "an older silence")
    local value = json.decode(text)
    in_order(value)
    -- Groups of the same labels and receiver have no order among themselves.
    local items = {}
    for k, item in ipairs(type(value) == "table" and value or {}) do items[k] = said.plain(with_rough_times(item)) end
    table.sort(items)
    out[i] = table.concat(items, "\n    ")
  end
  return out[1], out[2]
end

--- Let PAIRS live through their STORIES, second by second; HALFWAY(pair, t) is called between events and flushes.
function M.live(pairs_, stories, seconds, halfway)
  local start = math.ceil(socket.gettime() + 0.2)
  local function wait(t)
    repeat
      for _, pair in ipairs(pairs_) do pair:poll() end
      socket.sleep(0.005)
    until socket.gettime() >= t
  end
  local function act(t, late)
    for i, pair in ipairs(pairs_) do
      for _, event in ipairs(stories[i][t] or {}) do
        if (event.late or false) == (late or false) then pair:act(event, start + t) end
      end
    end
  end
  for t = 1, seconds do
    wait(start + t)
    act(t)
    if halfway then
      wait(start + t + 0.15)
      for i, pair in ipairs(pairs_) do halfway(pair, t, i) end
    end
    wait(start + t + 0.25)
    act(t, true)
  end
  wait(start + seconds + 1)
  return start + seconds
end

return M

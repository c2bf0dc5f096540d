--- am_config.lua - configurations of Alertmanager and things that happen to alerts, by chance, for comparing two servers.
--
-- Timers end in half seconds, what happens happens at whole ones: whoever is a little late still sees the same.
local M = {}

-- -- chance ------------------------------------------------------------------------

local Chance = {}
Chance.__index = Chance

--- The same SEED gives the same things.
function M.chance(seed) return setmetatable({ state = seed * 7919 % 2147483647 + 1 }, Chance) end

function Chance:next(n)
  self.state = self.state * 48271 % 2147483647
  return self.state % n
end
function Chance:one(list) return list[self:next(#list) + 1] end
function Chance:often(percent) return self:next(100) < percent end

-- -- a configuration ------------------------------------------------------------------

local VALUES = { alertname = { "Disk", "Load", "Net", "Db" }, team = { "x", "y", "z" }, severity = { "page", "warn" }, instance = { "i0", "i1" } }
local NAMES = { "alertname", "team", "severity", "instance" }
local OPS = { "=", "=", "!=", "=~", "!~" }
local GROUPS = { "[alertname]", "[alertname, team]", "['...']", "[]", "[nothing, team]", "[instance]" }
local RECEIVERS = { "r0", "r1", "r2", "r3", "null" }

local function matcher(c)
  local name = c:one(NAMES)
  local op, value = c:one(OPS), c:one(VALUES[name])
  if op:find "~" then value = c:one { value .. "|" .. c:one(VALUES[name]), value:sub(1, 1) .. ".*", ".+", "" .. value:upper() } end
  if c:often(8) then value = "" end
  return ("'%s%s\"%s\"'"):format(name, op, value)
end

local function matchers(c, most)
  local out = {}
  for i = 1, 1 + c:next(most) do out[i] = matcher(c) end
  return "[" .. table.concat(out, ", ") .. "]"
end

local function timers(c, pad, out)
  if c:often(30) then out[#out + 1] = pad .. "group_wait: " .. c:one { "500ms", "1500ms" } end
  if c:often(30) then out[#out + 1] = pad .. "group_interval: " .. c:one { "2s", "3s" } end
  if c:often(30) then out[#out + 1] = pad .. "repeat_interval: " .. c:one { "3500ms", "4500ms", "1h" } end
end

local function windows(c, pad, out)
  if c:often(12) then out[#out + 1] = pad .. "mute_time_intervals: [" .. c:one { "always", "never", "never, always" } .. "]" end
  if c:often(12) then out[#out + 1] = pad .. "active_time_intervals: [" .. c:one { "always", "never", "never, always" } .. "]" end
end

local function route(c, depth, out)
  local pad = ("  "):rep(depth + 1)
  out[#out + 1] = pad .. "- matchers: " .. matchers(c, 2)
  pad = pad .. "  "
  if c:often(70) then out[#out + 1] = pad .. "receiver: " .. c:one(RECEIVERS) end
  if c:often(40) then out[#out + 1] = pad .. "group_by: " .. c:one(GROUPS) end
  if c:often(35) then out[#out + 1] = pad .. "continue: true" end
  timers(c, pad, out)
  windows(c, pad, out)
  if depth < 3 and c:often(45) then
    out[#out + 1] = pad .. "routes:"
    for _ = 1, 1 + c:next(2) do route(c, depth + 1, out) end
  end
end

local function inhibit(c, out)
  out[#out + 1] = "  - source_matchers: " .. matchers(c, 2)
  out[#out + 1] = "    target_matchers: " .. matchers(c, 2)
  out[#out + 1] = "    equal: [" .. c:one { "", "team", "instance", "nothing", "team, instance" } .. "]"
end

local function receiver(c, name, hook, out)
  out[#out + 1] = "  - name: '" .. name .. "'"
  if name == "null" then return end
  out[#out + 1] = "    webhook_configs:"
  for i = 1, c:often(20) and 2 or 1 do
    out[#out + 1] = ("      - url: %s/%s/%d"):format(hook, name, i)
    if c:often(30) then out[#out + 1] = "        send_resolved: false" end
    if c:often(20) then out[#out + 1] = "        max_alerts: 2" end
  end
end

--- A configuration in YAML whose webhooks are below the address HOOK.
function M.config(c, hook)
  local out = { "global:", "  resolve_timeout: 4s", "route:", "  receiver: " .. c:one { "r0", "r1" }, "  group_by: " .. c:one(GROUPS),
    "  group_wait: 500ms", "  group_interval: 2s", "  repeat_interval: " .. c:one { "1h", "4500ms" }, "  routes:" }
  for _ = 1, 2 + c:next(3) do route(c, 1, out) end
  local rules = c:next(4)
  if rules > 0 then out[#out + 1] = "inhibit_rules:" end
  for _ = 1, rules do inhibit(c, out) end
  for _, line in ipairs { "time_intervals:", "  - name: always", "    time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]",
    "  - name: never", "    time_intervals: [{years: ['1999']}]", "receivers:" } do out[#out + 1] = line end
  for _, name in ipairs(RECEIVERS) do receiver(c, name, hook, out) end
  return table.concat(out, "\n") .. "\n"
end

-- -- what happens ------------------------------------------------------------------------

local function labels(c)
  local out = { alertname = c:one(VALUES.alertname) }
  for _, name in ipairs { "team", "severity", "instance" } do
    if c:often(75) then out[name] = c:one(VALUES[name]) end
  end
  return out
end

local function alert(c, known)
  local old = #known > 0 and c:often(55) and c:one(known)
  local out = { labels = old or labels(c), annotations = { summary = c:one { "one", "two", "<three> & é" } }, generatorURL = "http://gen/" .. c:next(2) }
  if not old then known[#known + 1] = out.labels end
  if old and c:often(50) then out.ends = 0
  elseif c:often(40) then out.starts, out.ends = 0, c:one { 2, 3, 60 }
  elseif c:often(30) then out.starts = -c:next(3) * 0 end
  return out
end

local function silence(c)
  local name = c:one(NAMES)
  local from = c:often(25) and 2 or 0
  return { name = name, value = c:one(VALUES[name]), regex = c:often(25), equal = not c:often(15), starts = from, ends = from + 3 + c:next(5) }
end

--- What is done at each of SECONDS whole seconds: list of lists of { "alerts", list }, { "silence", s }, { "expire", n }, { "prolong", n }.
function M.story(c, seconds)
  local out, known, silences = {}, {}, 0
  for t = 1, seconds do
    local now = {}
    for _ = 1, (t == 1 and 2 or c:next(3)) do
      local list = {}
      for i = 1, 1 + c:next(3) do list[i] = alert(c, known) end
      now[#now + 1] = { "alerts", list }
    end
    if c:often(30) then
      silences = silences + 1
      now[#now + 1] = { "silence", silence(c) }
    end
    if silences > 0 and c:often(15) then now[#now + 1] = { "expire", 1 + c:next(silences) } end
    if silences > 0 and c:often(15) then now[#now + 1] = { "prolong", 1 + c:next(silences) } end
    out[t] = now
  end
  return out
end

return M

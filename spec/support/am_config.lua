--- am_config.lua - configurations of Alertmanager by chance, for comparing two servers.
--
-- Timers end in half seconds, what happens happens at whole ones: whoever is a little late still sees the same.
local labels = require "am_labels"

local M = {}

local GROUPS = { "[alertname]", "[alertname, team]", "['...']", "[]", "[nothing, team]", "[instance]" }
local EQUAL = { "", "team", "instance", "nothing", "team, instance", "team, severity, nothing", "alertname" }
M.receivers = { "r0", "r1", "r2", "r3", "null" }

-- Where receivers fail, nothing may depend on the moment of a second try.
local function intervals(world) return world.trouble and { "3s" } or { "2s", "3s" } end
local function repeats(world) return world.trouble and { "1h", "3500ms" } or { "1h", "4500ms", "3500ms" } end

-- What the receiver ID is called in this world, as YAML.
local function called(world, id) return "'" .. (world.names and world.names[id] or id) .. "'" end

local function timers(c, world, pad, out)
  if c:often(30) then out[#out + 1] = pad .. "group_wait: " .. c:one { "500ms", "1500ms" } end
  if c:often(30) then out[#out + 1] = pad .. "group_interval: " .. c:one(intervals(world)) end
  if c:often(30) then out[#out + 1] = pad .. "repeat_interval: " .. c:one(repeats(world)) end
end

local function windows(c, world, pad, out)
  for _, field in ipairs { "mute_time_intervals", "active_time_intervals" } do
    if c:often(world.windows.often) then
      local names = { c:one(world.windows.names) }
      if c:often(50) then names[2] = c:one(world.windows.names) end
      out[#out + 1] = pad .. field .. ": [" .. table.concat(names, ", ") .. "]"
    end
  end
end

-- ROWS { key, value } as one item of a list.
local function item(rows, pad, out)
  for i, row in ipairs(rows) do out[#out + 1] = pad .. (i == 1 and "- " or "  ") .. row[1] .. ": " .. row[2] end
end

local function route(c, world, depth, out)
  local pad = ("  "):rep(depth + 1)
  item(labels.rows(c, world.words, 2, ""), pad, out)
  pad = pad .. "  "
  if c:often(70) then out[#out + 1] = pad .. "receiver: " .. called(world, c:one(M.receivers)) end
  if c:often(40) then out[#out + 1] = pad .. "group_by: " .. c:one(GROUPS) end
  if c:often(35) then out[#out + 1] = pad .. "continue: true" end
  timers(c, world, pad, out)
  windows(c, world, pad, out)
  if depth < 3 and c:often(45) then
    out[#out + 1] = pad .. "routes:"
    for _ = 1, 1 + c:next(2) do route(c, world, depth + 1, out) end
  end
end

-- Sometimes source and target are the same: what keeps others quiet might be kept quiet by its like.
local function inhibit(c, world, out)
  local rows, same = labels.rows(c, world.words, 2, "source_"), c:often(20)
  for i = 1, same and #rows or 0 do rows[#rows + 1] = { "target" .. rows[i][1]:sub(7), rows[i][2] } end
  for _, row in ipairs(same and {} or labels.rows(c, world.words, 2, "target_")) do rows[#rows + 1] = row end
  rows[#rows + 1] = { "equal", "[" .. c:one(EQUAL) .. "]" }
  item(rows, "  ", out)
end

local function webhooks(c, world, name, hook, out)
  out[#out + 1] = "    webhook_configs:"
  for i = 1, c:often(world.trouble and 60 or 20) and 2 or 1 do
    out[#out + 1] = ("      - url: %s/%s/%d"):format(hook, name, i)
    if c:often(30) then out[#out + 1] = "        send_resolved: false" end
    if c:often(20) then out[#out + 1] = "        max_alerts: 2" end
  end
end

local function receiver(c, world, name, hook, out)
  out[#out + 1] = "  - name: " .. called(world, name)
  if name ~= "null" then (world.receiver or webhooks)(c, world, name, hook, out) end
end

--- A configuration in YAML whose receivers are below the address HOOK.  WORLD: am_worlds.lua.
function M.config(c, world, hook)
  local out = { "global:", "  resolve_timeout: 4s", "route:", "  receiver: " .. called(world, c:one { "r0", "r1" }), "  group_by: " .. c:one(GROUPS),
    "  group_wait: 500ms", "  group_interval: " .. intervals(world)[1], "  repeat_interval: " .. c:one(repeats(world)), "  routes:" }
  if world.files then table.insert(out, 1, "templates: ['*.tmpl']") end
  for _ = 1, 2 + c:next(3) do route(c, world, 1, out) end
  local rules = c:next(4)
  if rules > 0 then out[#out + 1] = "inhibit_rules:" end
  for _ = 1, rules do inhibit(c, world, out) end
  for _, line in ipairs(world.windows.lines) do out[#out + 1] = line end
  out[#out + 1] = "receivers:"
  for _, name in ipairs(M.receivers) do receiver(c, world, name, hook, out) end
  return table.concat(out, "\n") .. "\n"
end

return M

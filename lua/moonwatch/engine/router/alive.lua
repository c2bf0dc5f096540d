--- alive.lua - what must be told again so that it does not end by itself at the other side.
--
-- Some receivers (`alive` of their kind) take silence for the end.  What such a target believes to fire, and
-- does, is told again every so often, beside the flushes and whatever anybody muted or acknowledged here
-- meanwhile: that we are quiet about an alert is not that it is over.  These rounds change nothing in the ledger,
-- are not in the history, and are tried once: the next round is near, and an old one would raise the dead.
local flush = require "moonwatch.engine.router.flush"
local to = require "moonwatch.to"

local M = {}

local LOOKS = 4 -- in the time between two rounds

-- Key → {target=, every=} of the targets that need rounds; found once for each configuration.
local function targets_of(router)
  local alive = router.alive
  if alive and alive.of == router.targets then return alive end
  alive = { of = router.targets, list = {}, told = alive and alive.told or {} }
  for key, target in pairs(router.targets) do
    local kind = to.kinds[target.kind]
    if kind and kind.alive then
      local every = kind.alive(target.fields)
      alive.list[key] = { target = target, every = every }
      alive.look = math.min(alive.look or every / LOOKS, every / LOOKS)
    end
  end
  router.alive = alive
  return alive
end

local function believed(group, entry, now)
  local out = {}
  for _, alert in ipairs(group:views(now)) do
    if alert.status == "firing" and entry.firing[alert.fp] then out[#out + 1] = alert end
  end
  return out
end

local function tell(router, group, row, entry, now)
  local alerts = believed(group, entry, now)
  if #alerts == 0 then return end
  local key = row.target.key
  local note = flush.notification(router, group, row.target, alerts, "alive", now)
  router.outbox:put({ key = group.key .. "|" .. key .. "|alive", target = key, note = note, group_key = group.key .. "|alive", group_id = group.id,
    acknowledges = true, once = true, deadline = now + row.every, view = { firing = {}, resolved = {}, muted = {} }, how = {} }, now)
end

-- A round of GROUP for each target that is due; TOLD is when they were told last.
local function round(router, alive, group, told, now)
  for key, entry in pairs(router.ledger:believers(group.key)) do
    local row = alive.list[key]
    local id = group.key .. "|" .. key
    if row then
      local last = math.max(entry.time, alive.told[id] or 0)
      local waiting = router.outbox:get(id) or router.outbox:get(id .. "|alive")
      if now - last >= row.every and not waiting then
        tell(router, group, row, entry, now)
        last = now
      end
      told[id] = last
    end
  end
end

--- What is due at NOW.  Answers when to look again; nil when no target needs it.
function M.tick(router, now)
  local alive = targets_of(router)
  if not alive.look then return nil end
  if not alive.next or now >= alive.next then
    local told = {}
    for _, group in pairs(router.groups) do round(router, alive, group, told, now) end
    alive.told, alive.next = told, now + alive.look
  end
  return alive.next
end

return M

--- swaps.lua - exceptions to a rotation that people make while we run: "Bob takes my night".
--
-- They count more than what the files say, are shared with the other nodes, outlive restarts, and are
-- forgotten a day after they ended.
local Oncall = require "moonwatch.route.oncall"
local audit = require "moonwatch.engine.router.audit"
local did_you_mean = require "moonwatch.did_you_mean"
local gone = require "moonwatch.engine.router.gone"
local keys_of = require "moonwatch.keys"
local recipients = require "moonwatch.engine.router.recipients"

local M = {}

local MOST, KEPT, LONGEST = 200, 86400, 400 * 86400

--- Give each rotation its exceptions anew.  One for somebody whom nobody can tell any more does not count.
function M.apply(router, now)
  local by = {}
  for _, s in pairs(router.swaps) do
    by[s.oncall] = by[s.oncall] or {}
    if router.receivers[s.person] then table.insert(by[s.oncall], s) end
  end
  for name, oncall in pairs(router.oncalls) do
    table.sort(by[name] or {}, function(a, b)
      if a.made_at ~= b.made_at then return a.made_at < b.made_at end
      return a.id < b.id
    end)
    oncall:set_swaps(by[name] or {})
  end
  recipients.changed(router, now)
end

local function shown(router, s)
  local host = router.host
  return { id = s.id, person = s.person, from = host.rfc3339(s.from), to = host.rfc3339(s.to), by = s.by }
end

--- Those of ONCALL that are not over.
function M.shown(router, oncall, now)
  local out = {}
  for _, s in ipairs(oncall.swaps) do
    if s.to > now then out[#out + 1] = shown(router, s) end
  end
  return out
end

-- {person=, from=, to= or for=} → what is kept; nil, message.
local function read(router, oncall, v, now)
  local function moment(name)
    local x = v[name]
    return type(x) == "number" and x or type(x) == "string" and Oncall.moment(x, oncall.zone, router.host) or nil
  end
  if type(v.person) ~= "string" or not router.receivers[v.person] then
    return nil, ("there is no person or receiver %q%s"):format(tostring(v.person), did_you_mean(router.host, v.person, keys_of(router.receivers)))
  end
  local from = v.from == nil and now or moment "from"
  if not from then return nil, "from must be a time such as \"2026-12-24 09:00\"" end
  local seconds = v["for"] ~= nil and router.host.duration(v["for"])
  local to = v["for"] ~= nil and (seconds and from + seconds) or v["for"] == nil and moment "to" or nil
  if not to then return nil, "say until when: to = \"2026-12-24 18:00\" or for = \"8h\"" end
  if to <= from then return nil, "it would end before it begins" end
  if to <= now or to - from > LONGEST then return nil, "it would be over already, or last longer than 400 days" end
  return { person = v.person, from = from, to = to }
end

--- Make one of V for WHO (of router/audit.lua).  Answers it as the API shows it; nil, message.
function M.add(router, oncall, v, now, who)
  local s, why = read(router, oncall, v, now)
  if not s then return nil, why end
  local n = 0
  for _, other in pairs(router.swaps) do n = n + (other.oncall == oncall.name and 1 or 0) end
  if n >= MOST then return nil, ("there are %d exceptions already; take some back"):format(MOST) end
  s.id, s.oncall, s.made_at, s.by = router.host.random_hex(8), oncall.name, now, who.name
  router.swaps[s.id] = s
  router.share("swap", s.id, s)
  audit.note(router, "oncall.override-made", who, now, { oncall = s.oncall, person = s.person, from = router.host.rfc3339(s.from), to = router.host.rfc3339(s.to) })
  M.apply(router, now)
  return shown(router, s)
end

--- Take one back; false when there is none.
function M.remove(router, oncall, id, now, who)
  local s = router.swaps[id]
  if not s or s.oncall ~= oncall.name then return false end
  router.swaps[id] = nil
  gone.share(router, "swap", id, now)
  audit.note(router, "oncall.override-taken-back", who, now, { oncall = s.oncall, person = s.person, from = router.host.rfc3339(s.from), to = router.host.rfc3339(s.to) })
  M.apply(router, now)
  return true
end

--- Forget what is long over.
function M.cleanup(router, now)
  for id, s in pairs(router.swaps) do
    if s.to + KEPT <= now then
      router.swaps[id] = nil
      router.book:mark("swap", id)
      if router.holds then router.share("swap", id, nil) end
    end
  end
end

--- What a peer said.
function M.merge(router, id, value, now)
  router.swaps[id] = value
  M.apply(router, now)
end

return M

--- kinds.lua - the kinds of things that the router must not forget, each by an id.
--
--   get(router, id, about)   its value as it is kept, plain; nil when there is none (any more)
--   each(router, visit)      visit(id, about) for each there is
--
-- ABOUT is what `get` needs beside the id and cannot read out of it; only the ledger has any.  Whoever changes a thing says
-- `router.book:mark(kind, id, about)`; what is shared with the other nodes is marked by `router.share`.
-- A kind with `every` has no marks: it is one value (id ""), looked at so many seconds after it was last written.
local labels = require "moonwatch.route.labels"

local M = {}

local function of_table(field)
  return {
    get = function(router, id) return router[field][id] end,
    each = function(router, visit) for id in pairs(router[field]) do visit(id) end end,
  }
end

local function of_store(field)
  return {
    get = function(router, id) return router[field].by_id[id] end,
    each = function(router, visit) for id in pairs(router[field].by_id) do visit(id) end end,
  }
end

M.silence, M.ack = of_store "silences", of_store "acks"

-- What is in the chain of this node needs no other place.
M.audit = {
  get = function(router, id)
    local e = router.audits.by_id[id]
    return e and not router.audits:is_ours(e) and e or nil
  end,
  each = function(router, visit)
    for id, e in pairs(router.audits.by_id) do
      if not router.audits:is_ours(e) then visit(id) end
    end
  end,
}

M.swap, M.pagerduty = of_table "swaps", of_table "heard"

M.alert = {
  get = function(router, fp) return router.alerts:get(fp) end,
  each = function(router, visit) for fp in pairs(router.alerts.by_fp) do visit(fp) end end,
}

M.ledger = {
  get = function(router, _, about)
    local entry = about and router.ledger:get(about.group, about.target)
    return entry and { group = about.group, target = about.target, entry = entry } or nil
  end,
  each = function(router, visit)
    for group, targets in pairs(router.ledger.groups) do
      for target in pairs(targets) do visit(group .. "|" .. target, { group = group, target = target }) end
    end
  end,
}

M.drill = {
  get = function(router, name) return router.drills.memory[name] end,
  each = function(router, visit) for name in pairs(router.drills.memory) do visit(name) end end,
}

M.links = {
  get = function(router, id)
    if id == "key" then return router.links.keys end
    return router.links.used[id]
  end,
  each = function(router, visit)
    if router.links.keys[1] then visit "key" end
    for id in pairs(router.links.used) do visit(id) end
  end,
}

-- Timers and escalation.  Its members follow from the alerts, the ledger and what is owed (router.lua, `regroup`).
M.group = {
  get = function(router, id)
    if not router.configured then return router.saved_groups[id] end
    local group = router.groups[id]
    return group and group:timers()
  end,
  each = function(router, visit) for id in pairs(router.configured and router.groups or router.saved_groups) do visit(id) end end,
}

-- -- messages --------------------------------------------------------------------

local NAMED = 100 -- alerts of an entry of the history that are kept

local function copy(t)
  local out = {}
  for name, value in pairs(t) do out[name] = value end
  return out
end

-- A message without what the alerts say themselves.
local function slim(router, note)
  local out, alerts = copy(note), {}
  out.common_labels, out.common_annotations = nil, nil
  for i, alert in ipairs(note.alerts) do
    local known = router.alerts:get(alert.fp)
    if not known or not labels.is(known.labels, alert.labels) then alerts[i] = alert
    elseif alert.status == "firing" then alerts[i] = alert.fp -- most do
    else alerts[i] = { fp = alert.fp, status = alert.status, ends_at = alert.ends_at } end
  end
  out.alerts = alerts
  return out
end

M.job = {
  get = function(router, key)
    if not router.configured then return (router.saved_jobs or {})[key] end
    local job = router.outbox:get(key)
    if not job or job.once then return nil end
    local out = copy(job)
    -- After a crash nobody knows whether it left; after a stop it is known.
    out.doubt = job.doubt or job.flying or not router.book.closing or nil
    out.flying, out.tries, out.note = nil, nil, slim(router, job.note)
    return out
  end,
  each = function(router, visit) for key in pairs(router.configured and router.outbox.jobs or router.saved_jobs or {}) do visit(key) end end,
}

M.history = {
  get = function(router, id)
    local entry = router.history.by_id[id]
    if not entry or #entry.alerts <= NAMED then return entry end
    local out = copy(entry)
    out.alerts = {}
    for i = 1, NAMED do out.alerts[i] = entry.alerts[i] end
    return out
  end,
  each = function(router, visit) for id in pairs(router.history.by_id) do visit(id) end end,
}

-- -- looked at now and then ------------------------------------------------------------

M.lanes = {
  every = 1,
  get = function(router) return router.configured and router.outbox:breakers() or router.saved_breakers end,
  each = function(_, visit) visit "" end,
}

M.story = {
  every = 60,
  get = function(router) return router.story:save() end,
  each = function(_, visit) visit "" end,
}

return M

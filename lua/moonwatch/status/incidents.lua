--- incidents.lua - outages as people tell of them: opened, told about, closed.
--
-- Plain values: { id=, title=, impact=, status=, checks={names}, opened_at=, closed_at=, changed_at=, automatic= (a failing check opened it, and
-- nobody wrote in it), updates={ {at=, author=, status=, text=} } }.  They are bounded in number, in size and in time.
local M = {}
M.__index = M

M.IMPACTS = { "none", "degraded", "down", "maintenance" }
M.STATUSES = { "investigating", "identified", "monitoring", "resolved" }
M.KEPT = 90 * 86400
local MOST, UPDATES = 200, 100
local LIMITS = { title = 200, text = 5000, author = 100 }

--- share(id, incident or nil): somebody here changed it.
function M.new(host, share) return setmetatable({ host = host, share = share, by_id = {}, generation = 0 }, M) end

-- -- what people write ------------------------------------------------------

local function one_of(list, v)
  for _, item in ipairs(list) do
    if item == v then return true end
  end
end

local function check_text(said, name)
  local v = said[name]
  if v == nil then return nil end
  if type(v) ~= "string" or not v:find "%S" then return nil, ("%s: expected a text"):format(name) end
  if #v > LIMITS[name] then return nil, ("%s: longer than %d bytes"):format(name, LIMITS[name]) end
  return v
end

local function check_choice(said, name, list)
  if said[name] ~= nil and not one_of(list, said[name]) then
    return nil, ("%s: %q is not one of %s"):format(name, tostring(said[name]), table.concat(list, ", "))
  end
  return said[name]
end

-- SAID, a table from outside, with only good things in it; nil, message.
local function read(said)
  local out = {}
  for name in pairs(LIMITS) do
    local v, why = check_text(said, name)
    if why then return nil, why end
    out[name] = v
  end
  for name, list in pairs { impact = M.IMPACTS, status = M.STATUSES } do
    local v, why = check_choice(said, name, list)
    if why then return nil, why end
    out[name] = v
  end
  if said.checks ~= nil then
    if type(said.checks) ~= "table" then return nil, "checks: expected a list of names" end
    out.checks = {}
    for i, name in ipairs(said.checks) do
      if type(name) ~= "string" or i > 100 then return nil, "checks: expected a list of names, at most 100" end
      out.checks[i] = name
    end
  end
  return out
end

-- -- the list ---------------------------------------------------------------

local function changed(self, incident, now)
  incident.changed_at = now
  self.generation = self.generation + 1
  self.share(incident.id, incident)
  return incident
end

--- Newest first.
function M:list()
  local out = {}
  for _, incident in pairs(self.by_id) do out[#out + 1] = incident end
  table.sort(out, function(a, b)
    if a.opened_at ~= b.opened_at then return a.opened_at > b.opened_at end
    return a.id > b.id
  end)
  return out
end

function M:get(id) return self.by_id[id] end

-- Those that are long over leave, and the oldest when there are too many; open ones stay.
local function tidy(self, now)
  local list = self:list()
  for i, incident in ipairs(list) do
    local closed = incident.closed_at
    if closed and (now - closed > M.KEPT or i > MOST) then self.by_id[incident.id] = nil end
  end
end

local function add(incident, said, now)
  table.insert(incident.updates, { at = now, author = said.author, status = incident.status, text = said.text })
  if #incident.updates > UPDATES then table.remove(incident.updates, 2) end
end

--- SAID: { title=, text=, author=, impact="down", status="investigating", checks= }.  The incident; nil, message.
function M:open(said, now, automatic)
  local fields, why = read(said)
  if not fields then return nil, why end
  if not fields.title then return nil, "title: expected a text" end
  if fields.status == "resolved" then return nil, "status: it is opened, so it is not resolved" end
  tidy(self, now)
  local incident = { id = self.host.random_hex(8), title = fields.title, impact = fields.impact or "down", status = fields.status or "investigating",
                     checks = fields.checks or {}, opened_at = now, automatic = automatic or nil, updates = {} }
  add(incident, fields, now)
  self.by_id[incident.id] = incident
  return changed(self, incident, now)
end

--- Something new about INCIDENT; what SAID does not say stays.  One that was closed is open again unless it stays resolved.
function M:update(incident, said, now, automatic)
  local fields, why = read(said)
  if not fields then return nil, why end
  if not next(fields) then return nil, "an update says something: text, status, impact, title or checks" end
  for _, name in ipairs { "title", "impact", "status", "checks" } do incident[name] = fields[name] or incident[name] end
  if incident.status == "resolved" then incident.closed_at = incident.closed_at or now else incident.closed_at = nil end
  if not automatic then incident.automatic = nil end
  add(incident, fields, now)
  return changed(self, incident, now)
end

function M:close(incident, said, now, automatic)
  local with = {}
  for name, v in pairs(said) do with[name] = v end
  with.status = "resolved"
  return self:update(incident, with, now, automatic)
end

function M:remove(incident)
  self.by_id[incident.id] = nil
  self.generation = self.generation + 1
  self.share(incident.id, nil)
end

-- -- other nodes, and restarts ----------------------------------------------

local function number(v) return type(v) == "number" end

-- VALUE as an incident, or nothing.
local function sound(v)
  if type(v) ~= "table" or type(v.id) ~= "string" or not number(v.opened_at) or not number(v.changed_at) or type(v.updates) ~= "table" then return nil end
  if not read { title = v.title, impact = v.impact, status = v.status, checks = v.checks } or not v.title then return nil end
  local out = { id = v.id, title = v.title, impact = v.impact or "down", status = v.status or "investigating", checks = v.checks or {}, updates = {},
                opened_at = v.opened_at, changed_at = v.changed_at, closed_at = number(v.closed_at) and v.closed_at or nil, automatic = v.automatic == true or nil }
  for _, u in ipairs(v.updates) do
    if type(u) == "table" and number(u.at) and read { text = u.text, author = u.author, status = u.status } then
      table.insert(out.updates, { at = u.at, text = u.text, author = u.author, status = u.status })
    end
  end
  return out
end

--- Another node shared VALUE as ID; nil: it is gone.  True when that was news.
function M:take(id, value)
  if value == nil then
    local had = self.by_id[id] ~= nil
    self.by_id[id] = nil
    if had then self.generation = self.generation + 1 end
    return had
  end
  local incident = sound(value)
  local known = incident and self.by_id[incident.id]
  if not incident or incident.id ~= id or (known and known.changed_at >= incident.changed_at) then return false end
  self.by_id[id] = incident
  self.generation = self.generation + 1
  return true
end

function M:save() return self:list() end

function M:restore(saved)
  for _, value in ipairs(type(saved) == "table" and saved or {}) do
    if type(value) == "table" then self:take(value.id, value) end
  end
end

return M

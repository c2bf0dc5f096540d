--- corrections.lua - time that does not count: maintenance that was announced, an incident that was somebody else's.
--
-- An entry is { id=, slo=, from=, to=, reason=, author=, made=, window= (name: only the times of that window) }; one that was
-- taken back has `gone` and `gone_by`, and is kept, so that a report of last month can be explained.  With
-- several nodes every node knows them all.
local M = {}
M.__index = M

M.KEPT = 2000
local DAY = 86400

--- saved: a list of entries.
function M.new(saved)
  local self = setmetatable({ list = {}, by_id = {}, changes = 0 }, M)
  for _, entry in ipairs(type(saved) == "table" and saved or {}) do self:merge(entry) end
  return self
end

local function sound(e)
  if type(e) ~= "table" then return false end
  for _, name in ipairs { "id", "slo", "reason", "author" } do
    if type(e[name]) ~= "string" then return false end
  end
  return type(e.from) == "number" and type(e.to) == "number" and e.from < e.to and type(e.made) == "number"
end

--- Take ENTRY, which is new or says something newer of one that is there.  False when there is nothing new in it.
function M:merge(entry)
  if not sound(entry) then return false end
  local there = self.by_id[entry.id]
  if there then
    if there.gone or not entry.gone then return false end
    there.gone, there.gone_by = entry.gone, entry.gone_by
  else
    local at = #self.list + 1
    while at > 1 and self.list[at - 1].from > entry.from do at = at - 1 end
    table.insert(self.list, at, entry)
    self.by_id[entry.id] = entry
    if #self.list > M.KEPT then self.by_id[table.remove(self.list, 1).id] = nil end
  end
  self.changes = self.changes + 1
  return true
end

--- Entries of SLO, oldest first; ALL: also those that were taken back.
function M:of(slo, all)
  local out = {}
  for _, e in ipairs(self.list) do
    if e.slo == slo and (all or not e.gone) then out[#out + 1] = e end
  end
  return out
end

-- -- stretches -------------------------------------------------------------

--- The times of WINDOW between FROM and TO, as { from, to }.
function M.within(window, from, to)
  local out, t = {}, from
  while t < to do
    local inside, change = window:contains(t), window:next_change(t) or math.huge
    if inside then out[#out + 1] = { t, math.min(change, to) } end
    t = change
  end
  return out
end

--- LIST of { from, to } in order, what overlaps or touches made one.
function M.merged(list)
  table.sort(list, function(a, b) return a[1] < b[1] end)
  local out = {}
  for _, s in ipairs(list) do
    local last = out[#out]
    if last and s[1] <= last[2] then last[2] = math.max(last[2], s[2]) else out[#out + 1] = { s[1], s[2] } end
  end
  return out
end

--- What of FROM to TO is outside of LIST, which is merged.
function M.outside(list, from, to)
  local out, t = {}, from
  for _, s in ipairs(list) do
    if s[2] > t and s[1] < to then
      if s[1] > t then out[#out + 1] = { t, s[1] } end
      t = math.max(t, s[2])
    end
  end
  if t < to then out[#out + 1] = { t, to } end
  return out
end

-- Times of NAMES, windows that always count as corrections, day by day; each day is looked at once.
local function regular(runner, names, from, to)
  if runner.regular_of ~= runner.engine.set then runner.regular_of, runner.regular = runner.engine.set, {} end
  local out = {}
  for day = math.floor(from / DAY), math.floor(to / DAY) do
    if not runner.regular[day] then
      runner.regular[day] = {}
      for _, name in ipairs(names) do
        local window = runner.engine:window(name)
        for _, s in ipairs(window and M.within(window, day * DAY, (day + 1) * DAY) or {}) do table.insert(runner.regular[day], s) end
      end
    end
    for _, s in ipairs(runner.regular[day]) do
      if s[2] > from and s[1] < to then out[#out + 1] = { math.max(s[1], from), math.min(s[2], to) } end
    end
  end
  return out
end

--- All stretches between FROM and TO that do not count for RUNNER, merged.
function M.stretches(runner, from, to)
  local rule, list = runner.rule, {}
  if rule.maintenance and #rule.maintenance > 0 then list = regular(runner, rule.maintenance, from, to) end
  for _, e in ipairs(runner.engine.corrections:of(rule.name)) do
    local a, b = math.max(e.from, from), math.min(e.to, to)
    if a < b then
      local window = e.window and runner.engine:window(e.window)
      if window then
        for _, s in ipairs(M.within(window, a, b)) do list[#list + 1] = s end
      elseif not e.window then
        list[#list + 1] = { a, b }
      end
    end
  end
  return #list > 1 and M.merged(list) or list
end

return M

--- silence_index.lua - which silences have matchers that a set of labels satisfies, without asking all of them.
--
-- A silence is filed under the values of one of its matchers that says which they are: `team="web"`, or a regular expression
-- that only lists texts (`instance=~"a|b"`).  What has no such matcher is tried on every set.  What was found is remembered per
-- table of labels (alerts keep theirs), so that asking again costs nothing but the silences that came since.
local matchers = require "moonwatch.route.matchers"

local M = {}
M.__index = M

local MOST_VALUES = 64
local REBUILD = 1024 -- silences that came or went before all is filed anew

function M.new() return setmetatable({ live = {}, gone = 0 }, M):rebuild() end

-- "a|b\\.c" → { "a", "b.c" }; nil when it is more than a list of texts.
local function listed(pattern)
  local out = {}
  for part in (pattern .. "|"):gmatch "(.-)|" do
    local text = part:gsub("\\([%.%-])", "%1")
    if part == "" or part:gsub("\\[%.%-]", ""):find "[^%w_:/@ %-]" or #out == MOST_VALUES then return nil end
    out[#out + 1] = text
  end
  return out
end

local function values_of(m)
  if m.op == "=" and m.value ~= "" then return { m.value } end
  return m.op == "=~" and listed(m.value) or nil
end

-- The matcher of SET under which fewest are filed already: its name and values; nil when there is none that can be filed.
local function drawer_for(self, set)
  local name, values, least
  for _, m in ipairs(set.list) do
    local v = values_of(m)
    if v then
      local cost, by = #v, self.drawers[m.name]
      for _, value in ipairs(v) do cost = cost + #(by and by[value] or "") end
      if not least or cost < least then name, values, least = m.name, v, cost end
    end
  end
  return name, values
end

local function file(self, entry)
  local name, values = drawer_for(self, entry.set)
  if not name then
    self.rest[#self.rest + 1] = entry
    return
  end
  local by = self.drawers[name] or {}
  self.drawers[name] = by
  for _, value in ipairs(values) do
    local list = by[value] or {}
    by[value] = list
    list[#list + 1] = entry
  end
end

local function add(self, entry)
  self.log[#self.log + 1] = entry
  file(self, entry)
end

--- File all anew, without what is gone.
function M:rebuild()
  self.drawers, self.rest, self.log, self.gone = {}, {}, {}, 0
  self.found = setmetatable({}, { __mode = "k" })
  for _, entries in pairs(self.live) do
    for _, entry in ipairs(entries) do file(self, entry) end
  end
  return self
end

--- SILENCE has the compiled SETS of matchers, any of which may fit.
function M:put(silence, sets)
  self:remove(silence.id)
  local entries = {}
  for i, set in ipairs(sets) do
    entries[i] = { id = silence.id, set = set }
    add(self, entries[i])
  end
  self.live[silence.id] = entries
  if #self.log > REBUILD then self:rebuild() end
end

--- Is there none that could be found?
function M:empty() return next(self.live) == nil end

function M:remove(id)
  local entries = self.live[id]
  if not entries then return end
  for _, entry in ipairs(entries) do entry.gone = true end
  self.live[id], self.gone = nil, self.gone + 1
  if self.gone > REBUILD then self:rebuild() end
end

local function try(found, entry, labels)
  if not entry.gone and found[#found] ~= entry and matchers.match(entry.set, labels) then found[#found + 1] = entry end
end

local function search(self, labels)
  local found = {}
  for name, by in pairs(self.drawers) do
    for _, entry in ipairs(labels[name] and by[labels[name]] or {}) do try(found, entry, labels) end
  end
  for _, entry in ipairs(self.rest) do try(found, entry, labels) end
  return found
end

--- Entries {id=, set=, gone=} that LABELS satisfy; an id may stand there for each of its sets, and `gone` ones are no more.
-- The list is the index's own.
function M:matching(labels)
  local found = self.found[labels]
  if not found then
    found = search(self, labels)
    self.found[labels] = found
  else
    for i = found.seen + 1, #self.log do try(found, self.log[i], labels) end
  end
  found.seen = #self.log
  return found
end

return M

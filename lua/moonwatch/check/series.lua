--- series.lua - what a check writes into the store: one handle for each of its series, found once.
--
-- A series that was written and is not any more gets a marker, so that nobody takes its last value for the present one.
local M = {}
M.__index = M

--- Series of HOST with LABELS.
function M.new(host, labels)
  return setmetatable({ host = host, labels = labels, handles = {}, live = {}, ending = {} }, M)
end

--- With the labels of RULE, a check of KIND.
function M.of(host, rule, kind)
  local labels = { check = rule.name, kind = kind }
  for name, value in pairs(rule.labels) do labels[name] = value end
  return M.new(host, labels)
end

local function same_labels(a, b)
  for name, value in pairs(a) do if b[name] ~= value then return false end end
  for name in pairs(b) do if a[name] == nil then return false end end
  return true
end

--- Go on with what OLD has written: the series end that are other ones now.
function M:inherit(old)
  if same_labels(self.labels, old.labels) then
    self.handles, self.live, self.ending = old.handles, old.live, old.ending
    return
  end
  self.ending = old.ending
  for key in pairs(old.live) do self.ending[#self.ending + 1] = old.handles[key] end
end

-- What a series is known by among those of this check.
local function key_of(name, labels)
  if not labels or next(labels) == nil then return name end
  local parts = {}
  for k, v in pairs(labels) do parts[#parts + 1] = k .. "\0" .. v end
  table.sort(parts)
  return name .. "\0" .. table.concat(parts, "\0")
end

local function handle(self, key, name, more)
  local found = self.handles[key]
  if found then return found end
  local labels = { __name__ = name }
  for k, v in pairs(self.labels) do labels[k] = v end
  for k, v in pairs(more or {}) do labels[k] = v end
  found = assert(self.host.series(labels))
  self.handles[key] = found
  return found
end

local function ends(self, out, key)
  out[#out + 1], out[#out + 2] = self.handles[key], "stale"
  self.live[key] = nil
end

--- VALUES by name at T, false for one that ends.  MEASURED: list of { name, value, labels }; what was written before and is in
-- neither ends, unless MEASURED is nil.
function M:write(t, values, measured)
  local out, now = {}, {}
  local function put(key, name, value, more)
    out[#out + 1], out[#out + 2] = handle(self, key, name, more), value
    self.live[key], now[key] = true, true
  end
  for name, value in pairs(values) do
    if value then put(name, name, value) elseif self.live[name] then ends(self, out, name) end
  end
  for _, m in ipairs(measured or {}) do put(key_of(m[1], m[3]), m[1], m[2], m[3]) end
  if measured then
    for key in pairs(self.live) do
      if not now[key] then ends(self, out, key) end
    end
  end
  for _, old in ipairs(self.ending) do out[#out + 1], out[#out + 2] = old, "stale" end
  self.ending = {}
  if #out > 0 then self.host.write(t, out) end
end

--- All of them end at T.
function M:close(t) self:write(t, {}, {}) end

return M

--- match.lua - which rows agree with a set of labels: on every label that both of them have.
--
-- Rows that have the same names of labels stand together, so that a thousand rows find theirs among a thousand others
-- without a look at each.
local M = {}
M.__index = M

local function names_of(labels)
  local out = {}
  for name in pairs(labels) do
    if name ~= "__name__" then out[#out + 1] = name end
  end
  table.sort(out)
  return out
end

local function text_of(labels, names)
  local out = {}
  for i, name in ipairs(names) do out[i] = labels[name] end
  return table.concat(out, "\255")
end

--- Do A and B agree?
function M.agree(a, b)
  for name, value in pairs(a) do
    if name ~= "__name__" and b[name] ~= nil and b[name] ~= value then return false end
  end
  return true
end

--- ROWS, a list of { labels=, ... }, to be found.
function M.new(rows)
  local self = setmetatable({ kinds = {} }, M)
  for _, row in ipairs(rows) do
    local names = names_of(row.labels)
    local sign = table.concat(names, "\255")
    local kind = self.kinds[sign] or { names = names, rows = {}, by = {} }
    self.kinds[sign] = kind
    kind.rows[#kind.rows + 1] = row
  end
  return self
end

-- The rows of KIND by the values of the labels SHARED.
local function by(kind, shared)
  local sign = table.concat(shared, "\255")
  local map = kind.by[sign]
  if map then return map end
  map = {}
  for _, row in ipairs(kind.rows) do
    local text = text_of(row.labels, shared)
    map[text] = map[text] or {}
    table.insert(map[text], row)
  end
  kind.by[sign] = map
  return map
end

--- The rows that agree with LABELS.
function M:find(labels)
  local out = {}
  for _, kind in pairs(self.kinds) do
    local shared = {}
    for _, name in ipairs(kind.names) do
      if labels[name] ~= nil then shared[#shared + 1] = name end
    end
    for _, row in ipairs(by(kind, shared)[text_of(labels, shared)] or {}) do out[#out + 1] = row end
  end
  return out
end

return M

--- enrich.lua - labels and annotations that alerts of others get as they come in: whose they are, by an inventory.
--
-- The rules are asked one after the other, and each sees what those before it made.  An alert must become the same each time, or its
-- end would be the end of another one; so nothing goes into it but its own labels.
local expand = require "moonwatch.alert.text"
local labels_of = require "moonwatch.route.labels"
local matchers = require "moonwatch.route.matchers"

local M = {}
M.__index = M

local function compiled(texts)
  local out = {}
  for name, text in pairs(texts or {}) do out[name] = expand.compile(text) or text end
  return out
end

--- SPECS: list of {match=, by={}, from={key → labels}, labels=, annotations=, drop={}, over=}.  nil, message when a matcher is bad.
function M.new(specs, host)
  local self = setmetatable({ rules = {} }, M)
  for i, spec in ipairs(specs or {}) do
    local match, err = matchers.compile(spec.match, host)
    if not match then return nil, err end
    self.rules[i] = { match = match, by = spec.by or {}, from = spec.from or {}, labels = compiled(spec.labels),
      annotations = compiled(spec.annotations), drop = spec.drop or {}, over = spec.over }
  end
  return self
end

--- Is there anything to do?
function M:any() return #self.rules > 0 end

local function key_of(rule, labels)
  local out = {}
  for i, name in ipairs(rule.by) do out[i] = labels[name] or "" end
  return table.concat(out, "/")
end

local function filled(texts, labels)
  local out = {}
  for name, text in pairs(texts) do
    out[name] = type(text) == "table" and expand.expand(text, { labels = labels, name = labels.alertname }) or text
  end
  return out
end

-- MORE, where SET has none of that name or OVER is said; what is empty is none.
local function add(set, more, over)
  for name, text in pairs(more) do
    if text ~= "" and (over or (set[name] or "") == "") then set[name] = text end
  end
end

local function apply(rule, labels, annotations)
  if #rule.by > 0 then add(labels, rule.from[key_of(rule, labels)] or {}, rule.over) end
  add(annotations, filled(rule.annotations, labels), rule.over)
  add(labels, filled(rule.labels, labels), rule.over)
  for _, name in ipairs(rule.drop) do labels[name] = nil end
end

local function copy(set)
  local out = {}
  for name, value in labels_of.each(set or {}) do out[name] = value end
  return out
end

--- REPORT, or what it becomes.
function M:apply(report)
  local labels, annotations
  for _, rule in ipairs(self.rules) do
    if matchers.match(rule.match, labels or report.labels) then
      labels, annotations = labels or copy(report.labels), annotations or copy(report.annotations)
      apply(rule, labels, annotations)
    end
  end
  if not labels or not next(labels) then return report end
  local out = copy(report)
  out.labels, out.annotations = labels, annotations
  return out
end

return M

--- promtool_rules.lua - rule files for tests: Prometheus YAML as the engine's rules, and .lua files as they are.
--
-- The YAML is not translated to Lua and back: what runs is what stands there, so that a test that promtool passes is passed
-- here too.  Texts with {{ }} are Go templates; promtool_text.lua makes functions of them.
local identity = require "moonwatch.config.identity"
local load = require "moonwatch.config.load"
local schema = require "moonwatch.config.schema"
local texts = require "moonwatch.testing.promtool_text"
local words = require "moonwatch.words"
local yaml = require "moonwatch.testing.promtool_yaml"

local M = {}

-- -- the shape of a file -----------------------------------------------------------------------

local function file_shape(host)
  local duration = yaml.duration(host)
  local rule = yaml.object {
    record = yaml.text, alert = yaml.text, expr = yaml.text, ["for"] = duration, keep_firing_for = duration,
    labels = yaml.texts, annotations = yaml.texts,
  }
  local group = yaml.object {
    name = yaml.text, interval = duration, query_offset = duration, limit = yaml.number, labels = yaml.texts, rules = yaml.list(rule),
  }
  return yaml.object { groups = yaml.list(group) }
end

-- -- rules -------------------------------------------------------------------------------------

local Reader = {}
Reader.__index = Reader

function Reader:problem(line, why, ...)
  self.problems[#self.problems + 1] = ("%s:%d: "):format(self.path, line or 1) .. why:format(...)
end

local function merged(a, b)
  local out = {}
  for k, v in pairs(a or {}) do out[k] = v end
  for k, v in pairs(b or {}) do out[k] = v end
  return out
end

-- Texts of a rule with these LABELS, those with templates as functions.
function Reader:templates(line, map, what, labels)
  local out, own = {}, { alertname = true, __name__ = true }
  for name in pairs(labels) do own[name] = true end
  for name, text in pairs(map or {}) do
    local made, why = self.texts:add(text, own, what == "label")
    if made == nil then self:problem(line, "%s %q: %s", what, name, why) end
    out[name] = made
  end
  return out
end

function Reader:rule(group, r, every)
  local name = r.alert or r.record
  if not name or r.alert and r.record then return self:problem(r.line, "a rule has either a name for `alert` or one for `record`") end
  if not r.expr then return self:problem(r.line, "%q has no `expr`", name) end
  local ok, why, line, col = self.host.check_expr(r.expr)
  if not ok then return self:problem(r.line, "%q: expr:%d:%d: %s", name, line or 1, col or 1, why) end
  self.order = self.order + 1
  local rule = { name = name, expr = r.expr, every = every, file = self.path, line = r.line, order = self.order, group = group.name,
                 query_offset = group.query_offset, limit = (group.limit or 0) > 0 and group.limit or nil, interval = group.interval }
  local labels = merged(group.labels, r.labels)
  if r.record then
    rule.word, rule.labels = "record", labels
    return self:put(self.set.records, rule)
  end
  rule.word, rule.hold, rule.keep, rule.severity = "alert", r["for"] or 0, r.keep_firing_for or 0, ""
  rule.labels = self:templates(r.line, labels, "label", labels)
  rule.annotations = self:templates(r.line, r.annotations, "annotation", labels)
  self:put(self.set.alerts, rule)
end

-- One rule may stand there several times.
function Reader:put(list, rule)
  local id = identity.id(rule)
  self.known[id] = (self.known[id] or 0) + 1
  if self.known[id] > 1 then rule.variant = tostring(self.known[id]) end
  rule.id = identity.id(rule)
  table.insert(list, rule)
end

function Reader:yaml(path, source, every)
  self.path, self.order = path, 0
  local file, why = yaml.read(self.host, path, source, file_shape(self.host), "the file of rules")
  if not file then
    self.problems[#self.problems + 1] = why
    return
  end
  local seen = {}
  for _, group in ipairs(file.groups or {}) do
    if not group.name then self:problem(group.line, "a group has no name")
    elseif seen[group.name] then self:problem(group.line, "there are two groups %q", group.name) end
    seen[group.name or ""] = true
    for _, r in ipairs(group.rules or {}) do self:rule(group, r, every) end
  end
end

-- Rules in Lua, at the interval of the test like all others.
function Reader:lua(path, every)
  local set, problems = load.load { host = self.host, paths = { path } }
  for _, p in ipairs(problems) do self.problems[#self.problems + 1] = p.text end
  if not set then return end
  for _, list in ipairs { "records", "alerts", "slos" } do
    for _, rule in ipairs(set[list]) do
      rule.interval, rule.every = rule.every, every
      table.insert(self.set[list], rule)
    end
  end
  for name, unit in pairs(set.units) do self.set.units[name] = unit end
end

--- The rules of PATHS, each evaluated at EVERY: a set as the engine takes it, or nil and a list of problems.
-- context: { labels=, url= } that texts may speak of.
function M.read(host, paths, every, context)
  local settings = schema.defaults(words.by_name.settings, host)
  settings.external_labels, settings.external_url = context.labels, context.url
  local self = setmetatable({ host = host, problems = {}, known = {}, texts = texts.new(host), set = {
    settings = settings, units = {}, scrapes = {}, records = {}, alerts = {}, slos = {}, checks = {}, everys = {}, expects = {},
  } }, Reader)
  for _, path in ipairs(paths) do
    local source, why = host.read_file(path)
    if not source then self.problems[#self.problems + 1] = ("%s: %s"):format(path, why)
    elseif path:find "%.lua$" then self:lua(path, every)
    else self:yaml(path, source, every) end
  end
  if #self.problems > 0 then return nil, self.problems end
  for path, unit in pairs(self.texts:open()) do self.set.units[path] = unit end
  return self.set
end

return M

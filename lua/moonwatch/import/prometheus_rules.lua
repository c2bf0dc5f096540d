--- prometheus_rules.lua - a rule file of Prometheus as a rule file of ours.
--
-- Group for group, rule for rule, in their order.  Everything that Prometheus would do by default is written out where our default
-- is another: the interval, and that an alert has no severity.
local gotemplate = require "moonwatch.import.gotemplate_lua"
local lua = require "moonwatch.import.lua_source"
local writer = require "moonwatch.import.lua_writer"
local yaml = require "moonwatch.import.yaml"

local M = {}

local MOST = 200000 -- bytes of one file; the loader takes 256 KB

local GROUP = { name = "text", interval = "duration", query_offset = "duration", limit = "number", labels = "map", rules = "list",
                partial_response_strategy = "text" }
local RULE = { record = "text", alert = "text", expr = "text", ["for"] = "duration", keep_firing_for = "duration", labels = "map", annotations = "map" }
local FIELDS = { summary = "summary", description = "description", runbook_url = "runbook" }

-- -- rows --------------------------------------------------------------------------

local Rule = {}
Rule.__index = Rule

-- A row for FIELD of the YAML, which stands where KEY does; comments that belong to it come along.
function Rule:row(name, value, key, short)
  local row = { name = name, value = value, short = short }
  if key then
    row.above = self.doc:above(key.line, self.line)
    row.beside = self.doc:beside(key.line)
  end
  return row
end

function Rule:lost(node, what) self.doc:lost(node, what) end

-- A template as the Lua of a field; nil when it cannot be said, which is reported.
function Rule:template(text, node, of_label)
  local found, why, line = gotemplate.convert(text, { own = self.own, of_label = of_label })
  if found then
    if found.lua then
      if found.uses_template then self.file:need 'local t = require "moonwatch.template"' end
      return found.lua
    end
    return lua.text(found.text)
  end
  local at = { line = node.line + (line or 1) - 1 + (node.plain == nil and node.last > node.line and line and 1 or 0), col = node.col }
  self:lost(at, found == nil and ("bad template: %s"):format(why) or ("template cannot be carried over: %s"):format(why))
end

-- Labels of the rule, those of its group below.
function Rule:label_rows()
  local out, seen = {}, {}
  for _, list in ipairs { self.doc:text_rows(self.fields.labels, "labels"), self.group_labels } do
    for _, row in ipairs(list) do
      if not seen[row[1]] then
        seen[row[1]] = true
        out[#out + 1] = row
      end
    end
  end
  return out
end

local function label_problem(name)
  if not name:find "^[%a_][%w_]*$" then return ("label %q: only letters, digits and _ can be in a label name"):format(name) end
  if name == "__name__" then return "label __name__ cannot be set by a rule" end
end

function Rule:labels_row(rows, templates)
  local list = {}
  for _, label in ipairs(rows) do
    local why = label_problem(label[1])
    if why then self:lost(label.key, why)
    else
      local value = templates and self:template(label[2], label.node, true) or not templates and lua.text(label[2])
      if value then list[#list + 1] = self:row(label[1], value, self.fields.labels and label.key) end
    end
  end
  if #list > 0 then
    self.rows[#self.rows + 1] = self:row("labels", writer.table(list), self.keys.labels)
  end
end

function Rule:timing()
  local group = self.group
  local function add(name, value) if value then self.rows[#self.rows + 1] = { name = name, value = value, short = true } end end
  add("every", lua.quoted(group.every))
  add("group", lua.quoted(group.name))
  add("query_offset", group.query_offset and lua.quoted(group.query_offset))
  add("limit", group.limit and ("%d"):format(group.limit))
  add("variant", self.variant and lua.quoted(self.variant))
end

-- -- alerts -------------------------------------------------------------------------

-- A label `severity` becomes the field when it is a plain text; otherwise the alert has none but what the label says.
function Rule:severity(rows)
  local rest, severity = {}, nil
  for _, label in ipairs(rows) do
    if label[1] == "severity" and not label[2]:find("{{", 1, true) and not label[2]:find("${", 1, true) then severity = label
    elseif label[1] == "alertname" then self:lost(label.key, "label alertname is always the name of the alert")
    else rest[#rest + 1] = label end
  end
  self.rows[#self.rows + 1] = self:row("severity", lua.quoted(severity and severity[2] or ""), severity and severity.key, true)
  return rest
end

function Rule:annotations()
  local others = {}
  for _, a in ipairs(self.doc:text_rows(self.fields.annotations, "annotations")) do
    local why = label_problem(a[1])
    if why then self:lost(a.key, (why:gsub("label", "annotation")))
    else
      local value = self:template(a[2], a.node, false)
      local row = value and self:row(FIELDS[a[1]] or a[1], value, a.key)
      if row and FIELDS[a[1]] then self.rows[#self.rows + 1] = row
      elseif row then others[#others + 1] = row end
    end
  end
  if #others > 0 then self.rows[#self.rows + 1] = self:row("annotations", writer.table(others), self.keys.annotations) end
end

function Rule:hold(field, name)
  local node = self.fields[field]
  if node and self.doc.host.duration(node.text) ~= 0 then
    self.rows[#self.rows + 1] = self:row(name, lua.quoted(node.text), self.keys[field], true)
  end
end

function Rule:alert()
  local labels = self:label_rows()
  self.own = { alertname = true, __name__ = true }
  for _, label in ipairs(labels) do self.own[label[1]] = true end
  self:hold("for", "hold")
  self:hold("keep_firing_for", "keep")
  labels = self:severity(labels)
  self:timing()
  self:labels_row(labels, true)
  self:annotations()
  if self.group.limit then
    self:lost(self.group.limit_key, "limit: Prometheus drops every alert of a rule that has more; moonwatch keeps the first ones and shows the problem")
  end
end

function Rule:record()
  for _, field in ipairs { "for", "keep_firing_for", "annotations" } do
    if self.fields[field] then self:lost(self.keys[field], ("%s: a record has none"):format(field)) end
  end
  self:timing()
  self:labels_row(self:label_rows(), false)
end

-- -- one rule ------------------------------------------------------------------------

-- What tells the rule from others, in the way the engine does.
function Rule:identity(word, name)
  local parts = {}
  for _, label in ipairs(self:label_rows()) do
    local found = word == "alert" and gotemplate.convert(label[2], { of_label = true })
    parts[#parts + 1] = label[1] .. "=" .. (found and (found.text or "function") or label[2])
  end
  table.sort(parts)
  return word .. "\0" .. name .. "\0" .. table.concat(parts, "\0")
end

local function why_not(self, word, name)
  local host, fields = self.doc.host, self.fields
  if not word then return self.node, "a rule needs either record or alert" end
  if fields.record and fields.alert then return self.keys.alert, "a rule is either a record or an alert, not both" end
  if name == "" then return self.keys[word], "the name is empty" end
  if word == "record" and not name:find "^[%a_:][%w_:]*$" then return fields.record, ("%q is not a metric name (letters, digits, _ and :)"):format(name) end
  if not fields.expr then return self.keys[word], "a rule needs expr" end
  local ok, why, line, col = host.check_expr(fields.expr.text)
  if not ok then
    local node = fields.expr
    local block = node.last > node.line and not node.plain
    return { line = node.line + (line or 1) - 1 + (block and 1 or 0), col = block and (col or 1) or node.col + (col or 1) - 1 },
      "bad PromQL: " .. tostring(why)
  end
end

local function rule_of(run, group, node)
  local doc = run.doc
  local above = doc:above(node.line, run.floor)
  if node.kind ~= "map" then return doc:expect(node, "map", "rule") end
  local self = setmetatable({ doc = doc, file = run.file, group = group, group_labels = group.labels, node = node, line = node.line - 1, rows = {} }, Rule)
  self.fields, self.keys = doc:fields(node, RULE, "rule")
  local word = self.fields.record and "record" or self.fields.alert and "alert"
  local name = word and self.fields[word].text
  local at, why = why_not(self, word, name)
  if at then
    self:lost(at, why)
    run.file:comments(above)
    return run.file:aside(("not imported: %s %s: %s"):format(word or "rule", name and lua.quoted(name) or "", why))
  end
  if run.file:size() > MOST then
    doc:lost(group.key, ("group %q is larger than one file may be: its rules are several groups now"):format(group.name))
    run.next_file()
  end
  local id = self:identity(word, name)
  run.known[id] = (run.known[id] or 0) + 1
  if run.known[id] > 1 then self.variant = tostring(run.known[id]) end
  for _, text in ipairs { doc:beside(node.line) } do above[#above + 1] = text end
  self.rows[1] = self:row("expr", lua.expression(self.fields.expr.text), self.keys.expr)
  self[word](self)
  for _, text in ipairs(doc:left(node.line, node.last)) do above[#above + 1] = text end
  run.file:declare(word, name, self.rows, above, doc, node)
end

-- -- groups --------------------------------------------------------------------------

local function group_of(run, node)
  local doc = run.doc
  local fields, keys = doc:fields(node, GROUP, "group")
  local group = { name = fields.name and fields.name.text, key = keys.name, labels = doc:text_rows(fields.labels, "labels"),
                  every = fields.interval and doc.host.duration(fields.interval.text) ~= 0 and fields.interval.text or run.every,
                  query_offset = fields.query_offset and fields.query_offset.text or run.query_offset,
                  limit = fields.limit and tonumber(fields.limit.text) > 0 and tonumber(fields.limit.text) or nil, limit_key = keys.limit }
  if fields.partial_response_strategy then doc:lost(keys.partial_response_strategy, "partial_response_strategy is Thanos'; there is one store here") end
  return group, fields, keys
end

-- About how many bytes NODE will be as Lua.
local function weight(node)
  local n = 30 + #(node.text or "")
  for _, list in ipairs { node.items or {}, node.keys or {}, node.values or {} } do
    for _, child in ipairs(list) do n = n + weight(child) end
  end
  return n
end

local function take_group(run, node)
  local doc = run.doc
  if not doc:expect(node, "map", "group") then return end
  local above = doc:above(node.line, run.floor)
  local group, fields, keys = group_of(run, node)
  if not group.name or group.name == "" then return doc:lost(node, "a group needs a name") end
  if run.names[group.name] then doc:lost(keys.name, ("group %q is said twice; its rules are one group now"):format(group.name)) end
  run.names[group.name] = true
  if not run.file:empty() and run.file:size() + weight(node) > MOST then run.next_file() end
  local head = {}
  for _, text in ipairs(above) do head[#head + 1] = text end
  head[#head + 1] = ("group %s, every %s %s"):format(group.name:gsub("%c", " "), group.every, ("-"):rep(math.max(3, 60 - #group.name - #group.every)))
  for _, text in ipairs(doc:left(node.line, keys.rules and keys.rules.line or node.last)) do head[#head + 1] = text end
  run.floor = keys.rules and keys.rules.line or run.floor
  run.file:comments(head)
  for _, rule in ipairs(fields.rules and fields.rules.items or {}) do
    rule_of(run, group, rule)
    run.floor = rule.last
  end
  run.floor = node.last
end

-- The groups of a rule file, or of the resource PrometheusRule of Kubernetes; a list with the line it begins on.
local function groups_of(doc)
  local root = doc:expect(doc.root, "map", "rule file")
  if not root then return {} end
  local fields, keys
  for _, key in ipairs(root.keys) do
    if key.text == "spec" then
      fields = doc:fields(root, { apiVersion = "text", kind = "text", metadata = "map", spec = "map" }, "PrometheusRule")
      root = fields.spec or { kind = "map", keys = {}, values = {} }
      break
    end
  end
  fields, keys = doc:fields(root, { groups = "list", namespace = "text" }, "rule file")
  local out = { line = keys.groups and keys.groups.line or 1 }
  for i, node in ipairs(fields.groups and fields.groups.items or {}) do out[i] = node end
  return out
end

--- The rules of the file PATH.  options: { host=, report=, every= (of groups that say none), query_offset=, how= }.  Gives a list of
-- texts, as many as it takes to keep each below what the loader takes; nil when the file cannot be read.
function M.import(path, options)
  local doc = yaml.open(options.host, path, options.report)
  if not doc then return nil end
  local run = { doc = doc, files = {}, floor = 0, names = {}, known = {}, every = options.every or "1m", query_offset = options.query_offset }
  function run.next_file()
    run.file = writer.new(path, options.how)
    run.files[#run.files + 1] = run.file
  end
  run.next_file()
  local groups = groups_of(doc)
  local first = groups[1]
  run.file:comments(first and doc:above(groups.line, 0) or {})
  for _, node in ipairs(groups) do take_group(run, node) end
  run.file:comments(doc:left(1, doc.lines))
  if #doc.documents > 1 then doc:lost(doc.documents[2], "a second document; Prometheus reads the first one only") end
  local out = {}
  for i, file in ipairs(run.files) do out[i] = file:text() end
  return out
end

return M

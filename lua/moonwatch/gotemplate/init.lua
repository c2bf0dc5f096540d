--- init.lua - texts of receivers that are written as in Alertmanager: {{ .CommonLabels.job | toUpper }}.
local host = require "moonwatch.host"

local functions = require "moonwatch.gotemplate.functions"
local read = require "moonwatch.gotemplate.read"
local run = require "moonwatch.gotemplate.run"
local text_of = require "moonwatch.to.text"
local values = require "moonwatch.gotemplate.values"

local M = {}

local MOST = 500 -- texts that are kept as trees

--- Is TEXT one of them?
function M.is(text) return text:find("{{", 1, true) ~= nil end

-- The first template that LIST, or what is inside of it, calls and that is not there.
local function missing(list, defined)
  for _, node in ipairs(list) do
    if node.kind == "template" and not defined[node.name] then return node.name end
    local inner = node.body and missing(node.body, defined) or node.other and missing(node.other, defined)
    if inner then return inner end
  end
end

local function tree_of(text)
  local tree, why, line = read.parse(text, { functions = functions.names })
  if not tree then return nil, line and line > 1 and ("line %d: %s"):format(line, why) or why end
  for _, list in pairs(tree.defined) do
    local name = missing(list, tree.defined)
    if name then return nil, ("template %q not defined"):format(name) end
  end
  local name = missing(tree.body, tree.defined)
  if name then return nil, ("template %q not defined"):format(name) end
  return tree
end

local kept, n = {}, 0

--- TEXT as a tree; nil, why.
function M.compile(text)
  if kept[text] then return kept[text] end
  local tree, why = tree_of(text)
  if not tree then return nil, why end
  if n == MOST then kept, n = {}, 0 end
  kept[text], n = tree, n + 1
  return tree
end

-- -- messages --------------------------------------------------------------------------

local ALERT = { "Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint" }

local function alert_of(alert)
  return values.struct({ Status = alert.status, Labels = values.kv(alert.labels), Annotations = values.kv(alert.annotations),
    StartsAt = values.time(alert.starts_at), EndsAt = values.time(alert.status == "resolved" and alert.ends_at or nil),
    GeneratorURL = alert.generator_url or "", Fingerprint = alert.fp or "" }, ALERT)
end

local function data_of(note)
  local alerts = {}
  for i, alert in ipairs(note.alerts) do alerts[i] = alert_of(alert) end
  return values.struct({ Receiver = text_of.receiver(note), Status = note.status or "", Alerts = values.list(alerts, "alerts"),
    GroupLabels = values.kv(note.group_labels), CommonLabels = values.kv(note.common_labels),
    CommonAnnotations = values.kv(note.common_annotations), ExternalURL = note.external_url or "" })
end

--- What TEXT says of NOTE; a failure is said in its place, for a message is better told than not.
function M.say(text, note, through)
  local tree, why = M.compile(text)
  local said
  if tree then said, why = run.run(tree, data_of(note), host, through) end
  return said or ("<error expanding template: %s>"):format(why)
end

return M

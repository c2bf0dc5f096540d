--- labels.lua - labels of a route, which its messages carry: who owns it, which runbook.
--
-- A child has those of its parents, too.  Values may hold ${labels.NAME}: what all alerts of the message have in common.
local expand = require "moonwatch.alert.text"
local labels = require "moonwatch.route.labels"

local M = {}

local function labels_of(alerts)
  local out = {}
  for i, alert in ipairs(alerts) do out[i] = alert.labels end
  return out
end

--- The labels of route NODE, filled in from ALERTS and the labels of their group; nil when it has none.
function M.of(node, alerts, group_labels)
  if not node or not node.labels or next(node.labels) == nil then return nil end
  local common = labels.common(labels_of(alerts))
  local out = {}
  for name, template in pairs(node.labels) do
    local compiled = expand.compile(template)
    out[name] = compiled and expand.expand(compiled, { labels = common, common_labels = common, group_labels = group_labels or {}, name = common.alertname }) or template
  end
  return out
end

return M

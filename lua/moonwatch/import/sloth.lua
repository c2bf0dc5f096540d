--- sloth.lua - Sloth's service level objectives as the word `slo`.
--
-- Both forms that Sloth reads: version "prometheus/v1", and the custom resource PrometheusServiceLevel, which spells the same
-- names in another case.  What Sloth makes of them (windows, burn rates, two severities) is what moonwatch does by itself.
local node = require "moonwatch.import.node"
local slo_word = require "moonwatch.import.slo_word"

local M = {}

local PLAIN = { version = "version", service = "service", labels = "labels", slos = "slos", error = "error_query", total = "total_query",
                ratio = "error_ratio_query", page = "page_alert", ticket = "ticket_alert" }
local RESOURCE = { service = "service", labels = "labels", slos = "slos", error = "errorQuery", total = "totalQuery",
                   ratio = "errorRatioQuery", page = "pageAlert", ticket = "ticketAlert" }

local function map_of(value)
  local out, any = {}, false
  for name, item in node.fields(value) do
    out[name], any = item.text or "", true
  end
  return any and out or nil
end

local function joined(...)
  local out = {}
  for i = 1, select("#", ...) do
    for name, value in pairs(select(i, ...) or {}) do out[name] = value end
  end
  return out
end

-- What may stand where; anything else is told.
local KNOWN = {
  document = "version service labels slos", resource = "apiVersion kind metadata spec", spec = "service labels slos",
  slo = "name objective description labels sli alerting plugins", sli = "events raw plugin", severity = "disable labels annotations",
}

local function tell_unknown(run, value, known) node.tell_unknown(value, known, run.note) end

-- -- queries -----------------------------------------------------------------------------------

-- A query with $window for Sloth's place of the window; nil when it uses more of Go's templates.
local function query_of(run, value)
  local text = value.text:gsub("{{%-?%s*%.window%s*%-?}}", "$window"):gsub("%s+$", "")
  if text:find("{{", 1, true) then
    run.note(value, "a query with a template other than {{.window}} is not carried")
    return nil
  end
  return text
end

local function sli_of(run, slo)
  local names, sli = run.names, node.get(slo, "sli")
  tell_unknown(run, sli, KNOWN.sli)
  tell_unknown(run, node.get(sli, "events"), names.error .. " " .. names.total)
  tell_unknown(run, node.get(sli, "raw"), names.ratio)
  local bad, total = node.at(sli, "events", names.error), node.at(sli, "events", names.total)
  local ratio = node.at(sli, "raw", names.ratio)
  if bad and total then
    local b, t = query_of(run, bad), query_of(run, total)
    return b and t and { { "bad", b }, { "total", t } }
  elseif ratio then
    local text = query_of(run, ratio)
    return text and { { "ratio", text } }
  end
  local plugin = node.get(sli, "plugin")
  run.note(plugin or sli or slo, plugin and ("the plugin %s is a program of Sloth: write its query as bad and total"):format(
             node.text(plugin, "id") or "?") or "no sli that can be read: it needs events or raw")
end

-- -- alerts ------------------------------------------------------------------------------------

local function severity_of(run, alerting, key)
  local value = node.get(alerting, run.names[key])
  tell_unknown(run, value, KNOWN.severity)
  if node.yes(value, "disable") then return false end
  local labels, annotations = map_of(node.get(value, "labels")), run.texts(node.get(value, "annotations"))
  if not labels and not annotations then return nil end
  return { labels = labels, annotations = annotations }
end

local function alerting_of(run, slo)
  local value = node.get(slo, "alerting")
  tell_unknown(run, value, ("name labels annotations %s %s"):format(run.names.page, run.names.ticket))
  local page, ticket = severity_of(run, value, "page"), severity_of(run, value, "ticket")
  if page == false and ticket == false then return nil, false end
  local out = { name = node.text(value, "name"), labels = map_of(node.get(value, "labels")), annotations = run.texts(node.get(value, "annotations")),
                page = page, ticket = ticket }
  return next(out) and out or nil
end

-- -- the whole ---------------------------------------------------------------------------------

local function slo_of(run, service, labels, slo)
  local name, objective = node.text(slo, "name"), tonumber(node.text(slo, "objective"))
  if not name or not objective then
    run.note(slo, "an SLO without " .. (name and "an objective" or "a name") .. " is left out")
    return nil
  end
  tell_unknown(run, slo, KNOWN.slo)
  local sli = sli_of(run, slo)
  if not sli then return nil end
  local alerting, alerts = alerting_of(run, slo)
  local plugins = node.get(slo, "plugins")
  if plugins then run.note(plugins, "plugins are programs of Sloth") end
  local fields = sli
  fields[#fields + 1] = { "objective", objective }
  fields[#fields + 1] = { "window", run.window }
  fields[#fields + 1] = { "labels", joined({ service = service }, labels, map_of(node.get(slo, "labels"))) }
  fields[#fields + 1] = { "alerts", alerts }
  fields[#fields + 1] = { "alerting", alerting }
  return slo_word.declaration(service .. "-" .. name, { run.above(slo), node.text(slo, "description") }, fields)
end

local function of_document(run, doc)
  local resource = node.text(doc, "kind") == "PrometheusServiceLevel"
  if not resource and node.text(doc, "version") ~= "prometheus/v1" then
    run.note(doc, 'not one of Sloth\'s: it has neither version: "prometheus/v1" nor kind: PrometheusServiceLevel')
    return
  end
  run.names = resource and RESOURCE or PLAIN
  local spec = resource and node.get(doc, "spec") or doc
  tell_unknown(run, doc, resource and KNOWN.resource or KNOWN.document)
  if resource then tell_unknown(run, spec, KNOWN.spec) end
  local service = node.text(spec, "service")
  if not service then return run.note(doc, "a specification without a service is left out") end
  for _, slo in ipairs(node.list(spec, "slos")) do
    run.out[#run.out + 1] = slo_of(run, service, map_of(node.get(spec, "labels")), slo)
  end
end

--- docs: what host.yaml gave.  options: { note=function(node, text), texts=function(node) -> map of texts or nil, above=
-- function(node) -> the comments above it or nil, window= }.  Gives Lua text; "" when there was nothing to carry.
function M.convert(docs, options)
  local run = { note = options.note, texts = options.texts or map_of, above = options.above or function() end, window = options.window or "30d", out = {} }
  for _, doc in ipairs(docs) do of_document(run, doc) end
  return table.concat(run.out, "\n")
end

return M

--- prometheus.lua - a file of Prometheus: rules, or the whole prometheus.yml with the rules that it names.
--
-- prometheus.yml becomes the root file moonwatch.lua: settings, an include of the rules, and a `scrape` for each job.
local lua = require "moonwatch.import.lua_source"
local outputs = require "moonwatch.import.outputs"
local rules = require "moonwatch.import.prometheus_rules"
local scrape = require "moonwatch.import.scrape_config"
local writer = require "moonwatch.import.lua_writer"
local yaml = require "moonwatch.import.yaml"

local M = {}

local ROOT = { global = "map", runtime = "any", rule_files = "list", scrape_config_files = "list", scrape_configs = "list", alerting = "any",
               remote_write = "any", remote_read = "any", storage = "map", tracing = "any", otlp = "any" }
local GLOBAL = { scrape_interval = "duration", scrape_timeout = "duration", evaluation_interval = "duration", rule_query_offset = "duration",
                 external_labels = "map", body_size_limit = "text", sample_limit = "number", target_limit = "number", label_limit = "number",
                 label_value_length_limit = "number", label_name_length_limit = "any", query_log_file = "any", keep_dropped_targets = "any", scrape_protocols = "any",
                 scrape_failure_log_file = "any", runtime = "any", metric_name_validation_scheme = "any", metric_name_escaping_scheme = "any",
                 scrape_native_histograms = "any", always_scrape_classic_histograms = "any", convert_classic_histograms_to_nhcb = "any", extra_scrape_metrics = "any" }
local CARRIED = { scrape_interval = true, scrape_timeout = true, evaluation_interval = true, rule_query_offset = true, external_labels = true, body_size_limit = true,
                  sample_limit = true, target_limit = true, label_limit = true, label_value_length_limit = true }
local ABSENT = {
  alerting = 'moonwatch tells people itself: `moonwatch import alertmanager` turns the configuration of Alertmanager into routes and receivers',
  remote_write = "samples are not passed on", remote_read = "other stores are not asked",
  tracing = "moonwatch does not send traces of itself", otlp = "cannot be chosen", runtime = "is about the runtime of Go",
}

-- -- rules ------------------------------------------------------------------------

local function import_rules(path, options, folder)
  for _, text in ipairs(rules.import(path, options) or {}) do options.out:add(folder, outputs.stem(path), text) end
end

-- A path of the YAML, which is relative to the folder of the YAML.
local function placer(path)
  local folder = path:match "^(.*)/[^/]*$"
  return function(name)
    if name:sub(1, 1) == "/" or not folder then return name end
    return folder .. "/" .. name
  end
end

local function rule_files(run)
  local node, found = run.fields.rule_files, false
  for _, item in ipairs(node and node.items or {}) do
    local pattern = run.doc:expect(item, "text", "rule_files")
    local paths = pattern and run.options.host.glob(run.place(pattern.text)) or {}
    if pattern and #paths == 0 then run.doc:lost(item, ("no file %s"):format(run.place(pattern.text))) end
    for _, path in ipairs(paths) do
      found = true
      local options = { host = run.options.host, report = run.options.report, out = run.options.out, how = run.options.how,
                        every = run.options.every or (run.global.evaluation_interval and run.global.evaluation_interval.text) }
      import_rules(path, options, "rules/")
    end
  end
  return found
end

-- -- settings ----------------------------------------------------------------------

local function external_labels(run)
  local rows = {}
  for _, row in ipairs(run.doc:text_rows(run.global.external_labels, "external_labels")) do
    if row[2]:find "%$[%w_{]" then run.doc:lost(row.node, "external_labels: $NAME is not filled in from the environment; write env \"NAME\"") end
    rows[#rows + 1] = { name = row[1], value = lua.text(row[2]), above = run.doc:above(row.key.line, run.global.external_labels.line - 1), beside = run.doc:beside(row.key.line) }
  end
  return #rows > 0 and writer.table(rows)
end

local function retention(run, tsdb)
  local keep = tsdb.retention and run.doc:expect(tsdb.retention, "map", "retention")
  if not keep then return nil end
  local f, keys = run.doc:fields(keep, { time = "duration", size = "text", percentage = "any" }, "retention")
  if f.percentage then run.doc:lost(keys.percentage, "retention.percentage: give a size") end
  local rows = {}
  if f.time then rows[#rows + 1] = { "metrics", f.time.text } end
  if f.size then rows[#rows + 1] = { "bytes", f.size.text } end
  return #rows > 0 and lua.map(rows)
end

local function storage(run)
  if not run.fields.storage then return {} end
  local f = run.doc:fields(run.fields.storage, { tsdb = "map", exemplars = "map" }, "storage")
  local tsdb = f.tsdb and run.doc:fields(f.tsdb, { out_of_order_time_window = "duration", retention = "any", stale_series_compaction_threshold = "any" }, "tsdb") or {}
  local exemplars = f.exemplars and run.doc:fields(f.exemplars, { max_exemplars = "number" }, "exemplars") or {}
  return tsdb, exemplars
end

local function settings(run, file)
  local rows = {}
  local function add(name, value) if value then rows[#rows + 1] = { name = name, value = value } end end
  local tsdb, exemplars = storage(run)
  add("external_labels", run.global.external_labels and external_labels(run))
  add("query_offset", run.global.rule_query_offset and lua.quoted(run.global.rule_query_offset.text))
  add("out_of_order", tsdb.out_of_order_time_window and lua.quoted(tsdb.out_of_order_time_window.text))
  add("retention", retention(run, tsdb))
  add("limits", exemplars and exemplars.max_exemplars and ("{ exemplars = %s }"):format(exemplars.max_exemplars.text))
  local above = run.keys.global and run.doc:above(run.keys.global.line, run.floor) or {}
  if run.keys.global then
    for _, text in ipairs(run.doc:left(run.keys.global.line, run.fields.global and run.fields.global.last or 0)) do above[#above + 1] = text end
  end
  if #rows > 0 then file:declare("settings", nil, rows, above, run.doc, run.fields.global or run.fields.storage) else file:comments(above) end
end

-- -- scrape configs ------------------------------------------------------------------

local function scrapes(run, doc, list, file, place, floor)
  for _, node in ipairs(list and list.items or {}) do
    scrape.write(doc, node, file, { global = run.global, place = place, floor = floor })
    floor = node.last
  end
end

local function scrape_files(run, file)
  for _, item in ipairs(run.fields.scrape_config_files and run.fields.scrape_config_files.items or {}) do
    local pattern = run.doc:expect(item, "text", "scrape_config_files")
    for _, path in ipairs(pattern and run.options.host.glob(run.place(pattern.text)) or {}) do
      local doc = yaml.open(run.options.host, path, run.options.report)
      local root = doc and doc:expect(doc.root, "map", "scrape config file")
      local fields = root and doc:fields(root, { scrape_configs = "list" }, "scrape config file") or {}
      if doc then scrapes(run, doc, fields.scrape_configs, file, placer(path), 0) end
    end
  end
end

-- -- the whole ------------------------------------------------------------------------

local function lost(run)
  for name, why in pairs(ABSENT) do
    if run.fields[name] then run.doc:lost(run.keys[name], ("%s: %s"):format(name, why)) end
  end
  local keys = run.global_keys or {}
  for name, key in pairs(keys) do
    if not CARRIED[name] and run.global[name] then run.doc:lost(key, ("%s: cannot be chosen"):format(name)) end
  end
end

local function import_config(doc, options)
  local run = { doc = doc, options = options, place = placer(doc.path), floor = 0, global = {} }
  run.fields, run.keys = doc:fields(doc.root, ROOT, "prometheus.yml")
  if run.fields.global then run.global, run.global_keys = doc:fields(run.fields.global, GLOBAL, "global") end
  local file = writer.new(doc.path, options.how)
  settings(run, file)
  local above = run.keys.rule_files and doc:above(run.keys.rule_files.line, 0) or {}
  local found = rule_files(run)
  for _, text in ipairs(run.fields.rule_files and doc:left(run.keys.rule_files.line, run.fields.rule_files.last) or {}) do above[#above + 1] = text end
  file:comments(above)
  if found then file:block 'include "rules/*.lua"' end
  file:comments(run.keys.scrape_configs and doc:above(run.keys.scrape_configs.line, 0) or {})
  scrapes(run, doc, run.fields.scrape_configs, file, run.place, run.keys.scrape_configs and run.keys.scrape_configs.line)
  scrape_files(run, file)
  lost(run)
  file:comments(doc:left(1, doc.lines))
  options.out:add("", "moonwatch", file:text())
end

local function is_config(root)
  for _, key in ipairs(root.kind == "map" and root.keys or {}) do
    if ROOT[key.text] then return true end
  end
  return false
end

--- options: { host=, report=, out=, every=, how= }.
function M.import(path, options)
  local doc = yaml.open(options.host, path, options.report)
  if not doc then return end
  if doc.root and is_config(doc.root) then return import_config(doc, options) end
  import_rules(path, options, "")
end

return M

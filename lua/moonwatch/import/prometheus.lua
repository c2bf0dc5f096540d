--- prometheus.lua - a file of Prometheus: rules, or the whole prometheus.yml with the rules that it names.
local outputs = require "moonwatch.import.outputs"
local rules = require "moonwatch.import.prometheus_rules"

local M = {}

local function import_rules(path, options, folder)
  for _, text in ipairs(rules.import(path, options) or {}) do options.out:add(folder, outputs.stem(path), text) end
end

--- options: { host=, report=, out=, every=, how= }.
function M.import(path, options)
  import_rules(path, options, "")
end

return M

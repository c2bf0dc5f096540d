--- objectives.lua - files of Sloth or OpenSLO as files of `slo` words; sloth.lua and openslo.lua know what they mean.
local gotemplate = require "moonwatch.import.gotemplate_lua"
local node = require "moonwatch.import.node"
local outputs = require "moonwatch.import.outputs"
local writer = require "moonwatch.import.lua_writer"
local yaml = require "moonwatch.import.yaml"

local M = {}

-- Every node of a document knows its file: objects of OpenSLO refer to each other across files.
local function mark(files, item, path)
  files[item] = path
  for _, list in ipairs { item.items or {}, item.keys or {}, item.values or {} } do
    for _, child in ipairs(list) do mark(files, child, path) end
  end
end

local function read(run, path)
  local file = yaml.open(run.host, path, run.report)
  run.opened[path] = file
  for _, doc in ipairs(file and file.documents or {}) do
    mark(run.files, doc, path)
    run.documents[#run.documents + 1] = doc
  end
end

-- The comments right above ITEM, as one text; or nil.
local function above(run, item)
  local lines = run.opened[run.files[item]]:above(item.line)
  return #lines > 0 and table.concat(lines, "\n") or nil
end

-- Labels or annotations: templates of Prometheus become texts of ours.
local function texts(run, map, file)
  local out, any = {}, false
  for name, value in node.fields(map) do
    local found, why = gotemplate.convert(value.text or "", {})
    if found and found.lua then
      if found.uses_template then file:need 'local t = require "moonwatch.template"' end
      out[name], any = { lua = found.lua }, true
    elseif found then out[name], any = found.text, true
    else run.report:lost(run.files[value], value, "template cannot be carried over: " .. tostring(why)) end
  end
  return any and out or nil
end

local function convert(kind, run, source)
  local file = writer.new(source, run.options.how)
  local lua = require("moonwatch.import." .. kind).convert(run.documents, {
    note = function(item, said) run.report:lost(run.files[item] or source, item, said) end,
    texts = function(map) return texts(run, map, file) end,
    above = function(item) return above(run, item) end,
  })
  if lua == "" then return end
  file:block((lua:gsub("%s+$", "")))
  run.options.out:add("", outputs.stem(source), file:text())
end

--- PATHS of KIND, "sloth" (a file each) or "openslo" (one file of all).
function M.import(kind, paths, options)
  local function new() return { host = options.host, report = options.report, options = options, files = {}, opened = {}, documents = {} } end
  local run = new()
  for i, path in ipairs(paths) do
    read(run, path)
    if kind == "sloth" or i == #paths then
      convert(kind, run, kind == "sloth" and path or paths[1])
      run = new()
    end
  end
end

return M

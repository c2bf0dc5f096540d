--- slos.lua - what the SLOs of a set share: corrections, on disk and on every node, and the named windows.
--
-- DATA/slo-corrections.json is the list of slo/corrections.lua.
local corrections = require "moonwatch.slo.corrections"
local late = require "moonwatch.slo.late"
local windows = require "moonwatch.route.window"

local M = {}

local function path(host) return host.data_dir .. "/slo-corrections.json" end

--- What is on disk.
function M.read(host)
  local text = host.read_file(path(host))
  local saved = text and host.json.decode(text)
  if text and type(saved) ~= "table" then host.log("error", "the corrections of SLOs are unreadable: none is in force", { file = path(host) }) end
  return corrections.new(saved)
end

--- True, or nil, why.
function M.write(host, list)
  local ok, why = host.write_file(path(host), host.json.encode(host.json.array(list)))
  if ok then return true end
  host.log("error", "the corrections of SLOs were not written: " .. tostring(why))
  return nil, tostring(why)
end

--- ENTRY is in force from now on (or, with `gone`, no longer): here, on disk and on the other nodes.  True, or nil, why.
function M.correct(engine, entry)
  engine.corrections:merge(entry)
  local ok, why = true, nil
  if engine.keep_corrections then ok, why = engine.keep_corrections(engine.corrections.list) end
  engine.host.call("cluster.put", { kind = "slo-correction", id = entry.id, value = entry })
  return ok, why
end

--- Another node says so.
function M.shared(engine, value)
  if engine.corrections:merge(value) and engine.keep_corrections then engine.keep_corrections(engine.corrections.list) end
end

-- Which kinds of SLOs count something else than series.
local SIGNALS = { logs = "logs", spans = "spans" }

--- Hours that got something late are counted again by those that count such things.
function M.take_late(engine)
  local host = engine.host
  for _, kind in ipairs(host.late and { "metrics", "logs", "spans" } or {}) do
    local hours = host.late(kind)
    for _, runner in ipairs(hours[1] and engine.runners or {}) do
      if runner.source and runner.ledger and (SIGNALS[runner.kind] or "metrics") == kind then late.mark(runner, hours) end
    end
  end
end

--- The window NAME of the set that runs, or nil.
function M.window(engine, name)
  if engine.windows_of ~= engine.set then engine.windows_of, engine.windows = engine.set, {} end
  if engine.windows[name] == nil then
    engine.windows[name] = false
    for _, spec in ipairs(engine.set and engine.set.routing and engine.set.routing.windows or {}) do
      if spec.name == name then engine.windows[name] = windows.new(spec, engine.host) or false end
    end
  end
  return engine.windows[name] or nil
end

return M

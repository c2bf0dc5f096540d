--- link.lua - what no file can know alone: names said twice, and names that nobody declared.
local did_you_mean = require "moonwatch.did_you_mean"
local keys_of = require "moonwatch.keys"
local budget = require "moonwatch.words.budget"
local identity = require "moonwatch.config.identity"

local M = {}

local function names_of(items, ...)
  local set, list = {}, {}
  for _, word in ipairs { ... } do
    for _, item in ipairs(items[word] or {}) do
      if item.name and not set[item.name] then set[item.name], list[#list + 1] = item, item.name end
    end
  end
  return { set = set, list = list }
end

--- What of ITEM, { word=, name= }, whose fields were written as SAID, may be said once only: ONCE the word, else the rule (see
-- identity.lua); false when it may be said again.
function M.key(item, said, once)
  if once then return item.word end
  if not item.name then return false end
  if type(said) ~= "table" then said = {} end
  return identity.id { word = item.word, name = item.name, labels = said.labels, severity = said.severity, variant = said.variant,
                       shadow = said.shadow == true }
end

--- What is said twice but may be said once, also by declarations with other faults.  items: list of { word=, name=, file=, line=,
-- key= } in the order of loading.
function M.duplicates(items, problem)
  local first = {}
  for _, item in ipairs(items) do
    local before = item.key and first[item.key]
    if before then
      local text = item.key == item.word and "is said once only, and was at %s:%d" or "this name is already taken at %s:%d"
      problem(item, {}, text:format(before.file, before.line))
    elseif item.key then
      first[item.key] = item
    end
  end
end

-- -- routing ---------------------------------------------------------------

local function check_names(host, item, path, wanted, known, what, problem)
  for i, name in ipairs(type(wanted) == "table" and wanted or { wanted }) do
    if not known.set[name] then
      local at = { unpack(path) }
      if type(wanted) == "table" then at[#at + 1] = i end
      problem(item, at, ("there is no %s %q%s"):format(what, name, did_you_mean(host, name, known.list)))
    end
  end
end

-- Where a receiver may stand, a person may, too, and "oncall:NAME" for whoever is on call.
local function check_told(host, item, path, wanted, known, problem)
  for i, name in ipairs(type(wanted) == "table" and wanted or { wanted }) do
    local at = { unpack(path) }
    if type(wanted) == "table" then at[#at + 1] = i end
    local rotation = name:match "^oncall:(.*)$"
    if rotation then check_names(host, item, at, rotation, known.oncalls, "oncall", problem)
    else check_names(host, item, at, name, known.receivers, "receiver", problem) end
  end
end

local function check_oncall(host, item, known, problem)
  local f = item.fields
  check_names(host, item, { "people" }, f.people, known.receivers, "person or receiver", problem)
  for i, layer in ipairs(f.layers) do
    check_names(host, item, { "layers", i, "people" }, layer.people, known.receivers, "person or receiver", problem)
    check_names(host, item, { "layers", i, "window" }, layer.window, known.windows, "window", problem)
  end
  for i, o in ipairs(f.overrides) do
    check_names(host, item, { "overrides", i, "person" }, o.person, known.receivers, "person or receiver", problem)
  end
end

-- A person is a receiver, too, so they cannot share a name; and no name may look like a rotation's.
local function check_receivers(items, problem)
  local receivers = names_of(items, "receiver").set
  for _, item in ipairs(items.person or {}) do
    local other = receivers[item.name]
    if other then problem(item, {}, ("a receiver is called so, at %s:%d"):format(other.file, other.line)) end
  end
  for _, word in ipairs { "receiver", "person" } do
    for _, item in ipairs(items[word] or {}) do
      if item.name:find "^oncall:" then problem(item, {}, "a name that begins with oncall: stands for a rotation") end
    end
  end
end

local function check_route(host, item, node, path, known, problem)
  local function at(...)
    local out = { unpack(path) }
    for _, key in ipairs { ... } do out[#out + 1] = key end
    return out
  end
  if node.receiver then check_told(host, item, at "receiver", node.receiver, known, problem) end
  if node.escalate then check_names(host, item, at "escalate", node.escalate, known.escalations, "escalation", problem) end
  check_names(host, item, at "mute", node.mute or {}, known.windows, "window", problem)
  check_names(host, item, at "active", node.active or {}, known.windows, "window", problem)
  for i, child in ipairs(node.routes or {}) do check_route(host, item, child, at("routes", i), known, problem) end
end

-- The fallback of a receiver is another one, and no way along fallbacks comes back.
local function check_fallbacks(host, list, known, problem)
  for _, item in ipairs(list) do
    local wanted = item.fields.fallback
    if wanted then check_names(host, item, { "fallback" }, wanted, known, "receiver", problem) end
    local chain, seen, name = { item.name }, {}, wanted
    while name and known.set[name] and not seen[name] do
      chain[#chain + 1], seen[name] = name, true
      if name == item.name then
        problem(item, { "fallback" }, "falls back on itself: " .. table.concat(chain, " -> "))
        break
      end
      name = known.set[name].fields.fallback
    end
  end
end

-- Programs are run only where the root file allows it: said now, not when the first message is due.
local function check_programs(items, problem)
  local root = items.settings and items.settings[1]
  if not root or #(root.fields.programs or {}) > 0 then return end
  local why = 'exec: no program may be run here: settings { programs = { "/a/folder" } } in the root file allows those of a folder'
  for _, item in ipairs(items.check or {}) do
    if item.fields.exec then problem(item, { "exec" }, why) end
  end
  for _, item in ipairs(items.experiment or {}) do
    for _, name in ipairs { "inject", "rollback" } do
      if item.fields[name].exec then problem(item, { name, "exec" }, name .. "." .. why) end
    end
  end
  for _, item in ipairs(items.receiver or {}) do
    for i, target in ipairs(item.fields.items or {}) do
      if target.kind == "exec" then
        problem(item, { i, "command" }, why)
      end
    end
  end
end

-- -- dependencies ----------------------------------------------------------

-- A cycle among depends_on; every rule of it is named once.  A name stands for all rules that have it.
local function cycles(items, problem)
  local all, parents, state, trail = {}, {}, {}, {}
  for _, word in ipairs { "alert", "expect", "check" } do
    for _, item in ipairs(items[word] or {}) do
      local name, wanted = item.name, item.fields.depends_on or {}
      if not all[name] or (#wanted > 0 and #parents[name] == 0) then all[name] = item end
      parents[name] = parents[name] or {}
      for _, parent in ipairs(wanted) do table.insert(parents[name], parent) end
    end
  end
  local function visit(name)
    local item = all[name]
    if not item or state[name] == "done" then return end
    if state[name] == "open" then
      local chain, from = {}, 1
      for i, step in ipairs(trail) do if step == name then from = i end end
      for i = from, #trail do chain[#chain + 1] = trail[i] end
      chain[#chain + 1] = name
      return problem(item, { "depends_on" }, "depends on itself: " .. table.concat(chain, " -> "))
    end
    state[name] = "open"
    trail[#trail + 1] = name
    for _, parent in ipairs(parents[name]) do visit(parent) end
    trail[#trail] = nil
    state[name] = "done"
  end
  for _, name in ipairs(keys_of(all)) do visit(name) end
end

-- -- SLOs ------------------------------------------------------------------

-- What SLOs are made of is there and counts events, and none is made of itself.
local function check_slos(host, items, known, checks, problem)
  local slos = names_of(items, "slo")
  local function made_of(name, seen)
    if seen[name] then return true end
    seen[name] = true
    for _, part in ipairs(slos.set[name] and slos.set[name].fields.of or {}) do
      if made_of(part.slo, seen) then return true end
    end
    seen[name] = nil
  end
  for _, item in ipairs(items.slo or {}) do
    local f = item.fields
    if f.check then check_names(host, item, { "check" }, f.check, checks, "check", problem) end
    check_names(host, item, { "maintenance" }, f.maintenance or {}, known.windows, "window", problem)
    for i, part in ipairs(f.of or {}) do
      check_names(host, item, { "of", i, "slo" }, part.slo, slos, "slo", problem)
      local other = slos.set[part.slo]
      if other and other.fields.ratio then problem(item, { "of", i, "slo" }, ("%q knows only a ratio: it has no events to add"):format(part.slo)) end
      if other and not part.weight and (other.fields.timeslice ~= nil) ~= (slos.set[f.of[1].slo] and slos.set[f.of[1].slo].fields.timeslice ~= nil) then
        problem(item, { "of", i, "slo" }, "slices of time and events cannot be added: give weights")
      end
    end
    if f.of and made_of(item.name, {}) then problem(item, { "of" }, "is made of itself") end
  end
end

-- -- names of before -------------------------------------------------------

-- Who takes over from a rule that is still there would take nothing.
local function heirs(items, problem)
  for _, word in ipairs { "alert", "check", "every", "expect" } do
    local known = names_of(items, word).set
    for _, item in ipairs(items[word] or {}) do
      local fields, path = item.fields, { "migrate_from" }
      if word == "every" then fields, path = item.fields.args[3] or {}, { 3, "migrate_from" } end
      local old = fields.migrate_from ~= item.name and known[fields.migrate_from]
      if old then
        problem(item, path, ("%s %q is still there, at %s:%d, and keeps what it knows"):format(word, old.name, old.file, old.line))
      end
    end
  end
end

--- items: word -> list of { word=, name=, file=, line=, fields= }.  problem(item, path, message).  limits: those of the settings.
function M.check(items, host, problem, limits)
  local known = { receivers = names_of(items, "receiver", "person"), oncalls = names_of(items, "oncall"), windows = names_of(items, "window"),
                  escalations = names_of(items, "escalation") }
  for _, item in ipairs(items.route or {}) do check_route(host, item, item.fields, {}, known, problem) end
  check_fallbacks(host, items.receiver or {}, known.receivers, problem)
  for _, item in ipairs(items.settings or {}) do
    local to = (item.fields.silence or {}).to
    if to then check_names(host, item, { "silence", "to" }, to, known.receivers, "receiver", problem) end
  end
  local checks_of = names_of(items, "check")
  for _, item in ipairs(items.settings or {}) do
    for i, group in ipairs((item.fields.status_page or {}).groups or {}) do
      check_names(host, item, { "status_page", "groups", i, "checks" }, group.checks or {}, checks_of, "check", problem)
    end
  end
  for _, item in ipairs(items.escalation or {}) do
    for i, step in ipairs(item.fields.items) do
      check_told(host, item, { i, "to" }, step.to or {}, known, problem)
    end
  end
  for _, item in ipairs(items.drill or {}) do
    check_names(host, item, { "to" }, item.fields.to or {}, known.receivers, "receiver", problem)
  end
  for _, item in ipairs(items.oncall or {}) do check_oncall(host, item, known, problem) end
  check_receivers(items, problem)
  check_programs(items, problem)
  local alerts_and_checks, checks = names_of(items, "alert", "expect", "check"), names_of(items, "check")
  for _, word in ipairs { "alert", "expect" } do
    for _, item in ipairs(items[word] or {}) do
      check_names(host, item, { "depends_on" }, item.fields.depends_on, alerts_and_checks, "alert or check", problem)
    end
  end
  for _, item in ipairs(items.check or {}) do
    check_names(host, item, { "depends_on" }, item.fields.depends_on, checks, "check", problem)
    check_names(host, item, { "maintenance" }, item.fields.maintenance or {}, known.windows, "window", problem)
  end
  check_slos(host, items, known, checks, problem)
  cycles(items, problem)
  heirs(items, problem)
  for _, word in ipairs { "record", "alert", "slo", "check", "every", "canary", "experiment" } do
    for _, item in ipairs(items[word] or {}) do
      local options = item.fields.args and item.fields.args[3] or item.fields
      for _, p in ipairs(budget.beyond(options, limits)) do problem(item, p.path, p.message) end
    end
  end
end

return M

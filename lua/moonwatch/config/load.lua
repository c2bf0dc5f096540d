--- load.lua - files in, a set of rules out: read, run, check, link.
--
-- The set stands beside the running one until it is whole.  Files of which nothing changed are not run again: their guest and
-- what it declared go over into the next set.  With settings{strict=true} one problem refuses all of it; with strict=false only
-- the files that have problems are left out, see quarantine.lua.
--
--   set = { settings=, scrapes=, records=, alerts=, slos=, checks=, everys=, expects=, pipelines=, breakers=, canaries=, experiments=, routing=, guests=, sources=, watch=,
--           units= (path -> a file as it is loaded), fresh= (path -> true: not run before), quarantined= (path -> its problems) }
-- Each rule is its fields and word, name, file, line, order (in its file), id (see identity.lua); routing is what the router gets:
--   { settings=, routes={...}, receivers={...}, inhibits={...}, enriches={...}, windows={...}, escalations={...}, persons={...}, oncalls={...} }
-- with { name=, items={ {kind="slack", ...}, {kind="function", fn=} }, rate=, send_resolved= } for a receiver and
-- { name=, steps={ {after=, to=} } } for an escalation.
local identity = require "moonwatch.config.identity"
local keys_of = require "moonwatch.keys"
local link = require "moonwatch.config.link"
local ours = require "moonwatch.guest_sources" -- what every rule file may require
local locate = require "moonwatch.config.locate"
local problems_of = require "moonwatch.config.problems"
local quarantine = require "moonwatch.config.quarantine"
local schema = require "moonwatch.config.schema"
local syntax = require "moonwatch.config.syntax"
local units = require "moonwatch.config.unit"
local words = require "moonwatch.words"

local M = {}

local ROOT_LIMIT = 262144

local function folder(path) return path:match "^(.*)/[^/]*$" or "." end
local function under(dir, path)
  if path:sub(1, 1) == "/" or dir == "." then return path end
  return dir .. "/" .. path
end

-- -- one file --------------------------------------------------------------

-- A file may have a thousand problems, and is read once for all of them.
local function tokens_of(run, file)
  if not run.tokens[file] then run.tokens[file] = locate.tokens(run.sources[file]) end
  return run.tokens[file]
end

local function place(run, item, path, at)
  local line, col, text = locate.find(tokens_of(run, item.file), item, path)
  if at and text then
    local l, c = locate.inside(text, at.line, at.col)
    if l then return l, c end
  end
  return line, col
end

local function module_finder(run, unit)
  return function(name)
    if ours[name] then return ours[name], name end
    local file = name:gsub("%.", "/") .. ".lua"
    if name:find "%.%." or not name:find "^[%w_%.%-]+$" then return nil, "a name such as lib.limits" end
    local dir = folder(unit.path)
    local paths = { under(dir, file), under(dir, "rules/" .. file) }
    for _, path in ipairs(paths) do
      local source = units.module(run, unit, path)
      if not unit.bundle then run.watch[path] = true end -- also one that is not there yet
      if source then return source, path end
    end
    return nil, ("neither %s nor %s can be read"):format(paths[1], paths[2])
  end
end

local function budget(settings)
  local limits = settings and settings.limits or {}
  return { cpu = limits.rule_seconds, memory = limits.rule_memory, instructions = limits.rule_instructions }
end

local function read(run, unit)
  if unit.source then return unit.source end
  local source, why = run.host.read_file(unit.path)
  if not source then run.problems:whole(unit.path, problems_of.unreadable(unit.path, why)) end
  return source
end

local function open_guest(run, unit)
  local source = unit.source
  if #source > ROOT_LIMIT then
    run.problems:whole(unit.path, "larger than 256 KB; split it")
    return nil
  end
  local guest, err, declared = run.host.guest {
    name = unit.path, source = source, words = words.shapes(), kinds = words.kind_names(),
    module = module_finder(run, unit), budget = budget(run.settings),
  }
  if guest then return guest end
  for _, e in ipairs(err[1] and err or { err }) do
    run.problems:add(e.file or unit.path, e.line, e.col, nil, syntax.human(e.message), unit.path)
  end
  return nil, declared
end

-- Where a module wrote a declaration: " (in lib/x.lua:3:5)".
local function written_in(run, unit, decl, p)
  if not decl.file then return "" end
  local source = units.module(run, unit, decl.file)
  if not source then return (" (in %s:%d)"):format(decl.file, decl.file_line) end
  local line, col = locate.find(locate.tokens(source), { word = decl.word, name = decl.name, line = decl.file_line }, p.path)
  return (" (in %s:%d:%d)"):format(decl.file, line, col)
end

local function take(run, unit, decl)
  local def = words.by_name[decl.word]
  local item = { word = decl.word, name = decl.name, file = unit.path, line = decl.line }
  if def.root_only and not unit.root then
    run.problems:add(unit.path, decl.line, 1, item, "belongs into the root file, not into a file of rules")
    return
  end
  unit.declared[#unit.declared + 1] = item
  item.order = #unit.declared
  local before = run.before[unit.path]
  local env = { host = run.host, guest = unit.path, stamp = unit.stamp, exprs = unit.exprs, exprs_before = before and before.exprs }
  local fields, problems = schema.check(def, decl, env)
  unit.called = unit.called or env.called
  for _, p in ipairs(problems) do
    local line, col = place(run, item, p.path, p.at)
    run.problems:add(unit.path, line, col, item, p.message .. written_in(run, unit, decl, p))
  end
  if #problems == 0 then
    item.fields = fields
    if def.arguments then item.name = (fields.args[3] or {}).name end
    unit.items[#unit.items + 1] = item
  end
  item.key = link.key(item, decl.fields, def.once)
end

local function run_unit(run, unit)
  unit.items, unit.declared, unit.seen, unit.exprs, unit.budget, unit.called = {}, {}, {}, {}, budget(run.settings), nil
  local declared
  unit.guest, declared = open_guest(run, unit)
  if not unit.guest then
    for _, decl in ipairs(declared or {}) do take(run, unit, decl) end
    return
  end
  run.fresh[unit.path], unit.stamp = unit, run.host.sha256(units.text(unit)):sub(1, 16)
  for _, decl in ipairs(unit.guest:declarations()) do take(run, unit, decl) end
  if not unit.called then unit.guest:close() end -- nobody will call it: a Lua state less to keep
end

local function load_unit(run, unit)
  if not unit.bundle then run.watch[unit.path] = true end
  unit.source = read(run, unit)
  run.sources[unit.path] = unit.source
  local before = unit.source and units.unchanged(run, unit, budget(run.settings))
  run.units[#run.units + 1] = before or unit
  if before then
    for path in pairs(before.seen) do
      if not before.bundle then run.watch[path] = true end
    end
    return before
  end
  if not unit.source then unit.items, unit.declared = {}, {} else run_unit(run, unit) end
  return unit
end

-- -- which files -----------------------------------------------------------

local function put(run, unit)
  if run.seen[unit.path] then return end
  run.seen[unit.path] = true
  run.queue[#run.queue + 1] = unit
end

local function add_pattern(run, pattern, item)
  run.globs[#run.globs + 1] = pattern
  local paths = run.host.glob(pattern)
  if #paths == 0 and not pattern:find "[%*%?%[]" then
    run.problems:add(item and item.file or pattern, item and item.line or 1, 1, item, "no file " .. pattern)
  end
  for _, path in ipairs(paths) do put(run, { path = path }) end
end

-- The root file says how the others are read, so it comes first.
local function load_root(run, path)
  run.seen[path] = true
  local unit = load_unit(run, { path = path, root = true, source = run.options.source })
  local includes = {}
  for _, item in ipairs(unit.items) do
    if item.word == "settings" then run.settings = item.fields end
    if item.word == "include" then includes[#includes + 1] = item end
  end
  for _, item in ipairs(includes) do add_pattern(run, under(folder(path), item.name), item) end
end

local function add_bundle(run, files)
  local modules = {}
  for path, text in pairs(files) do modules["bundle/" .. path] = text end
  for _, path in ipairs(keys_of(files)) do
    if path:find "%.lua$" and not path:find "^lib/" and not path:find "/lib/" and not path:find "_spec%.lua$" then
      put(run, { path = "bundle/" .. path, source = files[path], bundle = modules })
    end
  end
end

-- -- the whole -------------------------------------------------------------

local function report(run)
  return function(item, path, message)
    local line, col = place(run, item, path)
    run.problems:add(item.file, line, col, item, message)
  end
end

local function gather(list)
  local items = {}
  for _, unit in ipairs(list) do
    for _, item in ipairs(unit.items) do
      items[item.word] = items[item.word] or {}
      table.insert(items[item.word], item)
    end
  end
  return items
end

-- All or nothing: every problem of every file, those of names among the files that have no other.
local function link_strictly(run)
  local bad, declared, good = run.problems:files(), {}, {}
  for _, unit in ipairs(run.units) do
    for _, item in ipairs(unit.declared) do declared[#declared + 1] = item end
  end
  link.duplicates(declared, report(run))
  bad = run.problems:files(bad)
  for _, unit in ipairs(run.units) do
    if not bad[unit.path] then good[#good + 1] = unit end
  end
  local items = gather(good)
  link.check(items, run.host, report(run), run.settings.limits)
  return items, good
end

-- The fields themselves become the rule: there may be ten thousand.
local function rule_of(item, nameless)
  local rule = item.fields
  rule.word, rule.name, rule.file, rule.line, rule.order = item.word, item.name, item.file, item.line, item.order
  if item.word == "every" then
    rule.every, rule.fn = rule.args[1], rule.args[2]
    for k, v in pairs(rule.args[3] or {}) do rule[k] = v end
    if not rule.name then
      nameless[item.file] = (nameless[item.file] or 0) + 1
      rule.name, rule.key = ("%s:%d"):format(item.file, item.line), ("%s#%d"):format(item.file, nameless[item.file])
    end
  end
  rule.id, rule.title = identity.id(rule), identity.title(rule)
  return rule
end

-- A rule of a file that did not change is the same table as before.
local function rules(list)
  local out, nameless = {}, {}
  for i, item in ipairs(list or {}) do
    item.rule = item.rule or rule_of(item, nameless)
    out[i] = item.rule
  end
  return out
end

local function routing(run, items)
  local out = { settings = run.settings, routes = {}, receivers = {}, inhibits = {}, enriches = {}, windows = {}, escalations = {},
    persons = {}, oncalls = {}, drills = {}, policies = {} }
  for _, item in ipairs(items.route or {}) do table.insert(out.routes, item.fields) end
  for _, item in ipairs(items.inhibit or {}) do table.insert(out.inhibits, item.fields) end
  for _, item in ipairs(items.enrich or {}) do table.insert(out.enriches, item.fields) end
  local lists = { receiver = out.receivers, window = out.windows, escalation = out.escalations, person = out.persons, oncall = out.oncalls,
    drill = out.drills, policy = out.policies }
  for word, list in pairs(lists) do
    for _, item in ipairs(items[word] or {}) do
      item.fields.name = item.name
      if word == "escalation" then item.fields.steps = item.fields.items end
      table.insert(list, item.fields)
    end
  end
  return out
end

local function close_fresh(run, keep)
  for path, unit in pairs(run.fresh) do
    if keep[path] ~= unit then
      unit.guest:close()
      run.fresh[path] = nil
    end
  end
end

-- A file that declared nothing needs no guest; it is kept, so that it is not run again either.
local function build(run, items, list)
  local kept, guests, fresh, modules, texts = {}, {}, {}, {}, {}
  for _, unit in ipairs(list) do
    kept[unit.path], texts[unit.path] = unit, unit.source
    if #unit.items > 0 then guests[unit.path] = unit.guest end
    for path, source in pairs(unit.seen) do modules[path] = source or nil end
  end
  close_fresh(run, kept)
  for path in pairs(run.fresh) do fresh[path] = true end
  return {
    settings = run.settings, guests = guests, sources = texts, modules = modules, units = kept, fresh = fresh,
    quarantined = run.quarantined,
    scrapes = rules(items.scrape), records = rules(items.record), alerts = rules(items.alert),
    slos = rules(items.slo), checks = rules(items.check), everys = rules(items.every),
    expects = rules(items.expect), pipelines = rules(items.pipeline), breakers = rules(items.breaker),
    canaries = rules(items.canary), experiments = rules(items.experiment),
    routing = routing(run, items), watch = { files = run.watch, globs = run.globs },
  }
end

-- A folder of rules may bring a root file of its own, as an import writes it; it counts when nobody named another.
local function root_of_folders(run)
  for _, dir in ipairs(run.options.rules or {}) do
    local path = under(dir, "moonwatch.lua")
    if run.host.stat(path) then return path end
  end
end

-- -- in steps --------------------------------------------------------------

--- Begin to load; `step` until it says that it is done, then `finish`.  options: { host=, config= (root file or nil: the
-- moonwatch.lua of the folders, if there is one), source= (its text, for --stdin), rules= (folders), bundle= (path -> text), paths=
-- (files), before= (the set that runs, or nil), kept= (path -> { source=, seen= }: good versions of files from before a restart) }.
function M.begin(options)
  local run = { options = options, host = options.host, problems = problems_of.new(), units = {}, sources = {}, queue = {}, at = 0,
                watch = {}, globs = {}, seen = {}, tokens = {}, read = {}, fresh = {}, quarantined = {},
                before = options.before and options.before.units or {}, kept = options.kept or {} }
  run.settings = schema.defaults(words.by_name.settings, run.host)
  run.root = options.config or root_of_folders(run)
  if run.root then load_root(run, run.root) end
  for _, dir in ipairs(options.rules or {}) do add_pattern(run, under(dir, "*.lua")) end
  for _, path in ipairs(options.paths or {}) do put(run, { path = path }) end
  if options.bundle then add_bundle(run, options.bundle) end
  return run
end

--- Read one file of RUN; false when there is none left.
function M.step(run)
  run.at = run.at + 1
  local unit = run.queue[run.at]
  if not unit then return false end
  load_unit(run, unit)
  return true
end

-- The guests go on asking for modules through their run: nothing of the old set may hang from it.
local function forget(run)
  local host, watch = run.host, run.watch
  for name in pairs(run) do run[name] = nil end
  run.host, run.watch, run.read = host, watch, {}
end

--- The end of RUN, which is not used: as if it had never begun.
function M.drop(run)
  close_fresh(run, {})
  forget(run)
end

--- Gives set, problems; set is nil when it must not run.  The third value is { files=, globs= }, what to watch in either case.
function M.finish(run)
  local items, list
  local root_bad = run.root and run.problems:files()[run.root]
  if run.settings.strict or root_bad then
    items, list = link_strictly(run)
  else
    list = quarantine.settle(run, { link = link, gather = gather, report = report(run), run_unit = run_unit })
    items = gather(list)
    root_bad = run.root and run.problems:files()[run.root]
  end
  local watch, problems = { files = run.watch, globs = run.globs }, run.problems:sorted()
  if #problems > 0 and (run.settings.strict or root_bad) then
    M.drop(run)
    return nil, problems, watch
  end
  local set = build(run, items, list)
  forget(run)
  return set, problems, watch
end

--- All of it at once, see `begin` and `finish`.
function M.load(options)
  local run = M.begin(options)
  while M.step(run) do end
  return M.finish(run)
end

--- SET will not run: close what was opened for it.
function M.discard(set)
  for path in pairs(set.fresh) do set.units[path].guest:close() end
end

return M

--- load.lua - files in, a set of rules out: read, run, check, link.
--
-- The set stands beside the running one until it is whole.  With settings{strict=true} one problem refuses all of it;
-- with strict=false only the files that have problems are left out.
--
--   set = { settings=, scrapes=, records=, alerts=, slos=, checks=, everys=, routing=, guests=, sources=, watch= }
-- Each rule is its fields and word, name, file, line, order (in its file), guest; routing is what the router gets:
--   { settings=, routes={...}, receivers={...}, inhibits={...}, windows={...}, escalations={...} }
-- with { name=, items={ {kind="slack", ...}, {kind="function", fn=} }, rate=, send_resolved= } for a receiver and
-- { name=, steps={ {after=, to=} } } for an escalation.
local link = require "moonwatch.config.link"
local locate = require "moonwatch.config.locate"
local problems_of = require "moonwatch.config.problems"
local schema = require "moonwatch.config.schema"
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
    local file = name:gsub("%.", "/") .. ".lua"
    if name:find "%.%." or not name:find "^[%w_%.%-]+$" then return nil end
    local dir = folder(unit.path)
    for _, path in ipairs { under(dir, file), under(dir, "rules/" .. file) } do
      local source = unit.bundle and unit.bundle[path] or not unit.bundle and run.host.read_file(path)
      if not unit.bundle then run.watch[path] = true end -- also one that is not there yet
      if source then
        run.modules[path] = source
        return source, path
      end
    end
  end
end

local function budget(settings)
  local limits = settings and settings.limits or {}
  return { cpu = limits.rule_seconds, memory = limits.rule_memory, instructions = limits.rule_instructions }
end

local function read(run, unit)
  if unit.source then return unit.source end
  local source, why = run.host.read_file(unit.path)
  if not source then run.problems:add(unit.path, 1, 1, nil, "cannot read: " .. tostring(why)) end
  return source
end

local function open_guest(run, unit)
  local source = read(run, unit)
  if not source then return nil end
  run.sources[unit.path] = source
  if #source > ROOT_LIMIT then
    run.problems:add(unit.path, 1, 1, nil, "larger than 256 KB; split it")
    return nil
  end
  local guest, err = run.host.guest {
    name = unit.path, source = source, words = words.shapes(), kinds = words.kind_names(),
    module = module_finder(run, unit), budget = budget(run.settings),
  }
  if guest then return guest end
  for _, e in ipairs(err[1] and err or { err }) do
    run.problems:add(e.file or unit.path, e.line, e.col, nil, e.message)
  end
end

local function take(run, unit, guest, decl)
  local def = words.by_name[decl.word]
  local item = { word = decl.word, name = decl.name, file = unit.path, line = decl.line, guest = guest, unit = unit, once = def.once,
                 said = type(decl.fields) == "table" and decl.fields or nil }
  if def.root_only and not unit.root then
    run.problems:add(unit.path, decl.line, 1, item, "belongs into the root file, not into a file of rules")
    return
  end
  unit.declared[#unit.declared + 1] = item
  item.order = #unit.declared
  local fields, problems = schema.check(def, decl, { host = run.host, guest = unit.path })
  for _, p in ipairs(problems) do
    local line, col = place(run, item, p.path, p.at)
    run.problems:add(unit.path, line, col, item, p.message)
  end
  if #problems == 0 then
    item.fields = fields
    unit.items[#unit.items + 1] = item
  end
end

local function load_unit(run, unit)
  run.units[#run.units + 1] = unit
  if not unit.bundle then run.watch[unit.path] = true end
  unit.items, unit.declared = {}, {}
  local guest = open_guest(run, unit)
  if not guest then return end
  run.guests[unit.path] = guest
  for _, decl in ipairs(guest:declarations()) do take(run, unit, guest, decl) end
end

-- -- which files -----------------------------------------------------------

local function add_pattern(run, pattern, item)
  run.globs[#run.globs + 1] = pattern
  local paths = run.host.glob(pattern)
  if #paths == 0 and not pattern:find "[%*%?%[]" then
    run.problems:add(item and item.file or pattern, item and item.line or 1, 1, item, "no file " .. pattern)
  end
  for _, path in ipairs(paths) do
    if not run.seen[path] then
      run.seen[path] = true
      load_unit(run, { path = path })
    end
  end
end

local function load_root(run, path)
  local unit = { path = path, root = true, source = run.options.source }
  run.seen[path] = true
  load_unit(run, unit)
  local includes = {}
  for _, item in ipairs(unit.items) do
    if item.word == "settings" then run.settings = item.fields end
    if item.word == "include" then includes[#includes + 1] = item end
  end
  for _, item in ipairs(includes) do add_pattern(run, under(folder(path), item.name), item) end
end

local function load_bundle(run, files)
  local paths = {}
  for path in pairs(files) do paths[#paths + 1] = path end
  table.sort(paths)
  local modules = {}
  for path, text in pairs(files) do modules["bundle/" .. path] = text end
  for _, path in ipairs(paths) do
    if path:find "%.lua$" and not path:find "^lib/" and not path:find "/lib/" and not path:find "_spec%.lua$" then
      load_unit(run, { path = "bundle/" .. path, source = files[path], bundle = modules })
    end
  end
end

-- -- the whole -------------------------------------------------------------

local function bad_files(run)
  local bad, any = {}, false
  for _, p in ipairs(run.problems.list) do bad[p.file], any = true, true end
  return bad, any
end

local function gather(run, bad)
  local items = {}
  for _, unit in ipairs(run.units) do
    for _, item in ipairs(unit.items) do
      if not bad[unit.path] then
        items[item.word] = items[item.word] or {}
        table.insert(items[item.word], item)
      end
    end
  end
  return items
end

-- Names said twice: of two files the later one is at fault, if the earlier one stays.
local function find_duplicates(run, bad)
  local all = {}
  for _, unit in ipairs(run.units) do
    for _, item in ipairs(not (bad[unit.path] and not run.settings.strict) and unit.declared or {}) do all[#all + 1] = item end
  end
  link.duplicates(all, function(item, path, message)
    local line, col = place(run, item, path)
    run.problems:add(item.file, line, col, item, message)
  end)
end

-- Link what the good files say; a file whose names do not resolve turns bad, and the rest is linked again.
local function link_all(run)
  find_duplicates(run, bad_files(run))
  while true do
    local bad = bad_files(run)
    local before = #run.problems.list
    local items = gather(run, bad)
    link.check(items, run.host, function(item, path, message)
      local line, col = place(run, item, path)
      run.problems:add(item.file, line, col, item, message)
    end, run.settings.limits)
    if #run.problems.list == before or run.settings.strict then return items end
  end
end

local function rules(list)
  local out = {}
  for i, item in ipairs(list or {}) do
    local rule = { word = item.word, name = item.name, file = item.file, line = item.line, order = item.order, index = i }
    for k, v in pairs(item.fields) do rule[k] = v end
    if item.word == "every" then
      rule.name = ("%s:%d"):format(item.file, item.line)
      rule.every, rule.fn, rule.budget = item.fields.args[1], item.fields.args[2], item.fields.args[3].budget
    end
    out[i] = rule
  end
  return out
end

local function routing(run, items)
  local out = { settings = run.settings, routes = {}, receivers = {}, inhibits = {}, windows = {}, escalations = {} }
  for _, item in ipairs(items.route or {}) do table.insert(out.routes, item.fields) end
  for _, item in ipairs(items.inhibit or {}) do table.insert(out.inhibits, item.fields) end
  for word, list in pairs { receiver = out.receivers, window = out.windows, escalation = out.escalations } do
    for _, item in ipairs(items[word] or {}) do
      item.fields.name = item.name
      if word == "escalation" then item.fields.steps = item.fields.items end
      table.insert(list, item.fields)
    end
  end
  return out
end

local function close_guests(run, keep)
  for path, guest in pairs(run.guests) do
    if not keep[path] then
      guest:close()
      run.guests[path] = nil
    end
  end
end

local function build(run, items)
  local used = {}
  for _, list in pairs(items) do
    for _, item in ipairs(list) do used[item.file] = true end
  end
  close_guests(run, used)
  return {
    settings = run.settings, guests = run.guests, sources = run.sources, modules = run.modules,
    scrapes = rules(items.scrape), records = rules(items.record), alerts = rules(items.alert),
    slos = rules(items.slo), checks = rules(items.check), everys = rules(items.every),
    routing = routing(run, items), watch = { files = run.watch, globs = run.globs },
  }
end

--- options: { host=, config= (root file or nil), source= (its text, for --stdin), rules= (folders), bundle= (path -> text), paths= (files) }.
-- Gives set, problems; set is nil when it must not run.  The third value is { files=, globs= }, what to watch in either case.
function M.load(options)
  local run = { options = options, host = options.host, problems = problems_of.new(), units = {}, sources = {},
                guests = {}, watch = {}, globs = {}, seen = {}, modules = {}, tokens = {} }
  run.settings = schema.defaults(words.by_name.settings, run.host)
  if options.config then load_root(run, options.config) end
  for _, dir in ipairs(options.rules or {}) do add_pattern(run, under(dir, "*.lua")) end
  for _, path in ipairs(options.paths or {}) do
    if not run.seen[path] then
      run.seen[path] = true
      load_unit(run, { path = path })
    end
  end
  if options.bundle then load_bundle(run, options.bundle) end
  local items = link_all(run)
  local watch = { files = run.watch, globs = run.globs }
  local problems = run.problems:sorted()
  local root_bad = options.config and bad_files(run)[options.config]
  if #problems > 0 and (run.settings.strict or root_bad) then
    close_guests(run, {})
    return nil, problems, watch
  end
  return build(run, items), problems, watch
end

return M

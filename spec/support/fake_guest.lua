--- fake_guest.lua - a guest without the sandbox: enough to load rule files and call their functions in specs.
local did_you_mean = require "moonwatch.did_you_mean"

local M = {}

local SAFE = { "assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type",
               "unpack", "math", "string", "table", "setmetatable", "getmetatable" }

-- V as it leaves the guest: functions are numbers of STATE.
local function plain(state, v, depth)
  if type(v) == "function" then
    state.fns[#state.fns + 1] = v
    return { ["@fn"] = #state.fns }
  end
  if type(v) ~= "table" then return v end
  if depth > 20 then error("tables nested too deep", 0) end
  local out = {}
  for k, item in pairs(v) do out[k] = plain(state, item, depth + 1) end
  return out
end

-- The line of the file NAME that runs now.
local function line_of(name)
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return 0 end
    if info.source == "@" .. name then return info.currentline end
    level = level + 1
  end
end

-- How words of each shape are written: what the file calls, which DECLAREs it with the line that HERE gives.
local SHAPES = {}

function SHAPES.named(word, declare, here)
  return function(name)
    local line = here()
    if type(name) ~= "string" then error(word .. ": expected a name", 2) end
    return function(fields)
      if type(fields) ~= "table" then error(("%s %q: expected { ... }"):format(word, name), 2) end
      declare { word = word, name = name, fields = fields, line = line }
    end
  end
end

function SHAPES.table(word, declare, here)
  return function(fields)
    if type(fields) ~= "table" then error(word .. ": expected { ... }", 2) end
    declare { word = word, fields = fields, line = here() }
  end
end

function SHAPES.text(word, declare, here)
  return function(name)
    if type(name) ~= "string" then error(word .. ": expected a text", 2) end
    declare { word = word, name = name, line = here() }
  end
end

function SHAPES.call(word, declare, here)
  return function(...) declare { word = word, args = { ... }, line = here() } end
end

local function add_words(env, state, spec)
  local function declare(d)
    d.fields, d.args = d.fields and plain(state, d.fields, 0), d.args and plain(state, d.args, 0)
    table.insert(state.declarations, d)
  end
  local function here() return line_of(spec.name) end
  for word, shape in pairs(spec.words) do env[word] = SHAPES[shape](word, declare, here) end
  for _, kind in ipairs(spec.kinds or {}) do
    env[kind] = function(fields)
      local out = {}
      for k, v in pairs(fields) do out[k] = v end
      out["@kind"] = kind
      return out
    end
  end
end

local function requirer(env, state, spec)
  return function(name)
    if state.loaded[name] ~= nil then return state.loaded[name] end
    local source, path = (spec.module or function() end)(name)
    if not source then error(("module %q not found"):format(name), 2) end
    local chunk, err = loadstring(source, "@" .. path)
    if not chunk then error(err, 0) end
    local value = setfenv(chunk, env)()
    state.loaded[name] = value == nil and true or value
    return state.loaded[name]
  end
end

local function environment(state, spec, host)
  local env = {}
  for _, name in ipairs(SAFE) do env[name] = _G[name] end
  env._G = env
  add_words(env, state, spec)
  env.env = function(name) return host.env(name) end
  env.secret = function(name) return { ["@secret"] = name } end
  env.require = requirer(env, state, spec)
  local names = {}
  for word in pairs(spec.words) do names[#names + 1] = word end
  for _, kind in ipairs(spec.kinds or {}) do names[#names + 1] = kind end
  return setmetatable(env, {
    __index = function(_, name) error(("unknown name %q%s"):format(name, did_you_mean(host, name, names)), 2) end,
    __newindex = function(_, name) error(("no globals here: write `local %s = ...`"):format(name), 2) end,
  })
end

local function failure(name, err)
  local line, message = tostring(err):match("^" .. name:gsub("%p", "%%%0") .. ":(%d+): (.*)$")
  return { line = tonumber(line) or 1, col = 1, message = message or tostring(err) }
end

local function context(host, ctx, fired)
  local function at() return ctx.now end
  return {
    now = ctx.now, state = ctx.state or {},
    query = function(_, expr) return assert(host.query(expr, at())) end,
    value = function(_, expr)
      local rows = assert(host.query(expr, at()))
      return rows[1] and rows[1].value
    end,
    range = function(_, expr, from, to, step) return assert(host.range(expr, from, to, step)) end,
    fire = function(_, row) fired[#fired + 1] = row end,
    logs = {
      count = function(_, q) q.to = q.to or at(); return host.logs_count(q) end,
      search = function(_, q) q.to = q.to or at(); return host.logs_search(q) end,
    },
    traces = { search = function(_, q) q.to = q.to or at(); return host.traces_search(q) end },
    log = { info = function(m) host.log("info", m) end },
  }
end

local Guest = {}
Guest.__index = Guest

function Guest:declarations() return self.state.declarations end
function Guest:close() self.closed = true end

function Guest:call(fn, args, ctx, done)
  local list = { unpack(args or {}, 1, args and table.maxn(args) or 0) }
  local fired, object = {}, nil
  local n = table.maxn(list)
  if ctx and ctx.kind ~= "text" and ctx.kind ~= "relabel" then
    object = context(self.host, ctx, fired)
    n = n + 1
    list[n] = object
  end
  local trace
  local result = { xpcall(function() return self.state.fns[fn](unpack(list, 1, n)) end, function(e)
    trace = debug.traceback(tostring(e), 2)
    return tostring(e)
  end) }
  if not result[1] then
    return done { ok = false, error = result[2], traceback = trace, values = {}, fired = fired, seconds = 0, instructions = 0 }
  end
  table.remove(result, 1)
  done { ok = true, values = result, state = object and object.state, fired = fired, seconds = 0, instructions = 0 }
end

function M.maker(host)
  return function(spec)
    local chunk, err = loadstring(spec.source, "@" .. spec.name)
    if not chunk then return nil, failure(spec.name, err) end
    local state = { declarations = {}, fns = {}, loaded = {} }
    local ok, why = pcall(setfenv(chunk, environment(state, spec, host)))
    if not ok then return nil, failure(spec.name, why) end
    return setmetatable({ state = state, host = host, name = spec.name }, Guest)
  end
end

return M

--- fake_host.lua - a host table made of plain Lua, for specs of policy modules.
--
-- It keeps docs/host.md as far as policy needs it: real JSON, hashes, regular expressions,
-- durations and guests; canned query results; files in a table; calls that wait until a spec
-- answers them by hand.
--
--   local host = require("fake_host").new()
--   host.answers["up == 0"] = { { labels = { job = "x" }, value = 0 } }   -- or function(t) ... end
--   host.files["rules/web.lua"] = "..."
--   host.on.http = function(arg) return { status = 200 } end              -- answered at once
--   host.finish("http", { status = 200 })                                 -- the oldest waiting call
-- Recorded: host.calls, host.sent, host.asked, host.appended, host.metrics, host.logged.
local dkjson = require "dkjson"
local guests = require "fake_guest"
local real = require "moonwatch.host"
local texts = require "fake_texts"

local M = {}

local function json_api()
  return {
    encode = function(v) return dkjson.encode(v) end,
    decode = function(text)
      local v, _, err = dkjson.decode(text, 1, nil)
      if err then return nil, err end
      return v
    end,
    mended = function(text) return text end,
    array = function(t) return setmetatable(t, { __jsontype = "array" }) end,
    null = dkjson.null,
  }
end

local function add_signals(host)
  function host.query(expr, t)
    local answer = host.answers[expr]
    if type(answer) == "function" then return answer(t) end
    if type(answer) == "string" then return nil, answer end
    return answer or {}
  end
  function host.range(expr, from, to, step)
    local by, out = {}, {}
    for t = from, to, step do
      for _, row in ipairs(host.query(expr, t) or {}) do
        local key = texts.fingerprint(row.labels)
        if not by[key] then by[key] = { labels = row.labels, points = {} }; out[#out + 1] = by[key] end
        table.insert(by[key].points, { t, row.value })
      end
    end
    return out
  end
  function host.append(rows)
    for _, row in ipairs(rows) do host.appended[#host.appended + 1] = row end
    return #rows
  end
  function host.logs_search() return {} end
  function host.logs_count() return 0 end
  function host.traces_search() return {} end
  function host.metric(kind, name, labels, value)
    host.metrics[#host.metrics + 1] = { kind = kind, name = name, labels = labels, value = value }
  end
  function host.log(level, message, fields)
    host.logged[#host.logged + 1] = { level = level, message = message, fields = fields }
  end
end

local function add_files(host)
  function host.read_file(path)
    if host.files[path] then return host.files[path] end
    return nil, path .. ": no such file"
  end
  function host.write_file(path, text)
    host.worked, host.written = host.worked + host.write_takes, host.written + 1
    host.files[path] = text
    host.mtimes[path] = (host.mtimes[path] or 0) + 1
    return true
  end
  function host.remove(path) host.files[path] = nil; return true end
  function host.mkdir() return true end
  function host.glob(pattern)
    local lua = "^" .. pattern:gsub("[%-%.%+%%]", "%%%0"):gsub("%*", "[^/]*"):gsub("%?", "[^/]") .. "$"
    local out = {}
    for path in pairs(host.files) do
      if path:find(lua) then out[#out + 1] = path end
    end
    table.sort(out)
    return out
  end
  function host.stat(path)
    if host.files[path] then return { mtime = host.mtimes[path] or 0, size = #host.files[path], dir = false } end
    for file in pairs(host.files) do
      if file:sub(1, #path + 1) == path .. "/" then return { mtime = 0, size = 0, dir = true } end
    end
  end
end

-- A journal in memory: what was appended is there for whoever opens it next.  Segments are as long as between two cuts.
local function add_journals(host)
  local Journal = {}
  Journal.__index = Journal
  function Journal:replay(visit)
    local n = 0
    for _, segment in ipairs(self.segments) do
      for _, frame in ipairs(segment) do
        n = n + 1
        visit(frame)
      end
    end
    return n, 0
  end
  function Journal:append(text, more)
    local frame = text .. (more or "")
    if host.disk_full then return nil, "No space left on device" end
    table.insert(self.segments[#self.segments], frame)
    self.size = self.size + #frame
    return true
  end
  function Journal:cut()
    table.insert(self.segments, {})
    return self.dropped + #self.segments
  end
  function Journal:drop(segment)
    while self.dropped + 1 < segment do
      for _, frame in ipairs(table.remove(self.segments, 1)) do self.size = self.size - #frame end
      self.dropped = self.dropped + 1
    end
  end
  function Journal:bytes() return self.size end
  function Journal.sync() return true end
  function Journal.close() end
  host.journals = {}
  function host.rename(from, to)
    host.journals[to], host.journals[from] = host.journals[from], nil
    return true
  end
  function host.journal(dir)
    host.journals[dir] = host.journals[dir] or setmetatable({ segments = { {} }, dropped = 0, size = 0 }, Journal)
    return host.journals[dir]
  end
end

local function add_world(host)
  function host.call(op, arg, done)
    local call = { op = op, arg = arg, done = done }
    host.calls[#host.calls + 1] = call
    local on = host.on[op]
    if on then
      call.answered = true
      if done then done(on(arg) or {}) end
    else
      host.waiting[#host.waiting + 1] = call
    end
  end
  --- Take the oldest unanswered call of OP; nil when none waits.
  function host.take(op)
    for i, call in ipairs(host.waiting) do
      if call.op == op then return table.remove(host.waiting, i) end
    end
  end
  --- Answer the oldest waiting call of OP; returns its argument.
  function host.finish(op, answer)
    local call = host.take(op) or error("no waiting call of " .. op, 2)
    call.answered = true
    if call.done then call.done(answer) end
    return call.arg
  end
  function host.send(actor, msg) host.sent[#host.sent + 1] = { actor = actor, msg = msg } end
  function host.ask(actor, msg, done)
    host.asked[#host.asked + 1] = { actor = actor, msg = msg, done = done }
    local on = host.on_ask[actor]
    if on and done then done(on(msg) or {}) end
  end
  host.later = setmetatable({}, { __name = "later" })
end

function M.new(options)
  options = options or {}
  local host = {
    answers = {}, files = options.files or {}, mtimes = {}, env_table = options.env or {},
    calls = {}, waiting = {}, sent = {}, asked = {}, appended = {}, metrics = {}, logged = {},
    on = {}, on_ask = {}, data_dir = "data", time = options.now or 1000000, worked = 0, write_takes = 0, written = 0,
    read_alerts = function() end, write_message = real.write_message, json = json_api(), same = function(a, b) return a == b end,
  }
  for name, fn in pairs(texts) do host[name] = fn end
  local serial = 0
  function host.random_hex(n)
    serial = serial + 1
    return texts.sha256(tostring(serial)):sub(1, 2 * n)
  end
  function host.env(name) return host.env_table[name] end
  function host.secret(name) return host.env_table[name] or (host.files[name] and (host.files[name]:gsub("\n$", ""))) end
  function host.hostname() return "fake" end
  function host.version() return "0.0-fake" end
  function host.now() return host.time end
  function host.monotonic() return host.time + host.worked end
  add_signals(host)
  add_files(host)
  add_journals(host)
  add_world(host)
  host.guest = guests.maker(host)
  return host
end

return M

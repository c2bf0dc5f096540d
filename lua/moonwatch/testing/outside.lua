--- outside.lua - what a world answers instead of the net, the other nodes and the environment.
local M = {}

local function copy(arg)
  local out = {}
  for k, v in pairs(arg) do out[k] = v end
  return out
end

-- DONE(ANSWER) at once, or when the time in ANSWER.after has passed.
local function give(world, answer, done)
  if not done then return end
  local wait = answer.after and world.host.duration(answer.after) or 0
  if wait <= 0 then return done(answer) end
  table.insert(world.later, { at = world.now + wait, fn = function() done(answer) end })
  world.woken = true
end

-- -- http ------------------------------------------------------------------

-- A header "set-cookie: name=value" of a world becomes a line of the jar, as libcurl writes it.
local function jar(request, answer)
  if not request.cookies then return nil end
  local out, fresh = {}, answer.headers and (answer.headers["set-cookie"] or answer.headers["Set-Cookie"])
  local host = request.url:match "^%w+://([^/:]+)" or ""
  local name, value = (fresh or ""):match "^([^=;]+)=([^;]*)"
  for _, line in ipairs(request.cookies) do
    if line:match "\t([^\t]*)\t[^\t]*$" ~= name then out[#out + 1] = line end
  end
  if name then out[#out + 1] = table.concat({ host, "FALSE", "/", "FALSE", "0", name, value }, "\t") end
  return out
end

local function filled(answer, request)
  if answer.error then return { error = answer.error, seconds = answer.seconds or 0.001, after = answer.after } end
  return { status = answer.status or 200, headers = answer.headers or {}, body = answer.body or "", seconds = answer.seconds or 0.001,
           after = answer.after, cookies = jar(request, answer) }
end

local function answer_to(world, request, n)
  for i = #world.served, 1, -1 do
    local row = world.served[i]
    if request.url:sub(1, #row.prefix) == row.prefix then
      row.n = row.n + 1
      local answer = row.answer
      if type(answer) == "function" then answer = answer(request, row.n) end
      if answer then return filled(answer, request) end
    end
  end
  return filled(world.answers and world.answers(request, n) or {}, request)
end

local function http(world, arg, done)
  local request = { url = arg.url, method = arg.method or (arg.body and "POST" or "GET"), headers = copy(arg.headers or {}), body = arg.body,
                    json = arg.body and world.host.json.decode(arg.body) or nil, at = world.now, message = world.sending,
                    cookies = arg.cookies, step = arg.step, timeout = arg.timeout }
  request.answer = answer_to(world, request, #world.requests + 1)
  table.insert(world.requests, request)
  if world.sending then table.insert(world.sending.requests, request) end
  give(world, request.answer, done)
end

-- -- mails and programs --------------------------------------------------------

-- They are taken unless world:probe("mail", answer) or world:probe("exec", answer) says otherwise; nothing leaves.
local TAKEN = { mail = { status = 250, refused = {}, seconds = 0.001 }, exec = { code = 0, stdout = "", stderr = "", seconds = 0.001 } }
local function taken(world, op, arg, done)
  local request = copy(arg)
  request.op, request.at, request.message = op, world.now, world.sending
  if op == "mail" then request.url, request.body = ("smtp://%s:%d"):format(arg.host, arg.port), arg.message
  else request.url, request.body, request.json = "exec:" .. table.concat(arg.command, " "), arg.stdin, arg.stdin and world.host.json.decode(arg.stdin) end
  if world.sending then table.insert(world.sending.requests, request) end
  give(world, world.probes[op] and world.probes[op](arg) or copy(TAKEN[op]), done)
end

-- -- the table of operations -------------------------------------------------------------------

local function operations(world)
  local ops = { http = function(arg, done) http(world, arg, done) end }
  function ops.scrape(arg, done)
    world.jobs = arg.jobs
    if done then done {} end
  end
  for op in pairs(TAKEN) do
    ops[op] = function(arg, done) taken(world, op, arg, done) end
  end
  for _, op in ipairs { "tcp", "dns", "icmp", "grpc", "redis", "postgres" } do
    ops[op] = function(_, done) give(world, { error = ("no %s in this world: answer it with world:probe"):format(op), seconds = 0 }, done) end
  end
  ops["cluster.put"] = function(arg, done)
    if arg.kind == "share" then return world.real_call("cluster.put", arg, done) end
    world:share(arg.kind, arg.id, arg.value)
    if done then done {} end
  end
  ops["cluster.nodes"] = function(_, done)
    local self = "node" .. world.fence
    local leases = {}
    for slot = 0, 15 do leases["rules/" .. slot] = { node = self, fence = world.fence } end
    leases.router = { node = self, fence = world.fence }
    if done then
      done { enabled = true, connected = true, away = 0, self = self, nodes = { { name = self, url = "", seen = world.now, alive = true } },
             leases = leases }
    end
  end
  return ops
end

--- Answer what functions of rules ask of the net (ctx.http), as often as they go on asking.
function M.serve(world)
  local host = world.host
  local n = host.settle()
  repeat
    local call = host.take_call()
    if call then
      host.call(call.op, call.arg, call.done)
      n = n + 1 + host.settle()
    end
  until not call
  return n
end

--- HOST's calls are answered by WORLD from now on.
function M.wire(world)
  local host, ops = world.host, operations(world)
  world.real_call = host.call
  host.take_call() -- from here on somebody answers
  host.call = function(op, arg, done)
    local probe = not TAKEN[op] and world.probes[op]
    if probe then return give(world, probe(arg) or { seconds = 0 }, done) end
    if ops[op] then return ops[op](arg, done) end
    return world.real_call(op, arg, done)
  end
  host.ask = function(_, msg, done) world.node:call(msg, world.now, done) end
  host.send = function() return true end
  host.log = function(level, message, fields)
    table.insert(world.lines, { at = world.now, level = level, message = message, fields = fields })
  end
  -- No test needs a real secret, and none is in the environment of whoever runs it.
  host.secret = function(name) return world.secrets[name] or ("(secret %s)"):format(name) end
  host.env = function(name) return world.env[name] end
end

return M

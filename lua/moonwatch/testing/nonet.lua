--- nonet.lua - a spec of rules touches nothing outside: sockets and other programs raise an error that says so.
--
-- Rule code has neither; this is for the spec around it, which runs as trusted Lua.  A probe or a message of the world is
-- answered by the spec, and a spec that reaches the real thing by mistake would pass here and fail elsewhere.  Who touched
-- something is known even when the error was caught: `moonwatch test` fails that test.
local M = { open = false, touched = nil }

local ADVICE = "a test in simulated time touches nothing outside: %s was called; if this spec has to, it says " ..
               'require("moonwatch.testing").allow_network(), or run moonwatch test --allow-network'

local function guard(what, real)
  return function(...)
    if M.open or not M.closed then return real(...) end
    M.touched = ADVICE:format(what)
    error(M.touched, 2)
  end
end

local function guard_each(module, prefix, names)
  for _, name in ipairs(names) do
    if type(module[name]) == "function" then module[name] = guard(prefix .. name, module[name]) end
  end
end

local SOCKET = { "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "connect", "connect4", "connect6", "bind" }

-- What opens sockets and processes under other names; refused when it is asked for.
local MODULES = { "socket.unix", "socket.serial", "ssl", "cqueues", "luv", "lsocket", "cURL", "lcurl", "posix", "posix.unistd",
                  "posix.sys.socket", "hiredis", "zmq", "http.request" }

local function guard_luasocket()
  local found, core = pcall(require, "socket.core")
  if not found then return end
  guard_each(core, "socket.", SOCKET)
  local also, socket = pcall(require, "socket")
  if also and socket ~= core then guard_each(socket, "socket.", SOCKET) end
  if type(core.dns) == "table" then guard_each(core.dns, "socket.dns.", { "toip", "tohostname", "getaddrinfo", "getnameinfo" }) end
end

-- In front of all other loaders: an error while the modules are closed, nothing otherwise.
local function guard_modules()
  local listed = {}
  for _, name in ipairs(MODULES) do listed[name] = true end
  table.insert(package.loaders, 1, function(name)
    if listed[name] then guard(('require "%s"'):format(name), function() end)() end
  end)
end

-- Over ffi every door would stand open again.
local CALLS = { "socket", "socketpair", "connect", "system", "popen", "fork", "vfork", "execve", "execv", "execvp", "posix_spawn" }

local function guard_ffi()
  local found, ffi = pcall(require, "ffi")
  if not found then return end
  local listed, C = {}, ffi.C
  for _, name in ipairs(CALLS) do listed[name] = true end
  ffi.C = setmetatable({}, {
    __index = function(_, name)
      if listed[name] then guard("ffi.C." .. name, function() end)() end
      return C[name]
    end,
    __newindex = function(_, name, value) C[name] = value end,
  })
end

--- Put the guards up; HOST is the command line's, whose calls are real.  Once a process.
function M.close(host)
  if M.closed ~= nil then return end
  M.closed = true
  guard_luasocket()
  guard_modules()
  guard_ffi()
  io.popen = guard("io.popen", io.popen) -- luacheck: ignore 122
  os.execute = guard("os.execute", os.execute) -- luacheck: ignore 122
  host.call = guard("host.call", host.call)
end

--- The spec that says this may reach outside, to the end of its file.
function M.allow() M.open = true end

--- A file begins: what the one before it was allowed is over.
function M.begin_file() M.open = false end

return M

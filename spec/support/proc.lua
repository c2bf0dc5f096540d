--- proc.lua - real programs for end-to-end specs: started on free ports, ended by their own pid.
require("moonwatch.testing.nonet").allow() -- real programs
local ffi = require "ffi"
local socket = require "socket"

ffi.cdef [[
typedef int pid_t;
int posix_spawnp(pid_t *pid, const char *file, const void *actions, const void *attr, char *const argv[], char *const envp[]);
int posix_spawn_file_actions_init(void *actions);
int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned mode);
int posix_spawn_file_actions_destroy(void *actions);
pid_t waitpid(pid_t pid, int *status, int options);
int kill(pid_t pid, int sig);
char *mkdtemp(char *template);
unsigned geteuid(void);
extern char **environ;
]]

local M = {}
local Proc = {}
Proc.__index = Proc

local WNOHANG, O_WRONLY_CREAT_APPEND = 1, 1 + 64 + 1024
M.signals = { HUP = 1, INT = 2, KILL = 9, TERM = 15, STOP = 19, CONT = 18 }

--- A scratch folder of its own; removed by M.cleanup.
local folders, running = {}, {}
function M.scratch()
  local name = ffi.new("char[?]", 40, "/tmp/moonwatch-spec-XXXXXX")
  assert(ffi.C.mkdtemp(name) ~= nil, "no scratch folder")
  local path = ffi.string(name)
  folders[#folders + 1] = path
  return path
end

function M.free_port()
  local s = assert(socket.bind("127.0.0.1", 0))
  local _, port = s:getsockname()
  s:close()
  return tonumber(port)
end

--- LIST as what C calls argv; and what must be held as long as that is used.
function M.strings(list)
  local anchor, array = {}, ffi.new("char *[?]", #list + 1)
  for i, text in ipairs(list) do
    anchor[i] = ffi.new("char[?]", #text + 1, text)
    array[i - 1] = anchor[i]
  end
  array[#list] = nil
  return array, anchor
end

--- Start a program; its output goes to the file LOG (default: in a scratch folder).
function M.spawn(argv, log)
  log = log or M.scratch() .. "/log"
  local actions = ffi.new "char[512]"
  ffi.C.posix_spawn_file_actions_init(actions)
  ffi.C.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0)
  for fd = 1, 2 do
    ffi.C.posix_spawn_file_actions_addopen(actions, fd, log, O_WRONLY_CREAT_APPEND, 420)
  end
  local pid, args, anchor = ffi.new "pid_t[1]", M.strings(argv)
  local rc = ffi.C.posix_spawnp(pid, argv[1], actions, nil, args, ffi.C.environ)
  ffi.C.posix_spawn_file_actions_destroy(actions)
  assert(anchor and rc == 0, ("cannot start %s: error %d"):format(argv[1], rc))
  local p = setmetatable({ pid = pid[0], log = log, name = argv[1] }, Proc)
  running[p] = true
  return p
end

--- Run a program to its end: exit status and everything it printed.
function M.run(argv, seconds)
  local p = M.spawn(argv)
  return p:wait(seconds or 30), p:output()
end

function Proc:output()
  local f = io.open(self.log, "rb")
  local text = f and f:read "*a" or ""
  if f then f:close() end
  return text
end

function Proc:alive()
  if self.status then return false end
  local status = ffi.new "int[1]"
  if ffi.C.waitpid(self.pid, status, WNOHANG) ~= self.pid then return true end
  local s = status[0]
  self.status = s % 128 == 0 and math.floor(s / 256) % 256 or -(s % 128)
  running[self] = nil
  return false
end

function Proc:signal(name)
  local number = assert(M.signals[name], name)
  if self:alive() then ffi.C.kill(self.pid, number) end
end

--- Wait until it takes connections on PORT; an error when it ends before, or after SECONDS.
function Proc:listens(port, seconds)
  M.eventually(function()
    assert(self:alive(), self:output())
    local s = socket.connect("127.0.0.1", port)
    if s then s:close() end
    return s ~= nil
  end, seconds or 10, self.name .. " listens")
end

--- Exit status (negative: died of that signal); an error when it does not end in time.
function Proc:wait(seconds)
  M.eventually(function() return not self:alive() end, seconds or 15, self.name .. " ends")
  return self.status
end

function Proc:stop()
  self:signal "TERM"
  return self:wait()
end

function Proc:kill()
  self:signal "KILL"
  return self:wait()
end

--- Ask CONDITION again and again until it is true; its value, or an error after SECONDS.
function M.eventually(condition, seconds, what)
  local deadline = socket.gettime() + (seconds or 10)
  local last
  repeat
    local ok, value = pcall(condition)
    if ok and value then return value end
    last = not ok and value or nil
    socket.sleep(0.02)
  until socket.gettime() > deadline
  error(("waited %g s in vain%s%s"):format(seconds or 10, what and " until " .. what or "", last and ": " .. tostring(last) or ""), 2)
end

--- End whatever a spec left running and remove the scratch folders.
function M.cleanup()
  for p in pairs(running) do
    p:signal "CONT"
    p:signal "KILL"
    pcall(p.wait, p, 5)
  end
  for _, path in ipairs(folders) do os.execute(("rm -rf '%s'"):format(path)) end
  running, folders = {}, {}
end

function M.write(path, text)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

function M.read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "*a"
  f:close()
  return text
end

return M

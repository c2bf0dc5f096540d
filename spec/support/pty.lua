--- pty.lua - a program at a terminal: what it shows is waited for, what it is told is typed.
local ffi = require "ffi"
local proc = require "proc" -- and it declares what starts programs

ffi.cdef [[
int posix_openpt(int flags);
int grantpt(int fd);
int unlockpt(int fd);
char *ptsname(int fd);
int posix_spawnattr_init(void *attr);
int posix_spawnattr_setflags(void *attr, short flags);
int posix_spawnattr_destroy(void *attr);
struct mw_spec_pollfd { int fd; short events; short revents; };
int poll(struct mw_spec_pollfd *fds, unsigned long n, int timeout);
long read(int fd, void *buf, size_t n);
long write(int fd, const void *buf, size_t n);
int close(int fd);
]]

local M = {}
local Terminal = {}
Terminal.__index = Terminal

local O_RDWR, O_NOCTTY, O_CLOEXEC, SETSID, POLLIN, KILL = 2, 256, 524288, 128, 1, 9

--- Start ARGV (a full path first) at a new terminal, with these variables ({ "NAME=value" }) as its environment.
function M.spawn(argv, environment)
  local C = ffi.C
  local master = C.posix_openpt(O_RDWR + O_NOCTTY + O_CLOEXEC)
  assert(master >= 0 and C.grantpt(master) == 0 and C.unlockpt(master) == 0, "no terminal")
  local name = ffi.string(C.ptsname(master))
  local actions, attr = ffi.new "char[512]", ffi.new "char[512]"
  C.posix_spawn_file_actions_init(actions)
  for fd = 0, 2 do C.posix_spawn_file_actions_addopen(actions, fd, name, O_RDWR, 0) end
  C.posix_spawnattr_init(attr)
  C.posix_spawnattr_setflags(attr, SETSID)
  local args, keep_args = proc.strings(argv)
  local env, keep_env = proc.strings(environment)
  local pid = ffi.new "pid_t[1]"
  local rc = C.posix_spawnp(pid, argv[1], actions, attr, args, env)
  C.posix_spawn_file_actions_destroy(actions)
  C.posix_spawnattr_destroy(attr)
  assert(rc == 0 and keep_args and keep_env, argv[1] .. " does not start")
  return setmetatable({ fd = master, pid = pid[0], seen = "", all = "" }, Terminal)
end

-- What was shown since the last look, without what only moves the cursor; nil at the end.
local function more(self, ms)
  local fds = ffi.new("struct mw_spec_pollfd[1]", { { self.fd, POLLIN, 0 } })
  if ffi.C.poll(fds, 1, ms) <= 0 then return "" end
  local buf = ffi.new "char[4096]"
  local n = tonumber(ffi.C.read(self.fd, buf, 4096))
  if n <= 0 then return nil end
  return ffi.string(buf, n)
end

--- Wait until TEXT is shown (behind what was waited for before); an error after 15 seconds.
function Terminal:wait(text)
  for _ = 1, 150 do
    local plain = self.seen:gsub("\27%[[%d;?]*%a", "")
    local _, stop = plain:find(text, 1, true)
    if stop then
      self.seen = plain:sub(stop + 1)
      return self
    end
    local got = more(self, 100)
    if got == nil then break end
    self.seen, self.all = self.seen .. got, self.all .. got
  end
  error(("the terminal does not show %q but:\n%s"):format(text, self.all), 2)
end

--- Type TEXT.
function Terminal:type(text)
  assert(ffi.C.write(self.fd, text, #text) == #text)
  return self
end

--- Wait for the end; the exit status.  One that does not end within 15 seconds is killed, and has none.
function Terminal:status()
  local status = ffi.new "int[1]"
  local got = more(self, 15000)
  while got and got ~= "" do got = more(self, 15000) end
  if got then ffi.C.kill(self.pid, KILL) end
  ffi.C.waitpid(self.pid, status, 0)
  ffi.C.close(self.fd)
  return not got and bit.rshift(status[0], 8) or nil
end

return M

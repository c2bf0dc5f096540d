--- server.lua - a real moonwatch for end-to-end specs.
local net = require "net"
local proc = require "proc"

local M = {}
local Server = {}
Server.__index = Server

local function binary() return os.getenv "MOONWATCH" or "./moonwatch" end
M.binary = binary

--- Start moonwatch on a free port with this root config and these rule files ({["web.lua"]=text}).
-- options: config, rules, args (more flags), dir (use again), port, ready=false (do not wait).
function M.start(options)
  options = options or {}
  local self = setmetatable({ dir = options.dir or proc.scratch(), port = options.port or proc.free_port() }, Server)
  self.url = "http://127.0.0.1:" .. self.port
  os.execute(("mkdir -p '%s/rules'"):format(self.dir))
  for name, text in pairs(options.rules or {}) do self:write(name, text) end
  if options.config then proc.write(self.dir .. "/moonwatch.lua", options.config) end
  local argv = { binary(), "run" }
  if options.config then argv[#argv + 1] = self.dir .. "/moonwatch.lua" end
  for _, flag in ipairs { "--listen", "127.0.0.1:" .. self.port, "--data", self.dir .. "/data", "--rules", self.dir .. "/rules" } do
    argv[#argv + 1] = flag
  end
  for _, flag in ipairs(options.args or {}) do argv[#argv + 1] = flag end
  self.proc = proc.spawn(argv, self.dir .. "/log")
  if options.ready ~= false then
    proc.eventually(function()
      assert(self.proc:alive(), "moonwatch ended: " .. self.proc:output())
      return net.request(self.url .. "/-/ready") == 200
    end, 20, "moonwatch is ready")
  end
  return self
end

--- Write a file of the rules folder.
-- In one go, as editors do: a reload may read at any time, and half a file has other rules.
function Server:write(name, text)
  local path = self.dir .. "/rules/" .. name
  proc.write(path .. ".new", text)
  assert(os.rename(path .. ".new", path))
end

function Server:get(path, options) return net.request(self.url .. path, options) end
function Server:json(path, options) return net.json(self.url .. path, options) end
function Server:post(path, body, content_type, headers)
  local h = { ["content-type"] = content_type or "application/json" }
  for k, v in pairs(headers or {}) do h[k] = v end
  return net.request(self.url .. path, { method = "POST", body = body or "", headers = h })
end

--- The result of an instant query: list of {metric=, value={t, text}}.
function Server:query(expr)
  local answer = assert(self:json("/api/v1/query?query=" .. net.escape(expr)))
  assert(answer.status == "success", answer.error)
  return answer.data.result
end

--- The value of the first sample of EXPR as a number, or nil.
function Server:value(expr)
  local rows = self:query(expr)
  if not rows[1] then return nil end
  return tonumber(rows[1].value and rows[1].value[2] or rows[2])
end

--- Push text exposition.
function Server:push(text)
  local status, body = self:post("/api/v1/import/prometheus", text, "text/plain")
  assert(status and status < 300, body)
end

function Server:reload() return self:json("/-/reload", { method = "POST", body = "" }) end

--- The state of alert NAME: "inactive", "pending", "firing".
function Server:state(name)
  local state = "inactive"
  local answer = assert(self:json "/api/v1/alerts")
  for _, alert in ipairs(answer.data.alerts) do
    if alert.labels.alertname == name and state ~= "firing" then state = alert.state end
  end
  return state
end

function Server:log() return self.proc:output() end
function Server:stop() return self.proc:stop() end
function Server:kill() return self.proc:kill() end

--- A moonwatch command against this server: exit status, output.
function Server:cli(...)
  local argv = { binary(), ... }
  argv[#argv + 1] = "--url"
  argv[#argv + 1] = self.url
  return proc.run(argv)
end

return M

--- net.lua - small HTTP for end-to-end specs: a client, and a sink that records what arrives.
require("moonwatch.testing.nonet").allow() -- real programs
local json = require "dkjson"
local ltn12 = require "ltn12"
local socket = require "socket"
local http = require "socket.http"

local M = {}

--- One request; `status, body, headers`.  options: method, body, headers, timeout.
function M.request(url, options)
  options = options or {}
  local parts, headers = {}, {}
  for k, v in pairs(options.headers or {}) do headers[k] = v end
  if options.body then headers["content-length"] = tostring(#options.body) end
  http.TIMEOUT = options.timeout or 10
  local ok, status, answer = http.request {
    url = url,
    method = options.method or (options.body and "POST" or "GET"),
    headers = headers,
    redirect = false,
    source = options.body and ltn12.source.string(options.body) or nil,
    sink = ltn12.sink.table(parts),
  }
  if not ok then return nil, status end
  return status, table.concat(parts), answer
end

--- The same with JSON in the answer; `value, status`.
function M.json(url, options)
  local status, body = M.request(url, options)
  if not status then return nil, body end
  return json.decode(body), status
end

function M.post_json(url, value)
  return M.request(url, { body = json.encode(value), headers = { ["content-type"] = "application/json" } })
end

function M.escape(text)
  return (text:gsub("[^%w%-_.~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- A server in this process.  It answers only while it is polled, so specs poll it while they wait.
local Sink = {}
Sink.__index = Sink

--- answer(request, n) -> status, headers, body; default 200.  A text in place of the status is all that is sent before the
-- line is cut; { after=, status= }: the status, that many seconds later; false: no answer.  answer = "hang" never answers.
function M.sink(answer)
  local listener = assert(socket.bind("127.0.0.1", 0))
  listener:settimeout(0)
  local _, port = listener:getsockname()
  return setmetatable({ listener = listener, port = tonumber(port), url = "http://127.0.0.1:" .. port,
    answer = answer, clients = {}, requests = {}, late = {} }, Sink)
end

-- A whole request in CLIENT's buffer, or nil while it is not complete.
local function complete(client)
  local head, rest = client.buffer:match "^(.-)\r\n\r\n(.*)$"
  if not head then return nil end
  local length = tonumber(head:lower():match "content%-length:%s*(%d+)") or 0
  if #rest < length then return nil end
  local method, path = head:match "^(%S+) (%S+)"
  client.buffer = rest:sub(length + 1)
  local headers = {}
  for name, value in head:gmatch "\r\n([^:]+):%s*([^\r]*)" do headers[name:lower()] = value end
  return { method = method, path = path, headers = headers, body = rest:sub(1, length), time = socket.gettime() }
end

local function say(client, status, headers, body)
  local lines = { ("HTTP/1.1 %d X"):format(status), "Content-Length: " .. #(body or "") }
  for k, v in pairs(headers or {}) do lines[#lines + 1] = k .. ": " .. v end
  client.socket:settimeout(2)
  client.socket:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""))
  client.socket:settimeout(0)
end

function Sink:respond(client, request)
  self.requests[#self.requests + 1] = request
  request.json, request.came = json.decode(request.body), request.time
  if self.answer == "hang" then return end
  local status, headers, body = 200, {}, ""
  if self.answer then status, headers, body = self.answer(request, #self.requests) end
  request.time = socket.gettime()
  if status == false then return end
  if type(status) == "string" then
    client.socket:send(status)
    return client.socket:shutdown "both"
  end
  if type(status) == "table" then
    self.late[#self.late + 1] = { client = client, request = request, at = request.time + status.after, status = status.status }
    return
  end
  say(client, status, headers, body)
end

-- Answers whose time has come.
local function catch_up(self)
  local now = socket.gettime()
  for i = #self.late, 1, -1 do
    local late = self.late[i]
    if late.at <= now then
      late.request.time = now
      say(late.client, late.status)
      table.remove(self.late, i)
    end
  end
end

--- Take what has arrived; the requests so far.
function Sink:poll()
  catch_up(self)
  while true do
    local s = self.listener:accept()
    if not s then break end
    s:settimeout(0)
    self.clients[#self.clients + 1] = { socket = s, buffer = "" }
  end
  for i = #self.clients, 1, -1 do
    local client = self.clients[i]
    local data, err, partial = client.socket:receive(65536)
    client.buffer = client.buffer .. (data or partial or "")
    local request = complete(client)
    while request do
      self:respond(client, request)
      request = complete(client)
    end
    if err == "closed" then
      client.socket:close()
      table.remove(self.clients, i)
    end
  end
  return self.requests
end

function Sink:close()
  for _, client in ipairs(self.clients) do client.socket:close() end
  self.listener:close()
end

return M

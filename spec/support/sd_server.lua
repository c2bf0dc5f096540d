--- sd_server.lua - a name server and an HTTP server on one port, for specs of discovery: luajit sd_server.lua PORT FOLDER.
--
-- FOLDER/zone is a zone of dns_wire.lua; over HTTP a file of FOLDER is sent as JSON.
package.path = "spec/support/?.lua;" .. package.path
local dns_wire = require "dns_wire"
local socket = require "socket"

local port, folder = tonumber(arg[1]), arg[2]

local function read(name)
  local f = io.open(folder .. "/" .. name, "rb")
  local text = f and f:read "*a"
  if f then f:close() end
  return text
end

-- -- HTTP ------------------------------------------------------------------

local function serve(client)
  client:settimeout(1)
  local path = (client:receive "*l" or ""):match "^GET /([%w%.]*)"
  local line
  repeat line = client:receive "*l" until not line or line == ""
  local body = path and read(path)
  client:send(("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"):format(
    body and "200 OK" or "404 Not Found", body and #body or 0, body or ""))
  client:close()
end

local udp = assert(socket.udp())
assert(udp:setsockname("127.0.0.1", port))
local tcp = assert(socket.bind("127.0.0.1", port))
while true do
  local ready = socket.select({ udp, tcp }, nil)
  if ready[udp] then
    local packet, from, from_port = udp:receivefrom()
    if packet and #packet > 16 then udp:sendto(dns_wire.answer(packet, read "zone" or ""), from, from_port) end
  end
  if ready[tcp] then serve(tcp:accept()) end
end

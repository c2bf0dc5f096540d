--- dns_server.lua - a name server for specs: luajit dns_server.lua PORT ZONE answers from the file ZONE (dns_wire.lua), by UDP and TCP.
package.path = "spec/support/?.lua;" .. package.path
local dns_wire = require "dns_wire"
local socket = require "socket"

local port, path = tonumber(arg[1]), arg[2]

local function zone()
  local f = assert(io.open(path, "rb"))
  local text = f:read "*a"
  f:close()
  return text
end

local function talk(client)
  client:settimeout(1)
  local length = client:receive(2)
  local packet = length and client:receive(length:byte(1) * 256 + length:byte(2))
  local out = packet and dns_wire.answer(packet, zone(), true)
  if out then client:send(string.char(math.floor(#out / 256), #out % 256) .. out) end
  client:close()
end

local udp = assert(socket.udp())
assert(udp:setsockname("127.0.0.1", port))
local tcp = assert(socket.bind("127.0.0.1", port))
while true do
  local ready = socket.select({ udp, tcp }, nil)
  if ready[udp] then
    local packet, from, from_port = udp:receivefrom()
    local out = packet and #packet > 16 and dns_wire.answer(packet, zone())
    if out then udp:sendto(out, from, from_port) end
  end
  if ready[tcp] then talk(tcp:accept()) end
end

--- sd_server.lua - a name server and an HTTP server on one port, for specs of discovery: luajit sd_server.lua PORT FOLDER.
--
-- FOLDER/zone has lines "NAME TYPE DATA..." ("fail" alone: every question fails); over HTTP a file of FOLDER is sent as JSON.
local socket = require "socket"

local port, folder = tonumber(arg[1]), arg[2]
local TYPES = { A = 1, NS = 2, MX = 15, AAAA = 28, SRV = 33 }

local function read(name)
  local f = io.open(folder .. "/" .. name, "rb")
  local text = f and f:read "*a"
  if f then f:close() end
  return text
end

-- -- names and numbers as DNS writes them ----------------------------------

local function u16(n) return string.char(math.floor(n / 256) % 256, n % 256) end

local function wire(name)
  local out = {}
  for label in name:gmatch "[^%.]+" do out[#out + 1] = string.char(#label) .. label end
  return table.concat(out) .. "\0"
end

local function question(packet)
  local at, labels = 13, {}
  while packet:byte(at) and packet:byte(at) > 0 do
    labels[#labels + 1] = packet:sub(at + 1, at + packet:byte(at))
    at = at + packet:byte(at) + 1
  end
  local kind = packet:byte(at + 1) * 256 + packet:byte(at + 2)
  return table.concat(labels, "."):lower(), kind, packet:sub(13, at + 4)
end

local ENCODE = {
  A = function(data)
    local a, b, c, d = data:match "(%d+)%.(%d+)%.(%d+)%.(%d+)"
    return string.char(a, b, c, d)
  end,
  AAAA = function() return ("\0"):rep(15) .. "\1" end, -- ::1, which is all that specs need
  NS = wire,
  MX = function(data)
    local preference, host = data:match "(%d+) (%S+)"
    return u16(tonumber(preference)) .. wire(host)
  end,
  SRV = function(data)
    local priority, weight, at, host = data:match "(%d+) (%d+) (%d+) (%S+)"
    return u16(tonumber(priority)) .. u16(tonumber(weight)) .. u16(tonumber(at)) .. wire(host)
  end,
}

local function answer(packet)
  local name, kind, asked = question(packet)
  local records, known, zone = {}, false, read "zone" or ""
  for line in zone:gmatch "[^\n]+" do
    local owner, kind_name, data = line:match "^(%S+) (%S+) (.+)$"
    known = known or owner == name
    if owner == name and TYPES[kind_name] == kind then
      local rdata = ENCODE[kind_name](data)
      records[#records + 1] = "\192\12" .. u16(kind) .. u16(1) .. "\0\0\0\30" .. u16(#rdata) .. rdata
    end
  end
  local rcode = zone:find "^fail" and 2 or known and 0 or 3
  return packet:sub(1, 2) .. "\129" .. string.char(128 + rcode) .. u16(1) .. u16(#records) .. u16(0) .. u16(0) .. asked .. table.concat(records)
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
    if packet and #packet > 16 then udp:sendto(answer(packet), from, from_port) end
  end
  if ready[tcp] then serve(tcp:accept()) end
end

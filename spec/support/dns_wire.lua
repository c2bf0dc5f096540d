--- dns_wire.lua - answers of a name server, as bytes.
--
-- A zone has lines "NAME TYPE DATA..."; "fail" alone: every question fails; "NAME RCODE n": so do those about NAME; "NAME SILENT -":
-- no answer; "NAME LONG -": too long for UDP.  The time to live is 30 s, answers are authoritative.
local M = {}

local TYPES = { A = 1, NS = 2, CNAME = 5, SOA = 6, MX = 15, TXT = 16, AAAA = 28, SRV = 33 }

local function u16(n) return string.char(math.floor(n / 256) % 256, n % 256) end
local function u32(n) return u16(math.floor(n / 65536)) .. u16(n % 65536) end

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
  NS = wire, CNAME = wire,
  MX = function(data)
    local preference, host = data:match "(%d+) (%S+)"
    return u16(tonumber(preference)) .. wire(host)
  end,
  SRV = function(data)
    local priority, weight, at, host = data:match "(%d+) (%d+) (%d+) (%S+)"
    return u16(tonumber(priority)) .. u16(tonumber(weight)) .. u16(tonumber(at)) .. wire(host)
  end,
  TXT = function(data) return string.char(#data) .. data end,
  SOA = function(data)
    local out = { wire(data:match "^(%S+)"), wire(data:match "^%S+ (%S+)") }
    for n in data:match("^%S+ %S+ (.+)$"):gmatch "%d+" do out[#out + 1] = u32(tonumber(n)) end
    return table.concat(out)
  end,
}

--- The answer of ZONE to PACKET; nil: none.  STREAM: over TCP.
function M.answer(packet, zone, stream)
  local name, kind, asked = question(packet)
  local records, known, rcode, flags = {}, false, nil, 0x84
  for line in zone:gmatch "[^\n]+" do
    local owner, kind_name, data = line:match "^(%S+) (%S+) (.+)$"
    known = known or owner == name
    if owner == name and kind_name == "RCODE" then rcode = tonumber(data)
    elseif owner == name and kind_name == "SILENT" then return nil
    elseif owner == name and kind_name == "LONG" then flags = stream and flags or flags + 2
    elseif owner == name and (TYPES[kind_name] == kind or kind_name == "CNAME") then
      local rdata = ENCODE[kind_name](data)
      records[#records + 1] = "\192\12" .. u16(TYPES[kind_name]) .. u16(1) .. "\0\0\0\30" .. u16(#rdata) .. rdata
      if kind_name == "CNAME" then name = data end
    end
  end
  rcode = rcode or zone:find "^fail" and 2 or known and 0 or 3
  if flags == 0x86 then records = {} end
  return packet:sub(1, 2) .. string.char(flags + packet:byte(3) % 2, 128 + rcode) .. u16(1) .. u16(#records) .. u16(0) .. u16(0) .. asked .. table.concat(records)
end

return M

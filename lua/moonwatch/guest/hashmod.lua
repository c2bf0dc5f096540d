--- hashmod.lua - the number that Prometheus' relabelling action hashmod gives a text: local hashmod = require "moonwatch.hashmod".
--
-- The last eight bytes of the MD5 of the text, modulo something.  Plain Lua for the guests of rule files.
local band, bor, bxor, bnot, rol, rshift = bit.band, bit.bor, bit.bxor, bit.bnot, bit.rol, bit.rshift

local SHIFTS = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } }

local SINES = {}
for i = 1, 64 do SINES[i] = bit.tobit(math.floor(math.abs(math.sin(i)) * 4294967296)) end

local ROUNDS = {
  { function(x, y, z) return bor(band(x, y), band(bnot(x), z)) end, function(i) return i end },
  { function(x, y, z) return bor(band(x, z), band(y, bnot(z))) end, function(i) return (5 * i + 1) % 16 end },
  { function(x, y, z) return bxor(x, y, z) end, function(i) return (3 * i + 5) % 16 end },
  { function(x, y, z) return bxor(y, bor(x, bnot(z))) end, function(i) return (7 * i) % 16 end },
}

local function word_at(text, at)
  local a, b, c, d = text:byte(at, at + 3)
  return bit.tobit(a + b * 256 + c * 65536 + d * 16777216)
end

local function padded(text)
  local bits = #text * 8
  local out = { text, "\128", ("\0"):rep((55 - #text) % 64) }
  for _ = 1, 8 do
    out[#out + 1] = string.char(bits % 256)
    bits = math.floor(bits / 256)
  end
  return table.concat(out)
end

local function block(state, text, at)
  local a, b, c, d = state[1], state[2], state[3], state[4]
  for i = 0, 63 do
    local round = math.floor(i / 16) + 1
    local mix, pick = ROUNDS[round][1], ROUNDS[round][2]
    local sum = bit.tobit(a + mix(b, c, d) + SINES[i + 1] + word_at(text, at + pick(i) * 4))
    a, d, c, b = d, c, b, bit.tobit(b + rol(sum, SHIFTS[round][i % 4 + 1]))
  end
  for i, v in ipairs { a, b, c, d } do state[i] = bit.tobit(state[i] + v) end
end

return function(text, modulus)
  local state = { bit.tobit(0x67452301), bit.tobit(0xefcdab89), bit.tobit(0x98badcfe), bit.tobit(0x10325476) }
  local message = padded(text)
  for at = 1, #message, 64 do block(state, message, at) end
  local rest = 0
  for _, word in ipairs { state[3], state[4] } do
    for shift = 0, 24, 8 do rest = (rest * 256 + band(rshift(word, shift), 255)) % modulus end
  end
  return rest
end

--- letters.lua - capital and small letters beyond ASCII: Latin, Greek, Cyrillic, Armenian.
local M = {}

local function utf8(n)
  if n < 0x80 then return string.char(n) end
  return string.char(0xC0 + math.floor(n / 0x40), 0x80 + n % 0x40)
end

local UPPER, LOWER = {}, {}
local function pair(capital, small)
  UPPER[utf8(small)] = UPPER[utf8(small)] or utf8(capital)
  LOWER[utf8(capital)] = LOWER[utf8(capital)] or utf8(small)
end

-- Capitals FROM to TO whose small ones stand BY behind them; STEP 2: the one behind each is its small one.
local function range(from, to, by, step)
  for n = from, to, step or 1 do pair(n, n + by) end
end

range(0x41, 0x5A, 0x20)
range(0xC0, 0xD6, 0x20)
range(0xD8, 0xDE, 0x20)
range(0x100, 0x12E, 1, 2)
range(0x132, 0x136, 1, 2)
range(0x139, 0x147, 1, 2)
range(0x14A, 0x176, 1, 2)
pair(0x178, 0xFF)
range(0x179, 0x17D, 1, 2)
range(0x391, 0x3A1, 0x20)
range(0x3A3, 0x3AB, 0x20)
pair(0x386, 0x3AC)
range(0x388, 0x38A, 0x25)
pair(0x38C, 0x3CC)
range(0x38E, 0x38F, 0x3F)
range(0x400, 0x40F, 0x50)
range(0x410, 0x42F, 0x20)
range(0x460, 0x480, 1, 2)
range(0x48A, 0x4BE, 1, 2)
range(0x531, 0x556, 0x30)
UPPER[utf8(0x3C2)], UPPER[utf8(0x131)], UPPER[utf8(0x17F)], UPPER[utf8(0xB5)] = utf8(0x3A3), "I", "S", utf8(0x39C)
LOWER[utf8(0x130)] = "i"

local CHARACTER = "[%z\1-\127\194-\244][\128-\191]*"

function M.upper(text) return (text:gsub(CHARACTER, UPPER)) end
function M.lower(text) return (text:gsub(CHARACTER, LOWER)) end

-- What may stand inside of a word between two letters, and between two digits.
local BETWEEN = { letter = { ["'"] = true, ["."] = true, [":"] = true, ["’"] = true, ["·"] = true }, digit = { ["'"] = true, ["."] = true, [","] = true, [";"] = true } }

local function kind(c)
  if not c then return nil end
  if c:find "^%d" then return "digit" end
  if c == "_" then return "joint" end
  if c:find "^%a" or UPPER[c] or LOWER[c] then return "letter" end
  return c:byte() >= 0xC3 and not BETWEEN.letter[c] and c:byte() < 0xE2 and "letter" or nil
end

--- TEXT with the first letter of each word as a capital, the others small.
function M.title(text)
  local list, out, inside = {}, {}, false
  for c in text:gmatch(CHARACTER) do list[#list + 1] = c end
  for i, c in ipairs(list) do
    local what, before, after = kind(c), kind(list[i - 1]), kind(list[i + 1])
    if what == "letter" then
      out[i] = inside and (LOWER[c] or c) or UPPER[c] or c
      inside = true
    else
      out[i] = c
      local joins = what ~= nil or before and after and BETWEEN[before] and BETWEEN[before][c]
      if not joins then inside = false end
    end
  end
  return table.concat(out)
end

return M

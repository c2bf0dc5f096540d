--- fake_texts.lua - what a host does with texts, numbers and times, made of plain Lua: it needs no state.
local bit = require "bit"
local ffi = require "ffi"

-- -- regular expressions ---------------------------------------------------

ffi.cdef [[
void *pcre2_compile_8(const char *p, size_t n, uint32_t options, int *err, size_t *at, void *ctx);
void pcre2_code_free_8(void *code);
void *pcre2_match_data_create_from_pattern_8(void *code, void *ctx);
void pcre2_match_data_free_8(void *md);
int pcre2_match_8(void *code, const char *s, size_t n, size_t from, uint32_t options, void *md, void *ctx);
unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md);
const void *EVP_sha256(void);
unsigned char *HMAC(const void *md, const void *key, int kn, const unsigned char *d, size_t n, unsigned char *out, unsigned *on);
]]
local pcre = ffi.load "libpcre2-8.so.0"
local crypto = ffi.load "libcrypto.so.3"
local ANCHORED, ENDANCHORED, DOTALL = 0x80000000, 0x20000000, 0x20

local function regex(pattern, lines)
  local err, at = ffi.new "int[1]", ffi.new "size_t[1]"
  local code = pcre.pcre2_compile_8(pattern, #pattern, ANCHORED + ENDANCHORED + (lines and 0 or DOTALL), err, at, nil)
  if code == nil then return nil, ("bad regular expression at character %d"):format(tonumber(at[0]) + 1) end
  code = ffi.gc(code, pcre.pcre2_code_free_8)
  return {
    match = function(_, text)
      local md = pcre.pcre2_match_data_create_from_pattern_8(code, nil)
      local rc = pcre.pcre2_match_8(code, text, #text, 0, 0, md, nil)
      pcre.pcre2_match_data_free_8(md)
      return rc >= 0
    end,
  }
end

-- -- hashes ----------------------------------------------------------------

local function hex(s)
  return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function sha256(text)
  local md = ffi.new "unsigned char[32]"
  crypto.SHA256(text, #text, md)
  return hex(ffi.string(md, 32))
end

local function hmac_sha256(key, text, raw)
  local md = ffi.new "unsigned char[32]"
  crypto.HMAC(crypto.EVP_sha256(), key, #key, text, #text, md, nil)
  local digest = ffi.string(md, 32)
  return raw and digest or hex(digest)
end

local function fingerprint(labels)
  local names = {}
  for name in pairs(labels) do names[#names + 1] = name end
  table.sort(names)
  local h, prime = ffi.new("uint64_t", 0xcbf29ce484222325ULL), 0x100000001b3ULL
  local function add(s)
    for i = 1, #s do h = bit.bxor(h, ffi.new("uint64_t", s:byte(i))) * prime end
  end
  for _, name in ipairs(names) do
    add(name); add "\255"; add(labels[name]); add "\255"
  end
  return bit.tohex(h, 16)
end

local B64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(s)
  local out = {}
  for i = 1, #s, 3 do
    local a, b, c = s:byte(i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    for k = 3, 0, -1 do
      local d = math.floor(n / 64 ^ k) % 64
      out[#out + 1] = B64:sub(d + 1, d + 1)
    end
    if not c then out[#out] = "=" end
    if not b then out[#out - 1] = "=" end
  end
  return table.concat(out)
end

-- -- words and times -------------------------------------------------------

local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal
    diagonal, row[0] = row[0], i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

local function nearest(word, names)
  local best, least
  for _, name in ipairs(names) do
    local d = distance(word, name)
    if d <= math.max(1, math.floor(#word / 3)) and (not least or d < least) then best, least = name, d end
  end
  return best
end

local UNITS = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400, w = 604800, y = 31536000 }
local function duration(x)
  if type(x) == "number" then return x >= 0 and x == x and x < math.huge and x or nil end
  if type(x) ~= "string" or x == "" then return nil end
  local total, rest = 0, x
  while rest ~= "" do
    local n, unit, tail = rest:match "^(%d+%.?%d*)(%a+)(.*)$"
    if not n or not UNITS[unit] then return nil end
    total, rest = total + tonumber(n) * UNITS[unit], tail
  end
  return total
end

local function duration_text(s)
  if s < 1 then return s == 0 and "0s" or ("%gms"):format(s * 1000) end
  local out = {}
  for _, unit in ipairs { "w", "d", "h", "m", "s" } do
    local n = math.floor(s / UNITS[unit])
    if unit == "s" and s > 0 then out[#out + 1] = ("%gs"):format(s)
    elseif n > 0 then out[#out + 1] = n .. unit; s = s - n * UNITS[unit] end
  end
  return table.concat(out)
end

local function rfc3339(t)
  local whole = math.floor(t)
  local ms = math.floor((t - whole) * 1000 + 0.5)
  if ms == 1000 then whole, ms = whole + 1, 0 end
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. (".%03dZ"):format(ms)
end

local function days(y, m, d)
  y = m <= 2 and y - 1 or y
  local era = math.floor(y / 400)
  local yoe = y - era * 400
  local doy = math.floor((153 * (m + (m > 2 and -3 or 9)) + 2) / 5) + d - 1
  return era * 146097 + yoe * 365 + math.floor(yoe / 4) - math.floor(yoe / 100) + doy - 719468
end

local function parse_time(text)
  if tonumber(text) then return tonumber(text) end
  local y, mo, d, h, mi, s, rest = text:match "^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d%.?%d*)(.*)$"
  if not y then return nil end
  local t = days(tonumber(y), tonumber(mo), tonumber(d)) * 86400 + h * 3600 + mi * 60 + tonumber(s)
  local sign, zh, zm = rest:match "^([+-])(%d%d):?(%d%d)$"
  if sign then return t - (sign == "+" and 1 or -1) * (zh * 3600 + zm * 60) end
  if rest == "Z" or rest == "z" then return t end
end

local function selector(text)
  local bare = text:match "^%s*([%a_:][%w_:]*)%s*$"
  local out = {}
  if bare then return { { name = "__name__", op = "=", value = bare } } end
  local name, inner = text:match "^%s*([%a_:]?[%w_:]*)%s*{(.*)}%s*$"
  if not name then return nil, 'expected {name="value", ...}' end
  if name ~= "" then out[1] = { name = "__name__", op = "=", value = name } end
  local at = 1
  while inner:find("%S", at) do
    local label, op, quote, stop = inner:match("^%s*([%a_][%w_%.]*)%s*([=!][=~]?)%s*([\"'`])()", at)
    if not label or op == "==" then return nil, 'expected name="value" in ' .. text end
    local value, i = {}, stop
    while inner:sub(i, i) ~= quote do
      if i > #inner then return nil, "unterminated string in " .. text end
      if inner:sub(i, i) == "\\" then i = i + 1 end
      value[#value + 1] = inner:sub(i, i)
      i = i + 1
    end
    out[#out + 1] = { name = label, op = op, value = table.concat(value) }
    at = inner:match("^%s*,?%s*()", i + 1)
  end
  return out
end

-- A glimpse of PromQL: brackets must pair.  The real parser is C's.
local CLOSE = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local function check_expr(expr)
  local stack, i = {}, 1
  while i <= #expr do
    local c = expr:sub(i, i)
    if c == '"' or c == "'" then
      i = expr:find(c, i + 1, true)
      if not i then return nil, "unterminated string", 1, #expr + 1 end
    elseif CLOSE[c] then stack[#stack + 1] = CLOSE[c]
    elseif c:find "[%)%]}]" then
      if table.remove(stack) ~= c then return nil, ("unexpected %q"):format(c), 1, i end
    end
    i = i + 1
  end
  if #stack > 0 then return nil, ("expected %q"):format(stack[#stack]), 1, #expr + 1 end
  if not expr:find "%S" then return nil, "no expression", 1, 1 end
  return true, "vector"
end

return {
  regex = regex, sha256 = sha256, hmac_sha256 = hmac_sha256, fingerprint = fingerprint, base64 = base64, nearest = nearest,
  duration = duration, duration_text = duration_text, rfc3339 = rfc3339, parse_time = parse_time, selector = selector, check_expr = check_expr,
}

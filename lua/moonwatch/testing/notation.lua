--- notation.lua - series as promtool writes them: "0+10x60 _ stale 5x3 1 2 3 {{schema:1 sum:4 count:3 buckets:[1 2]}}x5".
--
--   a         one sample           _        no sample            _xN      N of them
--   a+bxN     a, a+b, ... (N more) a-bxN    likewise, falling    axN      a, N more times
--   stale     a stale marker       {{...}}  a native histogram, alone or in the place of a and b
--
-- Numbers may have an exponent, and are Inf, -Inf or NaN as well; "0x40" is a zero forty times more, no hexadecimal.
-- A step is added again and again, as promtool does, so that 0+0.1x3 ends with the same bits.
local M = {}

M.LIMIT = 5000000 -- samples of one series

local function refuse(why, ...) error({ notation = why:format(...) }, 0) end

-- -- pieces at a place of the text -------------------------------------------------------------

local NAMED = { inf = math.huge, nan = 0 / 0 }

-- The number at AT without a sign in front, and the place behind it; nil when there is none.
local function unsigned(text, at)
  local word = text:match("^%a+", at)
  if word then
    local name = word:sub(1, 3):lower()
    local behind = text:sub(at + 3, at + 3)
    if NAMED[name] and not behind:find "^[%a_]" or NAMED[name] and behind == "x" then return NAMED[name], at + 3 end
    return nil
  end
  local digits = text:match("^%d+%.?%d*", at) or text:match("^%.%d+", at)
  if not digits then return nil end
  local stop = at + #digits
  local exponent = text:match("^[eE][%+%-]?%d+", stop) or ""
  return tonumber(digits .. exponent), stop + #exponent
end

local function number(text, at)
  local sign = text:match("^[%+%-]", at)
  local value, stop = unsigned(text, at + (sign and 1 or 0))
  if value and sign == "-" then value = -value end
  return value, stop
end

-- -- histograms --------------------------------------------------------------------------------

local NUMBERS = { schema = true, sum = true, count = true, z_bucket = true, z_bucket_w = true, offset = true, n_offset = true }
local LISTS = { buckets = true, n_buckets = true, custom_values = true }

local function list_of(text, name)
  local out = {}
  for word in text:gmatch "[^%s,]+" do
    local value, stop = number(word, 1)
    if not value or stop <= #word then refuse("%q is no number, in the %s of a histogram", word, name) end
    out[#out + 1] = value
  end
  return out
end

local function field_of(fields, body, at)
  local name, from = body:match("^([%a_]+):()", at)
  if not name then refuse("a histogram is {{field:value ...}}, not %q", body:sub(at)) end
  if fields[name] ~= nil then refuse("a histogram says %q twice", name) end
  local stop
  if NUMBERS[name] then
    fields[name], stop = number(body, from)
    if not fields[name] then refuse("%q of a histogram is a number", name) end
  elseif LISTS[name] then
    local inside
    inside, stop = body:match("^%[([^%]]*)%]()", from)
    if not inside then refuse("%q of a histogram is a list [1 2 3]", name) end
    fields[name] = list_of(inside, name)
  elseif name == "counter_reset_hint" then
    fields[name], stop = body:match("^([%a_]+)()", from)
    if not stop then refuse("%q of a histogram is a word", name) end
  else
    refuse("a histogram has no field %q", name)
  end
  return stop
end

-- The histogram at AT and the place behind it.
local function histogram(text, at, host)
  local body, behind = text:match("^{{(.-)}}()", at)
  if not body then refuse "a histogram without its }}" end
  local fields, place = {}, 1
  while true do
    place = body:match("^%s*()", place)
    if place > #body then break end
    place = field_of(fields, body, place)
  end
  local ok, made, why = pcall(host.histogram, fields)
  if not ok then refuse("%s", (tostring(made):gsub("^.-: ", "", 1))) end
  if not made then refuse("%s", why) end
  return made, behind
end

-- -- items -------------------------------------------------------------------------------------

local function value_at(text, at, host)
  if text:sub(at, at + 1) == "{{" then return histogram(text, at, host) end
  return unsigned(text, at)
end

local function minus(a, b) return a - b end
local function plus(a, b) return a + b end

local function times_at(text, at)
  local digits, stop = text:match("^x(%d+)()", at)
  return digits and tonumber(digits), stop
end

-- A value, how it goes on and how often, at AT: what is to be put, by which step, how often more, and the place behind.
local function run_at(text, at, host)
  local value, stop
  if text:sub(at, at + 1) == "{{" then value, stop = histogram(text, at, host) else value, stop = number(text, at) end
  if not value then return nil end
  local sign, by = text:match("^[%+%-]", stop), nil
  if sign then
    by, stop = value_at(text, stop + 1, host)
    if not by or type(by) ~= type(value) then return nil end
  end
  local times, behind = times_at(text, stop)
  if sign and not times then return nil end
  return { value = value, by = by, step = sign == "-" and minus or plus, times = times or 0 }, behind or stop
end

local function put(out, value, times)
  local n = #out
  if n + times > M.LIMIT then refuse("more than %d samples", M.LIMIT) end
  for i = 1, times do out[n + i] = value end
end

local function put_run(out, run)
  if not run.by then return put(out, run.value, run.times + 1) end
  if #out + run.times + 1 > M.LIMIT then refuse("more than %d samples", M.LIMIT) end
  local value = run.value
  for i = 0, run.times do
    out[#out + 1] = value
    if i < run.times then
      local ok, sum = pcall(run.step, value, run.by)
      if not ok then refuse("%s", (tostring(sum):gsub("^.-:%%d+: ", "", 1))) end
      value = sum
    end
  end
end

-- One item at AT goes into OUT; the place behind it, or nil.
local function item(text, at, out, host)
  if text:sub(at, at) == "_" then
    local times, stop = times_at(text, at + 1)
    put(out, false, times or 1)
    return stop or at + 1
  end
  if text:find("^stale%f[^%w_]", at) then
    put(out, "stale", 1)
    return at + 5
  end
  local run, stop = run_at(text, at, host)
  if run then put_run(out, run) end
  return run and stop
end

local function read(text, host)
  local out, at = {}, text:match "^%s*()"
  while at <= #text do
    local stop = item(text, at, out, host)
    if not stop or text:find("^%S", stop) then refuse("%q is no series notation", text:match("^%S+", at)) end
    at = text:match("^%s*()", stop)
  end
  return out
end

--- TEXT -> list of numbers, histograms, "stale", or false for a gap; nil and why when it cannot be read.
function M.parse(text, host)
  host = host or require "moonwatch.host"
  local ok, out = pcall(read, text, host)
  if ok then return out end
  if type(out) == "table" and out.notation then return nil, out.notation end
  error(out, 0)
end

--- The same, and an error of the caller when it cannot be read.
function M.read(text, host)
  local out, why = M.parse(text, host)
  if not out then error(why, 3) end
  return out
end

local ORDER = { "schema", "count", "sum", "z_bucket", "z_bucket_w", "offset", "buckets", "n_offset", "n_buckets", "custom_values",
                "counter_reset_hint" }

--- A histogram in the notation, always written the same way.
function M.histogram_text(histogram_)
  local fields, out = histogram_:fields(), {}
  for _, name in ipairs(ORDER) do
    local value = fields[name]
    if type(value) == "table" then
      local words = {}
      for i, v in ipairs(value) do words[i] = ("%.17g"):format(v) end
      out[#out + 1] = ("%s:[%s]"):format(name, table.concat(words, " "))
    elseif value then
      out[#out + 1] = name .. ":" .. (type(value) == "number" and ("%.17g"):format(value) or value)
    end
  end
  return "{{" .. table.concat(out, " ") .. "}}"
end

return M

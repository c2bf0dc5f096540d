--- window.lua - the word `window`: named times of the week or year.
local DAYS = { mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6, sun = 7 }
local MONTHS = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }

local function named(word, names)
  return names[word:lower():sub(1, 3)] or tonumber(word)
end

-- "mon-fri, sun" -> { {1,5}, {7,7} }; nil, the piece that is wrong
local function ranges(list, names, low, high)
  local out = {}
  for _, text in ipairs(list) do
    for piece in text:gmatch "[^,%s]+" do
      local a, b = piece:match "^(%-?%w+)%-(%-?%w+)$"
      local from, to = named(a or piece, names), named(b or piece, names)
      local fits = from and to and from >= low and from <= high and to >= low and to <= high
      if not fits then return nil, piece end
      out[#out + 1] = { from, to }
    end
  end
  return out
end

local function minutes(text)
  local h, m = text:match "^(%d%d?):(%d%d)$"
  h, m = tonumber(h), tonumber(m)
  if not h or m > 59 or h > 24 or (h == 24 and m > 0) then return nil end
  return h * 60 + m
end

local function times(list)
  local out = {}
  for _, text in ipairs(list) do
    for piece in text:gmatch "[^,%s]+" do
      local a, b = piece:match "^([%d:]+)%-([%d:]+)$"
      local from, to = a and minutes(a), b and minutes(b)
      if not from or not to or from == to then return nil, piece end
      out[#out + 1] = { from, to }
    end
  end
  return out
end

local function dates(list)
  for _, text in ipairs(list) do
    for piece in text:gmatch "[^,%s]+" do
      local day = "%d%d%d%d%-%d%d%-%d%d"
      if not piece:find("^" .. day .. "$") and not piece:find("^" .. day .. "%.%." .. day .. "$")
         and not piece:find "^%-?%d%d?$" and not piece:find "^%d%d?%-%d%d?$" and not piece:find "^%-?%d%d?%.%.%-?%d%d?$" then
        return nil, piece
      end
    end
  end
  return list
end

local SHAPES = {
  { "days", function(v) return ranges(v, DAYS, 1, 7) end, 'days such as "mon-fri" or "sat, sun"' },
  { "months", function(v) return ranges(v, MONTHS, 1, 12) end, 'months such as "jan-mar" or "12"' },
  { "years", function(v) return ranges(v, {}, 1970, 9999) end, 'years such as "2026" or "2026-2028"' },
  { "times", times, 'times such as "09:00-17:00"' },
  { "dates", dates, 'dates such as "2026-12-24", "2026-12-24..2026-12-26", "1-7" or "-1" (day of the month)' },
}

return {
  word = "window", shape = "named",
  help = "A stretch of time that comes again: routes can be muted in it, or active only in it. A window may cross midnight.",
  example = [[
window "office" { days = "mon-fri", times = "09:00-17:00", zone = "Europe/Lisbon" }]],
  fields = {
    { "days", "texts", help = 'days of the week: "mon-fri"' },
    { "times", "texts", help = 'times of the day: "09:00-17:00"; the end is not part of it' },
    { "dates", "texts", help = 'dates: "2026-12-24", "2026-12-24..2026-12-26"; days of the month: "1-7", "-1", "20..-4"' },
    { "months", "texts", help = '"jan-mar" or numbers' },
    { "years", "texts", help = '"2026-2028"' },
    { "zone", "text", default = "UTC", help = "IANA name of the time zone" },
  },
  after = function(fields, problem, env)
    local some = false
    for _, shape in ipairs(SHAPES) do
      local name, read, says = shape[1], shape[2], shape[3]
      if fields[name] then
        some = true
        local ok, piece = read(fields[name])
        if not ok then problem(("%s: %q: expected %s"):format(name, piece, says), { name }) end
      end
    end
    if not some then problem "an empty window: give days, times, dates, months or years" end
    local zone = fields.zone
    if zone and zone ~= "UTC" and not env.host.stat("/usr/share/zoneinfo/" .. zone) then
      problem(("zone: %q is not a time zone of this machine"):format(zone), { "zone" })
    end
  end,
}

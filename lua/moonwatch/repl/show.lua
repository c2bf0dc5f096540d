--- show.lua - values as a person reads them at the prompt.
local client = require "moonwatch.cli.client"

local M = {}

local MOST_ROWS, MOST_ITEMS, MOST_DEPTH = 200, 100, 6

local function series_name(labels)
  local parts = {}
  for name, value in pairs(labels) do
    if name ~= "__name__" then parts[#parts + 1] = ("%s=%q"):format(name, value) end
  end
  table.sort(parts)
  local text = (labels.__name__ or "") .. (#parts > 0 and "{" .. table.concat(parts, ", ") .. "}" or "")
  return text ~= "" and text or "{}"
end
M.series_name = series_name

-- -- lists of one kind -----------------------------------------------------------------------

local BARS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

local function spark(points)
  local low, high = math.huge, -math.huge
  for _, p in ipairs(points) do
    if math.abs(p[2]) < math.huge then low, high = math.min(low, p[2]), math.max(high, p[2]) end
  end
  local out, every = {}, math.max(1, math.ceil(#points / 60))
  for i = 1, #points, every do
    local v = points[i][2]
    out[#out + 1] = math.abs(v) < math.huge and BARS[high > low and math.floor((v - low) / (high - low) * 7 + 0.5) + 1 or 1] or " "
  end
  return table.concat(out), low, high
end

-- Each kind: how it is known by its first item, the head, the cells of an item.
local KINDS = {
  { is = function(v) return type(v.labels) == "table" and type(v.value) == "number" and v.starts_at == nil end, head = { "SERIES", "VALUE" },
    cells = function(v, host) return { series_name(v.labels), host.human("plain", v.value) } end },
  { is = function(v) return type(v.labels) == "table" and type(v.points) == "table" end, head = { "SERIES", "LOW", "HIGH", "POINTS" },
    cells = function(v, host)
      local line, low, high = spark(v.points)
      return { series_name(v.labels), host.human("plain", low), host.human("plain", high), line }
    end },
  { is = function(v) return v.message ~= nil and v.stream ~= nil end, head = { "TIME", "LEVEL", "MESSAGE", "STREAM" },
    cells = function(v, host) return { host.rfc3339(v.time), v.level, tostring(v.message):gsub("%c", " "), client.labels(v.stream) } end },
  { is = function(v) return v.trace ~= nil and v.root_service ~= nil end, head = { "TRACE", "SERVICE", "NAME", "START", "DURATION", "SPANS", "ERRORS" },
    cells = function(v, host)
      return { v.trace, v.root_service, v.root_name, host.rfc3339(v.start), host.human("duration", v.duration), tostring(v.spans), tostring(v.errors) }
    end },
}

local function as_table(list, host)
  local first = list[1]
  if type(first) ~= "table" then return nil end
  for _, kind in ipairs(KINDS) do
    if kind.is(first) then
      local rows = { kind.head }
      for i = 1, math.min(#list, MOST_ROWS) do
        if type(list[i]) ~= "table" or not kind.is(list[i]) then return nil end
        rows[#rows + 1] = kind.cells(list[i], host)
      end
      return client.columns(rows) .. (#list > MOST_ROWS and ("... and %d more\n"):format(#list - MOST_ROWS) or "")
    end
  end
end

-- -- anything --------------------------------------------------------------------------------

local function key_text(k)
  if type(k) == "string" and k:find "^[%a_][%w_]*$" then return k end
  return "[" .. (type(k) == "string" and ("%q"):format(k) or tostring(k)) .. "]"
end

local function sorted_keys(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
    return type(a) < type(b)
  end)
  return keys
end

local function plain(v, depth, seen)
  if type(v) == "string" then return ("%q"):format(v):gsub("\\\n", "\\n") end
  if type(v) ~= "table" then return tostring(v) end
  if seen[v] or depth > MOST_DEPTH then return "{...}" end
  seen[v] = true
  local parts, size = {}, 0
  for i, k in ipairs(sorted_keys(v)) do
    if i > MOST_ITEMS then
      parts[#parts + 1] = "..."
      break
    end
    local text = plain(v[k], depth + 1, seen)
    parts[#parts + 1] = type(k) == "number" and k >= 1 and k <= #v and text or key_text(k) .. " = " .. text
    size = size + #parts[#parts]
  end
  seen[v] = nil
  if #parts == 0 then return "{}" end
  if size < 100 then return "{ " .. table.concat(parts, ", ") .. " }" end
  local pad = ("  "):rep(depth + 1)
  return "{\n" .. pad .. table.concat(parts, ",\n" .. pad) .. "\n" .. ("  "):rep(depth) .. "}"
end

--- VALUE as text, with a newline at its end.
function M.text(value, host)
  if type(value) == "table" then
    if getmetatable(value) and getmetatable(value).__tostring then return tostring(value) .. "\n" end
    if next(value) == nil then return "nothing\n" end
    local rows = as_table(value, host)
    if rows then return rows end
  end
  if type(value) == "number" then return host.human("plain", value) .. "\n" end
  return plain(value, 0, {}) .. "\n"
end

return M

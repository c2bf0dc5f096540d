--- answer.lua - the shapes of answers on the paths that the rules actor serves, and how a path finds its handler.
local M = {}

function M.json(host, status, value)
  return { status = status, headers = { ["content-type"] = "application/json" }, body = host.json.encode(value) }
end

--- Prometheus's shape of a success.
function M.success(host, data) return M.json(host, 200, { status = "success", data = data }) end

--- Prometheus's shape of a request that makes no sense.
function M.bad_data(host, message) return M.json(host, 400, { status = "error", errorType = "bad_data", error = message }) end

--- Our own shape of an error.
function M.problem(host, status, code, message)
  return M.json(host, status, { error = { code = code, message = message } })
end

--- The JSON object that REQ brings, an empty one when it brings nothing; nil when it brings something else.
function M.said(host, req)
  if not (req.body and req.body:find "%S") then return {} end
  local said = host.json.decode(req.body)
  return type(said) == "table" and said[1] == nil and said or nil
end

--- The first value of parameter NAME, or nil.
function M.param(req, name)
  local values = req.query and req.query[name]
  if type(values) == "table" then return values[1] end
  return values
end

local FURTHEST = 1e11 -- seconds since 1970, either way

--- The moment that V says, a text such as "2026-03-01T02:00:00Z" or a number of seconds since 1970; nil when it says none.
function M.moment(host, v)
  local t = type(v) == "number" and v or type(v) == "string" and host.parse_time(v) or nil
  return t and t > -FURTHEST and t < FURTHEST and t or nil
end

--- A number as Go's %e with the fewest digits writes it: "1e+00".
function M.exponent(v)
  if v ~= v then return "NaN" end
  if v == math.huge then return "+Inf" elseif v == -math.huge then return "-Inf" end
  for digits = 0, 17 do
    local text = ("%." .. digits .. "e"):format(v)
    if tonumber(text) == v then return text end
  end
  return ("%.17e"):format(v)
end

--- Labels and annotations: an object even when empty.
function M.object(t) return setmetatable(t or {}, nil) end

local function segments(path)
  local out = {}
  for piece in path:gmatch "[^/]+" do out[#out + 1] = piece end
  return out
end

local function fits(pattern, path)
  local want, have, found = segments(pattern), segments(path), {}
  for i, piece in ipairs(want) do
    if piece == "*" then
      if not have[i] then return nil end
      found[#found + 1] = have[i]
    elseif piece == "**" then
      found[#found + 1] = table.concat(have, "/", i)
      return found
    elseif piece ~= have[i] then
      return nil
    end
  end
  return #want == #have and found or nil
end

--- Among TABLES, lists of { "/pattern/*", function(engine, req, now, capture...) }, the handler for PATH, as a person would write it
-- (src/http/route.c took the %XX out), and its captures.
function M.find(tables, path)
  for _, rows in ipairs(tables) do
    for pattern, handler in pairs(rows) do
      local found = fits(pattern, path)
      if found and not (pattern:find("*", 1, true) and rows[path]) then return handler, found end
    end
  end
end

return M

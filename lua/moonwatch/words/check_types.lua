--- check_types.lua - types of fields that checks brought: each as those of types.lua.
local json_path = require "moonwatch.check.json_path"

local T = {}

local function is_plain(v) return type(v) == "table" and v["@fn"] == nil and v["@secret"] == nil end
local function finite(v) return type(v) == "number" and v == v and v > -math.huge and v < math.huge end

--- One that is looked for anywhere in a text.
T.search = {
  says = "a regular expression",
  check = function(v, env)
    if type(v) ~= "string" then return nil end
    local re, wrong = env.host.regex(v, "search")
    if re then return v end
    return nil, "bad regular expression: " .. wrong
  end,
}

--- Texts that must match, by name.
T.patterns = {
  says = "a table of regular expressions by name",
  check = function(v, env)
    if not is_plain(v) or v[1] ~= nil then return nil end
    for name, pattern in pairs(v) do
      if type(name) ~= "string" then return nil end
      local ok, why = T.search.check(pattern, env)
      if not ok then return nil, ("%q: %s"):format(name, why or "expected a regular expression") end
    end
    return v
  end,
}

-- What is wrong with WANT, which a document must have at a path.
local function bad_want(want, env)
  if not is_plain(want) then return type(want) ~= "string" and not finite(want) and type(want) ~= "boolean" and "a text, a number, true, false or a table" end
  local known = { above = finite, below = finite, length = finite, exists = function(x) return type(x) == "boolean" end,
                  matches = function(x) return T.search.check(x, env) end }
  for name, x in pairs(want) do
    if not known[name] then return "above, below, matches, length or exists" end
    if not known[name](x) then return ("another value for %s"):format(name) end
  end
end

--- Places in a JSON document and what must be there: see check/json_path.lua.
T.json_paths = {
  says = 'a table of paths such as { ["db.state"] = "up" }',
  check = function(v, env)
    if not is_plain(v) or next(v) == nil or v[1] ~= nil then return nil end
    for path, want in pairs(v) do
      if type(path) ~= "string" then return nil end
      local steps, why = json_path.parse(path)
      if not steps then return nil, why end
      local expected = bad_want(want, env)
      if expected then return nil, ("%q: expected %s"):format(path, expected) end
    end
    return v
  end,
}

--- Where somebody listens.
T.address = {
  says = 'an address such as "db.internal:5432"',
  check = function(v)
    if type(v) ~= "string" then return nil end
    local host, port = v:match "^%[?([^%s/%[%]]+)%]?:(%d+)$"
    if not host or tonumber(port) < 1 or tonumber(port) > 65535 then return nil, ("%q: expected \"host:port\""):format(v) end
    return v
  end,
}

--- A part of the whole.
T.share = {
  says = "a share such as 0.9",
  check = function(v)
    if not finite(v) then return nil end
    if v <= 0 or v > 1 then return nil, "must be more than 0 and at most 1" end
    return v
  end,
}

return T

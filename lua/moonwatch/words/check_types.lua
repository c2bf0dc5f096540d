--- check_types.lua - types of fields that checks brought: each as those of types.lua.
local json_path = require "moonwatch.check.json_path"
local values = require "moonwatch.words.values"

local T = {}

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
    if not values.is_plain(v) or v[1] ~= nil then return nil end
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
  if not values.is_plain(want) then return type(want) ~= "string" and not values.is_finite(want) and type(want) ~= "boolean" and "a text, a number, true, false or a table" end
  local known = { above = values.is_finite, below = values.is_finite, length = values.is_finite, exists = function(x) return type(x) == "boolean" end,
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
    if not values.is_plain(v) or next(v) == nil or v[1] ~= nil then return nil end
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

return T

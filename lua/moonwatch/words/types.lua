--- types.lua - what a field may hold: each type checks a value and gives it back in the form the engine uses.
--
-- A row is { says = "a duration such as ...", check = function(value, env) return value | nil, why, at }.
-- env.host answers for durations, selectors and PromQL; `why` nil means "not of this type".  Durations become seconds,
-- matchers become lists of {name=, op=, value=}.  `at` is {line=, col=} inside a text.  Types of one subject are in files of their
-- own (query_types.lua, text_types.lua, ...).
local values = require "moonwatch.words.values"

local M = {}

local T = {}
M.types = T
for _, file in ipairs { "query_types", "text_types", "check_types", "pipeline_types" } do
  for name, kind in pairs(require("moonwatch.words." .. file)) do T[name] = kind end
end

T.text = {
  says = "a text",
  check = function(v) if type(v) == "string" then return v end end,
}
T.secret = {
  says = 'a text or secret "NAME"',
  check = function(v) if type(v) == "string" or values.is_secret(v) then return v end end,
}
T.secrets = {
  says = "a list of such",
  check = function(v)
    if not values.is_list(v) or #v == 0 then return nil end
    for i, item in ipairs(v) do
      if not T.secret.check(item) then return nil, ("item %d: expected %s"):format(i, T.secret.says) end
    end
    return v
  end,
}
T.number = {
  says = "a number",
  check = function(v) if values.is_finite(v) then return v end end,
}
T.count = {
  says = "a whole number, 1 or more",
  check = function(v)
    if not values.is_finite(v) then return nil end
    if v < 1 or v % 1 ~= 0 then return nil, "must be a whole number, 1 or more" end
    return v
  end,
}
T.share = {
  says = "a share above 0 and up to 1",
  check = function(v)
    if not values.is_finite(v) then return nil end
    if v <= 0 or v > 1 then return nil, "must be above 0 and not above 1" end
    return v
  end,
}
T.boolean = {
  says = "true or false",
  check = function(v) if type(v) == "boolean" then return v end end,
}
T.fn = {
  says = "a function",
  check = function(v) if values.is_fn(v) then return v end end,
}

local DURATION = 'a duration such as "30s", "5m", "1h30m" or a number of seconds'
local CENTURY = 100 * 365.25 * 86400
T.duration = {
  says = DURATION,
  check = function(v, env)
    if type(v) ~= "string" and type(v) ~= "number" then return nil end
    local seconds = env.host.duration(v)
    if not seconds or not values.is_finite(seconds) or seconds < 0 then return nil, ("%q is not %s"):format(tostring(v), DURATION) end
    if seconds > CENTURY then return nil, ("%q is longer than 100 years"):format(tostring(v)) end
    return seconds
  end,
}
T.interval = {
  says = DURATION .. ", more than zero",
  check = function(v, env)
    local seconds, why = T.duration.check(v, env)
    if seconds and seconds < 0.1 then return nil, "must be at least 100ms" end
    return seconds, why
  end,
}
T.span = {
  says = DURATION .. ", more than zero",
  check = function(v, env)
    local seconds, why = T.duration.check(v, env)
    if seconds == 0 then return nil, "must be more than zero" end
    return seconds, why
  end,
}
local HOUR = 3600
T.durability = {
  says = 'a duration such as "50ms", "1s", or "always"',
  check = function(v, env)
    if v == "always" then return 0 end
    local seconds = T.duration.check(v, env)
    if not seconds then
      if type(v) ~= "string" then return nil end
      return nil, ("%q is not %s"):format(v, T.durability.says)
    end
    if seconds > HOUR then return nil, "must be at most 1h" end
    return seconds
  end,
}
T.bytes = {
  says = 'a size such as "512MB" or a number of bytes',
  check = function(v)
    if values.is_finite(v) and v >= 0 then return v end
    if type(v) ~= "string" then return nil end
    local n, unit = v:match "^(%d+%.?%d*)%s*([kKMGT]?)i?B?$"
    if not n then return nil, ("%q is not a size such as \"512MB\""):format(v) end
    local power = ({ [""] = 0, k = 1, K = 1, M = 2, G = 3, T = 4 })[unit]
    return tonumber(n) * 1024 ^ power
  end,
}

T.labels = {
  says = 'a table of labels such as { team = "web" }',
  check = function(v) return values.labels(v, values.is_text) end,
}

T.text_map = {
  says = "a table of texts",
  check = function(v)
    if not values.is_plain(v) then return nil end
    local out = {}
    for k, x in pairs(v) do
      if type(k) ~= "string" then return nil end
      if type(x) == "number" then x = tostring(x) end
      if type(x) ~= "string" and not values.is_secret(x) then return nil, ("%q: expected a text"):format(k) end
      out[k] = x
    end
    return out
  end,
}
--- Labels by any key.
T.label_sets = {
  says = 'a table of labels such as { ["db-1"] = { team = "db" } }',
  check = function(v)
    if not values.is_plain(v) then return nil end
    local out = {}
    for key, set in pairs(v) do
      local labels, why = values.labels(set, values.is_text)
      if not labels then return nil, ("%s: %s"):format(tostring(key), why or 'expected labels such as { team = "db" }') end
      out[tostring(key)] = labels
    end
    return out
  end,
}
--- URL parameters: a name may have several values.
T.params = {
  says = 'a table such as { module = "http" } or { match = { "a", "b" } }',
  check = function(v)
    if not values.is_plain(v) then return nil end
    local out = {}
    for k, x in pairs(v) do
      local list = values.is_list(x) and x or { x }
      if type(k) ~= "string" then return nil end
      for i, item in ipairs(list) do
        if type(item) ~= "string" and type(item) ~= "number" then return nil, ("%q: expected a text"):format(k) end
        list[i] = tostring(item)
      end
      out[k] = list
    end
    return out
  end,
}
T.texts = {
  says = "a text or a list of texts",
  check = function(v)
    if type(v) == "string" then return { v } end
    if not values.is_list(v) then return nil end
    for i, item in ipairs(v) do
      if type(item) ~= "string" then return nil, ("item %d: expected a text"):format(i) end
    end
    return v
  end,
}
--- Labels that two alerts have in common: names, and OURS = "THEIRS" for what is called otherwise on the other one.
T.equal = {
  says = 'a list of label names; NAME = "OTHER" in it compares labels of different names',
  check = function(v)
    if type(v) == "string" then return { v } end
    if type(v) ~= "table" then return nil end
    local out, named = {}, {}
    for key, name in pairs(v) do
      if type(name) ~= "string" then return nil, ("%s: expected the name of a label"):format(tostring(key)) end
      if type(key) == "string" then named[#named + 1] = { key, name }
      elseif v[#out + 1] == nil then return nil
      else out[#out + 1] = v[#out + 1] end
    end
    table.sort(named, function(a, b) return a[1] < b[1] end)
    for _, pair in ipairs(named) do out[#out + 1] = pair end
    return out
  end,
}
T.group_by = {
  says = 'a list of label names or "all"',
  check = function(v)
    if v == "all" or v == "..." then return "all" end
    local list, why = T.texts.check(v)
    if list and list[1] == "..." then return "all" end
    return list, why
  end,
}

T.objective = {
  says = "an objective such as 0.999 or 99.9",
  check = function(v)
    if not values.is_finite(v) then return nil end
    local share = v > 1 and v / 100 or v
    if share <= 0 or share >= 1 then return nil, "must be between 0 and 1, or between 0 and 100 percent" end
    return share
  end,
}
T.severity = {
  says = "a text",
  check = function(v) return T.text.check(v) end,
}
--- Severities and what they begin at.
T.levels = {
  says = "a table of severities such as { warning = 0.05, page = 0.2 }",
  check = function(v)
    if not values.is_plain(v) or next(v) == nil then return nil end
    local out = {}
    for name, value in pairs(v) do
      if type(name) ~= "string" or name == "" then return nil, "expected " .. T.levels.says end
      if not values.is_finite(value) then return nil, ("level %q: expected a number"):format(name) end
      out[name] = value
    end
    return out
  end,
}
T.votes = {
  says = "{4, of=5} (in 4 of the last 5 evaluations)",
  check = function(v)
    if not values.is_plain(v) or v[1] == nil and v.of == nil then return nil end
    for key in pairs(v) do
      if key ~= 1 and key ~= "of" then return nil, "expected " .. T.votes.says end
    end
    local need, of = T.count.check(v[1]), T.count.check(v.of)
    if not need or not of then return nil, "expected whole numbers, 1 or more, as in {4, of=5}" end
    if need > of then return nil, ("%d of %d can never be"):format(need, of) end
    if of > 100 then return nil, "of must be at most 100" end
    return { need = need, of = of }
  end,
}
T.status = {
  says = 'an HTTP status: 200, { 200, 204 }, "2xx" or "200-299"',
  check = function(v)
    local list = values.is_list(v) and v or { v }
    local out = {}
    for _, item in ipairs(list) do
      local low, high
      if values.is_finite(item) then low, high = item, item
      elseif type(item) == "string" then
        local class = item:match "^([1-5])[xX][xX]$"
        low, high = item:match "^(%d%d%d)%-(%d%d%d)$"
        if class then low, high = class * 100, class * 100 + 99
        elseif not low and item:find "^%d%d%d$" then low, high = item, item end
      end
      if not low then return nil, ("%q is not %s"):format(tostring(item), T.status.says) end
      out[#out + 1] = { tonumber(low), tonumber(high) }
    end
    return out
  end,
}
T.any = {
  says = "anything",
  check = function(v) return v end,
}

return M

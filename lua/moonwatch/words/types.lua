--- types.lua - what a field may hold: each type checks a value and gives it back in the form the engine uses.
--
-- A row is { says = "a duration such as ...", check = function(value, env) return value | nil, why, at }.
-- env.host answers for durations, selectors and PromQL; `why` nil means "not of this type".  Durations become seconds,
-- matchers become lists of {name=, op=, value=}.  `at` is {line=, col=} inside a text.
local did_you_mean = require "moonwatch.did_you_mean"
local matchers = require "moonwatch.route.matchers"

local M = {}

local T = {}
M.types = T
for name, kind in pairs(require "moonwatch.words.check_types") do T[name] = kind end
for name, kind in pairs(require "moonwatch.words.pipeline_types") do T[name] = kind end

local function is_fn(v) return type(v) == "table" and v["@fn"] ~= nil end
local function is_secret(v) return type(v) == "table" and type(v["@secret"]) == "string" end
local function is_plain(v) return type(v) == "table" and not is_fn(v) and not is_secret(v) end

local function is_list(v)
  if not is_plain(v) then return false end
  local n = 0
  for k in pairs(v) do
    if type(k) ~= "number" then return false end
    n = n + 1
  end
  return n == #v
end
M.is_list, M.is_fn = is_list, is_fn

local function finite(v) return type(v) == "number" and v == v and v > -math.huge and v < math.huge end

T.text = {
  says = "a text",
  check = function(v) if type(v) == "string" then return v end end,
}
T.secret = {
  says = 'a text or secret "NAME"',
  check = function(v) if type(v) == "string" or is_secret(v) then return v end end,
}
T.secrets = {
  says = "a list of such",
  check = function(v)
    if not is_list(v) or #v == 0 then return nil end
    for i, item in ipairs(v) do
      if not T.secret.check(item) then return nil, ("item %d: expected %s"):format(i, T.secret.says) end
    end
    return v
  end,
}
T.number = {
  says = "a number",
  check = function(v) if finite(v) then return v end end,
}
T.count = {
  says = "a whole number, 1 or more",
  check = function(v)
    if not finite(v) then return nil end
    if v < 1 or v % 1 ~= 0 then return nil, "must be a whole number, 1 or more" end
    return v
  end,
}
T.share = {
  says = "a share above 0 and up to 1",
  check = function(v)
    if not finite(v) then return nil end
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
  check = function(v) if is_fn(v) then return v end end,
}

local DURATION = 'a duration such as "30s", "5m", "1h30m" or a number of seconds'
local CENTURY = 100 * 365.25 * 86400
T.duration = {
  says = DURATION,
  check = function(v, env)
    if type(v) ~= "string" and type(v) ~= "number" then return nil end
    local seconds = env.host.duration(v)
    if not seconds or not finite(seconds) or seconds < 0 then return nil, ("%q is not %s"):format(tostring(v), DURATION) end
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
    if finite(v) and v >= 0 then return v end
    if type(v) ~= "string" then return nil end
    local n, unit = v:match "^(%d+%.?%d*)%s*([kKMGT]?)i?B?$"
    if not n then return nil, ("%q is not a size such as \"512MB\""):format(v) end
    local power = ({ [""] = 0, k = 1, K = 1, M = 2, G = 3, T = 4 })[unit]
    return tonumber(n) * 1024 ^ power
  end,
}

-- What an expression of a rule cannot be, by what it gives.
local NO_RULE = {
  ["range vector"] = "it gives a range of samples: put a function such as rate(...) around it", ["string"] = "it gives a text, not samples",
}
NO_RULE.matrix = NO_RULE["range vector"]

--- A PromQL expression.  The refusal carries where in the text it went wrong.  env.exprs, if it is there, remembers those that
-- are good; env.exprs_before are those of the version of the file before, which need not be parsed again.
T.expr = {
  says = "a PromQL expression",
  check = function(v, env)
    if type(v) == "number" then v = tostring(v) end
    if type(v) ~= "string" then return nil end
    local known, ok, why, line, col = env.exprs_before and env.exprs_before[v], nil, nil, nil, nil
    if not known then ok, why, line, col = env.host.check_expr(v) end
    if ok and NO_RULE[why] then return nil, NO_RULE[why] end
    if ok or known then
      if env.exprs then env.exprs[v] = true end
      return v
    end
    return nil, ("bad PromQL: %s (at %d:%d of the expression)"):format(why, line or 1, col or 1),
           { line = line or 1, col = col or 1 }
  end,
}

--- One series selector, without a range or an offset.
T.selector = {
  says = 'a series selector such as up{job="x"}',
  check = function(v, env)
    if type(v) ~= "string" then return nil end
    local matchers_of, why, line, col = env.host.selector(v)
    if matchers_of then return v end
    return nil, ("bad selector: %s (at %d:%d of the text)"):format(why, line or 1, col or 1), { line = line or 1, col = col or 1 }
  end,
}

--- Selectors of series, any of which may match; unlike in PromQL one may match series without a label: {team=""}.
T.selectors = {
  says = "a selector such as {__name__=~\"go_.*\"}, or a list of them",
  check = function(v, env)
    local list = type(v) == "string" and { v } or v
    if not is_list(list) or #list == 0 then return nil end
    local out = {}
    for i, text in ipairs(list) do
      if type(text) ~= "string" then return nil, ("item %d: expected a text"):format(i) end
      local found, why = env.host.selector(text)
      if not found then found = T.matchers.check(text, env) end
      if not found or #found == 0 then return nil, ("bad selector %q: %s"):format(text, why or "it says nothing") end
      out[i] = found
    end
    return out
  end,
}

--- A regular expression for the whole of a text.
T.pattern = {
  says = "a regular expression",
  check = function(v, env)
    if type(v) ~= "string" then return nil end
    local re, wrong = env.host.regex(v)
    if re then return v end
    return nil, "bad regular expression: " .. wrong
  end,
}

--- An expression of an SLO: a selector, or PromQL with $window where the range goes.
T.sli = {
  says = "a selector, or PromQL with $window in the place of the range",
  check = function(v, env)
    if type(v) ~= "string" then return nil end
    local places = select(2, v:gsub("%$window", ""))
    local expr = places > 0 and v:gsub("%$window", "5m") or "sum(increase(" .. v .. "[5m]))"
    local ok, why = env.host.check_expr(expr)
    if ok then return v end
    if places == 0 then why = why .. "; give a selector, or write $window in the place of the range" end
    return nil, "bad PromQL: " .. why
  end,
}
T.ratio = {
  says = "PromQL with $window in the place of the range",
  check = function(v, env)
    if type(v) ~= "string" then return nil end
    if not v:find("$window", 1, true) then return nil, "write $window in the place of the range" end
    return T.sli.check(v, env)
  end,
}

local NAME = "^[%a_][%w_]*$"
local function label_map(v, allowed)
  if not is_plain(v) then return nil end
  local out = {}
  for name, value in pairs(v) do
    if type(name) ~= "string" or not name:find(NAME) then
      return nil, ("%q is not a label name"):format(tostring(name))
    end
    if type(value) == "number" then value = tostring(value) end
    if not allowed(value) then return nil, ("label %q: expected a text"):format(name) end
    out[name] = value
  end
  return out
end
T.labels = {
  says = 'a table of labels such as { team = "web" }',
  check = function(v) return label_map(v, function(x) return type(x) == "string" end) end,
}

local gotemplate = require "moonwatch.gotemplate"
local text_of = require "moonwatch.alert.text"

local function check_template(v, env, asks)
  if not asks and gotemplate.is(v) then
    local tree, why = gotemplate.compile(v)
    if not tree then return nil, "bad template: " .. why end
    return v
  end
  local compiled, why, at, misspelt = text_of.compile(v)
  if not compiled then
    return nil, why .. (misspelt and did_you_mean(env.host, misspelt, text_of.filters) or ""), at
  end
  local other = asks and text_of.of_message(compiled)
  if other then return nil, ("${%s} is there only in the texts of receivers"):format(other) end
  for _, expr in ipairs(text_of.queries(compiled)) do
    if not asks then return nil, "query(...) works only in the texts of rules" end
    local ok, bad = env.host.check_expr(expr)
    if not ok then return nil, ("bad PromQL in query(%q): %s"):format(expr, bad) end
  end
  return v
end

--- A text with ${...} places, or a function of the alert.
T.template = {
  says = "a text (with ${labels.NAME}, ${value}, ${value|FILTER}) or a function of the alert",
  check = function(v, env)
    if is_fn(v) then return v end
    if type(v) ~= "string" then return nil end
    return check_template(v, env, true)
  end,
}
--- A text of a receiver: filled in from what a notification carries, so without questions.
T.message = {
  says = "a text (with ${labels.NAME}, ${annotations.NAME}, ${value|FILTER}, ${group_labels.NAME}, ${status}, or {{ }} as in Alertmanager)",
  check = function(v, env)
    if type(v) ~= "string" then return nil end
    return check_template(v, env, false)
  end,
}
-- Texts however deep in VALUE; nil, message when one is no good, or when there is something else in it.
local function check_payload(value, env, depth)
  if type(value) == "string" then return check_template(value, env, false) end
  if type(value) == "number" or type(value) == "boolean" then return value end
  if not is_plain(value) then return nil, "only texts, numbers, true, false and tables can be in it" end
  if depth > 20 then return nil, "nested too deep" end
  local out = {}
  for key, inner in pairs(value) do
    if value[1] == nil and type(key) ~= "string" or value[1] ~= nil and type(key) ~= "number" then
      return nil, "a table in it is either a list or has names only"
    end
    local good, why = check_payload(inner, env, depth + 1)
    if good == nil then return nil, ("%s: %s"):format(tostring(key), why) end
    out[key] = good
  end
  return out
end
--- What is sent as JSON, or made by a function of the message.
T.payload = {
  says = "a text (with ${labels.NAME}, ${value}), a table of such texts, or a function",
  check = function(v, env)
    if is_fn(v) then return v end
    if type(v) ~= "string" and not is_plain(v) then return nil end
    return check_payload(v, env, 1)
  end,
}
T.label_templates = {
  says = 'a table of labels such as { team = "web" }; values may hold ${labels.NAME}',
  check = function(v, env)
    local out, why = label_map(v, function(x) return type(x) == "string" or is_fn(x) end)
    if not out then return nil, why end
    for name, value in pairs(out) do
      local ok, bad = T.template.check(value, env)
      if not ok then return nil, ("label %q: %s"):format(name, bad) end
    end
    return out
  end,
}
--- Texts by name, filled in from what a notification carries.
T.messages = {
  says = "a table of texts by name; they may hold ${labels.NAME}",
  check = function(v, env)
    local out, why = label_map(v, function(x) return type(x) == "string" end)
    if not out then return nil, why end
    for name, value in pairs(out) do
      if gotemplate.is(value) then return nil, ("label %q: only texts of receivers may hold {{ }}"):format(name) end
      local ok, bad = T.message.check(value, env)
      if not ok then return nil, ("label %q: %s"):format(name, bad) end
    end
    return out
  end,
}
T.template_map = {
  says = "a table of texts",
  check = function(v, env) return T.label_templates.check(v, env) end,
}
T.text_map = {
  says = "a table of texts",
  check = function(v)
    if not is_plain(v) then return nil end
    local out = {}
    for k, x in pairs(v) do
      if type(k) ~= "string" then return nil end
      if type(x) == "number" then x = tostring(x) end
      if type(x) ~= "string" and not is_secret(x) then return nil, ("%q: expected a text"):format(k) end
      out[k] = x
    end
    return out
  end,
}
--- Labels by any key.
T.label_sets = {
  says = 'a table of labels such as { ["db-1"] = { team = "db" } }',
  check = function(v)
    if not is_plain(v) then return nil end
    local out = {}
    for key, set in pairs(v) do
      local labels, why = label_map(set, function(x) return type(x) == "string" end)
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
    if not is_plain(v) then return nil end
    local out = {}
    for k, x in pairs(v) do
      local list = is_list(x) and x or { x }
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
    if not is_list(v) then return nil end
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

local function matcher(out, host, name, op, value)
  if op == "=~" or op == "!~" then
    local ok, why = host.regex(value)
    if not ok then return nil, ("%s%s%q: %s"):format(name, op, value, why) end
  end
  out[#out + 1] = { name = name, op = op, value = value }
  return true
end

--- Matchers, written as a map (= only), as a text of matchers with or without braces, or as a list of such texts.  Unlike a
-- PromQL selector they may all match the empty text.
T.matchers = {
  says = 'matchers: { team = "web" }, \'{team=~"web|api"}\' or a list of texts such as \'team!="web"\'',
  check = function(v, env)
    local out = {}
    local texts
    if type(v) == "string" then texts = { v }
    elseif is_list(v) and #v > 0 then texts = v
    elseif is_plain(v) then
      local names = {}
      for name, value in pairs(v) do
        if type(name) ~= "string" or (type(value) ~= "string" and type(value) ~= "number") then return nil end
        names[#names + 1] = name
      end
      table.sort(names)
      for _, name in ipairs(names) do out[#out + 1] = { name = name, op = "=", value = tostring(v[name]) } end
      return out
    else
      return nil
    end
    for _, text in ipairs(texts) do
      if type(text) ~= "string" then return nil end
      local list, why = matchers.parse(text)
      if not list then return nil, why end
      for _, m in ipairs(list) do
        local ok, bad = matcher(out, env.host, m.name, m.op, m.value)
        if not ok then return nil, bad end
      end
    end
    return out
  end,
}

T.objective = {
  says = "an objective such as 0.999 or 99.9",
  check = function(v)
    if not finite(v) then return nil end
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
    if not is_plain(v) or next(v) == nil then return nil end
    local out = {}
    for name, value in pairs(v) do
      if type(name) ~= "string" or name == "" then return nil, "expected " .. T.levels.says end
      if not finite(value) then return nil, ("level %q: expected a number"):format(name) end
      out[name] = value
    end
    return out
  end,
}
T.votes = {
  says = "{4, of=5} (in 4 of the last 5 evaluations)",
  check = function(v)
    if not is_plain(v) or v[1] == nil and v.of == nil then return nil end
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
    local list = is_list(v) and v or { v }
    local out = {}
    for _, item in ipairs(list) do
      local low, high
      if finite(item) then low, high = item, item
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

--- query_types.lua - types of fields that ask for series or say which ones: each as those of types.lua.
local matchers = require "moonwatch.route.matchers"
local values = require "moonwatch.words.values"

local T = {}

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
    if not values.is_list(list) or #list == 0 then return nil end
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
    elseif values.is_list(v) and #v > 0 then texts = v
    elseif values.is_plain(v) then
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

return T

--- text_types.lua - types of fields whose texts are filled in when something is told: each as those of types.lua.
local did_you_mean = require "moonwatch.did_you_mean"
local gotemplate = require "moonwatch.gotemplate"
local text_of = require "moonwatch.alert.text"
local values = require "moonwatch.words.values"

local T = {}

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
    if values.is_fn(v) then return v end
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
  if not values.is_plain(value) then return nil, "only texts, numbers, true, false and tables can be in it" end
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
    if values.is_fn(v) then return v end
    if type(v) ~= "string" and not values.is_plain(v) then return nil end
    return check_payload(v, env, 1)
  end,
}
T.label_templates = {
  says = 'a table of labels such as { team = "web" }; values may hold ${labels.NAME}',
  check = function(v, env)
    local out, why = values.labels(v, function(x) return type(x) == "string" or values.is_fn(x) end)
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
    local out, why = values.labels(v, values.is_text)
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

return T

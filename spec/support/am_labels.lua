--- am_labels.lua - names and values of labels, and matchers of them, by chance: a plain world of words, and an odd one of everything
-- that Alertmanager 0.25 takes in a value.
--
-- A vocabulary: { names=, values= (name → list), patterns=function(c, value, other) → list of regular expressions }.
local M = {}

local NAMES = { "alertname", "team", "severity", "instance" }

M.plain = {
  names = NAMES,
  values = { alertname = { "Disk", "Load", "Net", "Db" }, team = { "x", "y", "z" }, severity = { "page", "warn" }, instance = { "i0", "i1" } },
  patterns = function(_, value, other) return { value .. "|" .. other, value:sub(1, 1) .. ".*", ".+", value:upper() } end,
}

-- A value as a regular expression that matches nothing else.
local function literally(text) return (text:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?{}|\\]", "\\%0")) end

M.odd = {
  names = NAMES,
  values = {
    alertname = { "Disk full", "Lüfter 2", "磁盘", "Load" },
    team = { 'say "hi"', "a,b", "{x}", "it's", "C:\\new\\temp", "😀 ok" },
    severity = { " page ", "warn\nnow", "tab\there", "50%" },
    instance = { "i-0:9100", "i=1", "[::1]:80", "a|b", "" },
  },
  patterns = function(_, value, other)
    return { literally(value) .. "|" .. literally(other), ".*", ".+", "", "[^a-z]+", "(?i)" .. literally(value:upper()), literally(value:match "^[%z\1-\127\194-\244]?[\128-\191]*") .. "(?s:.*)",
      "\\w+", "(|" .. literally(value) .. ")", ".{3,}", "\\D*", "[\\pL ]+" }
  end,
}

-- -- matchers ------------------------------------------------------------------------

local OPS = { "=", "=", "!=", "=~", "!~" }

--- A matcher of WORDS: { name=, op=, value= }.
function M.matcher(c, words)
  local name, op = c:one(words.names), c:one(OPS)
  local value = c:one(words.values[name])
  if op:find "~" then value = c:one(words.patterns(c, value, c:one(words.values[name]))) end
  if c:often(8) then value = "" end
  return { name = name, op = op, value = value }
end

-- In double quotes, as a matcher has it.  A backslash before anything that is no escape may stand alone.
local function quoted(c, value)
  local bare = c:often(30)
  local text = value:gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" })
  if bare then text = text:gsub("\\\\([^\\\"nabfrtvxuU0-7])", "\\%1") end
  return '"' .. text .. '"'
end

--- M as a text of Alertmanager.
function M.text(c, m)
  local value = quoted(c, m.value)
  if m.value:find "^[%w_][%w_%-:.*+|]*$" and c:often(30) then value = m.value end
  local space = c:often(15) and " " or ""
  return m.name .. space .. m.op .. space .. value
end

--- TEXT as a scalar of YAML.
function M.yaml(c, text)
  if text:find "[\n\t]" or c:often(20) then
    return '"' .. text:gsub('[\\"\n\t]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\t"] = "\\t" }) .. '"'
  end
  return "'" .. text:gsub("'", "''") .. "'"
end

local function listed(c, list)
  local out = {}
  for i, m in ipairs(list) do out[i] = M.text(c, m) end
  if #out > 1 and c:often(25) then return "[" .. M.yaml(c, "{" .. table.concat(out, ", ") .. "}") .. "]" end
  for i, text in ipairs(out) do out[i] = M.yaml(c, text) end
  return "[" .. table.concat(out, ", ") .. "]"
end

local function mapped(c, list)
  local out, seen = {}, {}
  for _, m in ipairs(list) do
    if not seen[m.name] then out[#out + 1] = m.name .. ": " .. M.yaml(c, m.value) end
    seen[m.name] = true
  end
  return "{" .. table.concat(out, ", ") .. "}"
end

--- One to MOST matchers of WORDS as rows of YAML: { key, value }; PREFIX stands before the keys.  Those that older versions could say
-- are sometimes said as they had it.
function M.rows(c, words, most, prefix)
  local by = { matchers = {}, match = {}, match_re = {} }
  for _ = 1, 1 + c:next(most) do
    local m = M.matcher(c, words)
    local key = (m.op == "=" or m.op == "=~") and c:often(25) and (m.op == "=" and "match" or "match_re") or "matchers"
    table.insert(by[key], m)
  end
  local rows = {}
  if by.match[1] then rows[#rows + 1] = { prefix .. "match", mapped(c, by.match) } end
  if by.match_re[1] then rows[#rows + 1] = { prefix .. "match_re", mapped(c, by.match_re) } end
  if by.matchers[1] then rows[#rows + 1] = { prefix .. "matchers", listed(c, by.matchers) } end
  return rows
end

--- Labels of an alert.
function M.labels(c, words)
  local out = { alertname = c:one(words.values.alertname) }
  for _, name in ipairs { "team", "severity", "instance" } do
    if c:often(75) then out[name] = c:one(words.values[name]) end
  end
  return out
end

return M

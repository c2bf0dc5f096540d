--- text.lua - the texts of alerts: "${labels.pod} is at ${value|percent}".
--
-- A place names `value`, `threshold`, `expected` (of a baseline), `severity`, `name`, `now`, `active_at`, `fired_at`, `external_url`,
-- `labels.NAME`, `sample.NAME` (of the series, before the rule gave labels of its own), `external_labels.NAME` or query("PROMQL") for
-- the first row of an answer, and may pass it through filters.  A label that is not there is empty, as in PromQL.  Inside the text of a query, ${labels.NAME} is filled in fit for a quoted PromQL string.  What numbers look like is
-- src/base/human.c.
local human = require("moonwatch.host").human

local M = {}

function M.number(v) return human("plain", v) end
function M.duration(v) return human("duration", v) end

-- -- filters: function(value, argument, view) -> value -----------------------------------

local function is_row(v) return type(v) == "table" end

-- A number's text is a number too, as in Prometheus; any other text stays as it is.
local function of_number(f)
  return function(v, ...)
    local n = tonumber(v)
    if not n then return v end
    return f(n, ...)
  end
end

local filters = {}
for _, way in ipairs { "go", "humanize", "humanize1024", "duration", "percent", "timestamp", "bytes",
                       "humanizeDuration", "humanizePercentage", "humanizeTimestamp" } do
  filters[way] = { apply = of_number(function(v) return human(way, v) end) }
end
filters.round = {
  argument = "optional",
  check = function(a) return tonumber(a) and a:find "^%d%d?$" ~= nil, "a number of digits" end,
  apply = of_number(function(v, digits)
    local p = 10 ^ (tonumber(digits) or 0)
    local rounded = math.floor(v * p + 0.5) / p
    return rounded == rounded and math.abs(rounded) < math.huge and rounded or v
  end),
}
filters.since = { apply = of_number(function(v, _, view) return view.now and view.now - v or v end) }
filters.upper = { apply = function(v) return tostring(v):upper() end }
filters.lower = { apply = function(v) return tostring(v):lower() end }
filters.title = { apply = function(v) return (tostring(v):gsub("%f[%w_]%a", string.upper)) end }
filters.default = { argument = "required", nothing = true, apply = function(v, text) return (v == nil or v == "") and text or v end }
filters.label = {
  argument = "required", row = true,
  apply = function(v, name) return is_row(v) and v.labels[name] or "" end,
}
filters.printf = {
  argument = "required",
  check = function(a)
    local plain = a:gsub("%%%%", "")
    return select(2, plain:gsub("%%", "")) == 1 and plain:find "%%[%-+ 0#]*%d?%d?%.?%d?%d?[fgedsvq]" ~= nil,
           'a text with one place such as "%.2f"'
  end,
  apply = function(v, form)
    local verb = form:gsub("%%%%", ""):match "%%[%-+ 0#]*%d?%d?%.?%d?%d?([fgedsvq])"
    local n = tonumber(v)
    if verb == "v" then form = form:gsub("(%%[%-+ 0#]*%d?%d?)v", "%1s") end
    if verb == "v" or verb == "s" or verb == "q" then return form:format(type(v) == "number" and M.number(v) or tostring(v)) end
    if not n then return v end
    if n ~= n or math.abs(n) == math.huge then return M.number(n) end
    return form:format(n)
  end,
}

M.filters = {}
for name in pairs(filters) do
  if not name:find "^humanize%u" then M.filters[#M.filters + 1] = name end
end
table.sort(M.filters)

-- -- reading ------------------------------------------------------------------------------

local PLACES = { value = true, threshold = true, expected = true, severity = true, name = true, now = true, active_at = true, fired_at = true, external_url = true }
local MAPS = { labels = true, sample = true, external_labels = true }
-- What only a message to a receiver knows: the group's labels, how it stands.  `annotations` and `state` are those of one of its alerts.
local MESSAGE = { status = true, state = true, receiver = true, firing = true, resolved = true, title = true }
local MESSAGE_MAPS = { annotations = true, group_labels = true, common_labels = true, common_annotations = true }
local OF_ALL = { status = true, receiver = true, firing = true, resolved = true, title = true, group_labels = true, common_labels = true,
                 common_annotations = true, external_url = true, now = true }
local SAYS = 'write value, threshold, expected, severity, name, now, active_at, fired_at, external_url, labels.NAME, sample.NAME, external_labels.NAME or query("...")'

-- The quoted text that begins at AT, without its quotes and escapes, and what comes behind it.
local function quoted(text, at)
  local quote, out, i = text:sub(at, at), {}, at + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == quote then return table.concat(out), i + 1 end
    if c == "\\" then
      i = i + 1
      c = text:sub(i, i)
      if c ~= quote and c ~= "\\" then c = "\\" .. c end
    end
    out[#out + 1], i = c, i + 1
  end
end

local compile_parts

local function read_query(text, at)
  local open = text:match("^query%s*%(%s*()[\"']", at)
  if not open then return nil, 'query takes a quoted expression: query("...")' end
  local expr, behind = quoted(text, open)
  local close = expr and text:match("^%s*%)()", behind)
  if not close then return nil, "query(... is without its end" end
  local parts, why = compile_parts(expr, true)
  if not parts then return nil, why end
  return { query = parts }, close
end

local function read_source(text, at, inside)
  local path = text:match("^[%w_%.]+", at)
  if path == "query" and not inside then return read_query(text, at) end
  local map, name = (path or ""):match "^([%a_]+)%.([%a_][%w_]*)$"
  if path and (MAPS[map] or MESSAGE_MAPS[map]) then return { map = map, key = name }, at + #path end
  if path and (PLACES[path] or MESSAGE[path]) then return { path = path }, at + #path end
  return nil, SAYS
end

local function read_argument(text, at)
  local open = text:match("^%s*:%s*()", at)
  if not open then return nil, at end
  if text:find("^[\"']", open) then
    local arg, behind = quoted(text, open)
    if not arg then return nil, nil, "a quoted text without its end" end
    return arg, behind
  end
  local arg = text:match("^[%w_%-%.]+", open)
  if not arg then return nil, nil, "expected something after :" end
  return arg, open + #arg
end

local function read_filter(text, at)
  local name, behind = text:match("^(%w+)()", at)
  local filter = filters[name or ""]
  if not name then return nil, "expected a filter after |" end
  if not filter then
    return nil, ("unknown filter %q (there are %s)"):format(name, table.concat(M.filters, ", ")), name
  end
  local arg, stop, why = read_argument(text, behind)
  if why then return nil, why end
  if arg and not filter.argument then return nil, ("%s takes nothing after :"):format(name) end
  if not arg and filter.argument == "required" then return nil, ("write %s:\"...\""):format(name) end
  if arg and filter.check then
    local ok, wants = filter.check(arg)
    if not ok then return nil, ("%s wants %s"):format(name, wants) end
  end
  return { filter = filter, argument = arg }, stop
end

-- One place, from behind its ${ to behind its }.
local function read_place(text, at, inside)
  local start = text:match("^%s*()", at)
  local item, behind, wrong = read_source(text, start, inside)
  if not item then return nil, behind end
  item.steps = {}
  while true do
    behind = text:match("^%s*()", behind)
    if text:sub(behind, behind) == "}" then return item, behind + 1 end
    if text:sub(behind, behind) ~= "|" then
      return nil, behind > #text and "${ without its }" or "expected | and a filter, or }"
    end
    local step, after, name = read_filter(text, text:match("^|%s*()", behind))
    if not step then return nil, after, name or wrong end
    item.steps[#item.steps + 1], behind = step, after
  end
end

-- Line and column of the byte AT of TEXT.
local function position(text, at)
  local line, start = 1, 1
  for newline in text:sub(1, at - 1):gmatch "()\n" do line, start = line + 1, newline + 1 end
  return { line = line, col = at - start + 1 }
end

function compile_parts(text, inside)
  local out, at = {}, 1
  while true do
    local open = text:find("${", at, true)
    if not open then break end
    local item, behind, misspelt = read_place(text, open + 2, inside)
    if not item then
      local shown = text:match("^%${[^}\n]*}?", open)
      if behind ~= "${ without its }" then behind = ("%s: %s"):format(shown, behind) end
      return nil, behind, position(text, open), misspelt
    end
    out[#out + 1] = text:sub(at, open - 1)
    out[#out + 1] = item
    at = behind
  end
  out[#out + 1] = text:sub(at)
  return out
end

--- Text -> list of literal texts and places; nil, why, { line=, col= } in the text, the misspelt filter.
function M.compile(text) return compile_parts(text, false) end

--- The expressions that a compiled text asks, with a stand-in for what is filled in.
function M.queries(compiled)
  local out = {}
  for _, item in ipairs(compiled) do
    if type(item) == "table" and item.query then
      local parts = {}
      for i, part in ipairs(item.query) do parts[i] = type(part) == "string" and part or "x" end
      out[#out + 1] = table.concat(parts)
    end
  end
  return out
end

--- The first place of a compiled text that only messages have; nil: the text of a rule may say all of it.
function M.of_message(compiled)
  for _, item in ipairs(compiled) do
    if type(item) == "table" then
      local path = item.path or item.map or ""
      if MESSAGE[path] or MESSAGE_MAPS[path] then return item.key and path .. "." .. item.key or path end
    end
  end
end

--- Does a compiled text name anything of a single alert, not only of the message?
function M.of_alert(compiled)
  for _, item in ipairs(compiled) do
    if type(item) == "table" and not OF_ALL[item.path or item.map] then return true end
  end
  return false
end

-- -- filling ------------------------------------------------------------------------------

local fill

-- Inside the quotes of PromQL.
local function escaped(text) return (text:gsub('[\\"\']', "\\%0"):gsub("\n", "\\n")) end

local function ask(item, view, query)
  if not query then error("query(...) works only in the texts of rules", 0) end
  local parts = {}
  for i, part in ipairs(item.query) do parts[i] = type(part) == "string" and part or escaped(fill(part, view)) end
  local rows, why = query(table.concat(parts))
  if not rows then error(why, 0) end
  return rows[1]
end

function fill(item, view, query)
  local v
  if item.query then v = ask(item, view, query)
  elseif item.map then v = (view[item.map] or {})[item.key]
  else v = view[item.path] end
  for _, step in ipairs(item.steps) do
    if is_row(v) and not step.filter.row then v = v.value end
    if v ~= nil or step.filter.nothing then v = step.filter.apply(v, step.argument, view) end
  end
  if is_row(v) then v = v.value end
  if v == nil then return "" end
  return type(v) == "number" and M.number(v) or tostring(v)
end

--- Compiled text + { labels=, value=, threshold=, name=, now=, ... } -> text.  QUERY: function(expr) -> rows | nil, why.  What stands
-- in the places passes THROUGH, if given.
function M.expand(compiled, view, query, through)
  local out = {}
  for i, item in ipairs(compiled) do
    if type(item) == "string" then
      out[i] = item
    else
      local ok, text = pcall(fill, item, view, query)
      text = ok and text or ("<error expanding template: %s>"):format(tostring(text))
      out[i] = through and through(text) or text
    end
  end
  return table.concat(out)
end

return M

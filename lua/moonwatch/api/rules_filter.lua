--- rules_filter.lua - what a request for /api/v1/rules asks for, with the complaints of Prometheus about what it cannot mean.
--
--   type=alert|record  rule_name[]=  rule_group[]=  file[]=  match[]=SELECTOR  exclude_alerts=BOOL
--   group_limit=N  group_next_token=TOKEN
local answer = require "moonwatch.api.answer"

local M = {}
M.__index = M

local function invalid(parameter, message) return nil, ("invalid parameter %q: %s"):format(parameter, message) end

-- The values of NAME, which ends in [], as a set; nil when there is none.
local function set_of(req, name)
  local values, out = req.query and req.query[name], nil
  if type(values) ~= "table" then values = { values } end
  for _, value in ipairs(values) do
    out = out or {}
    out[value] = true
  end
  return out
end

-- Go's ParseBool, in lower case.
local BOOL = { ["1"] = true, t = true, ["true"] = true, ["0"] = false, f = false, ["false"] = false, [""] = false }

local function read_type(self, req)
  local kind = (answer.param(req, "type") or ""):lower()
  if kind ~= "" and kind ~= "alert" and kind ~= "record" then
    return invalid("type", ("not supported value %q"):format(kind))
  end
  self.word = kind ~= "" and kind or nil
  return true
end

local function read_exclude(self, req)
  local text = (answer.param(req, "exclude_alerts") or ""):lower()
  if BOOL[text] == nil then
    return invalid("exclude_alerts", ("error converting exclude_alerts: strconv.ParseBool: parsing %q: invalid syntax"):format(text))
  end
  self.exclude_alerts = BOOL[text]
  return true
end

local function read_page(self, req)
  local limit, token = answer.param(req, "group_limit") or "", answer.param(req, "group_next_token") or ""
  if limit == "" then
    if token == "" then return true end
    return invalid("group_next_token", "group_limit needs to be present in order to paginate over the groups")
  end
  local n = limit:find "^[+-]?%d+$" and tonumber((limit:gsub("^%+", "")))
  if not n or n ~= n or math.abs(n) > 2147483647 then
    return invalid("group_limit", ("group_limit needs to be a valid number: strconv.ParseInt: parsing %q: %s"):format(limit,
      n and "value out of range" or "invalid syntax"))
  end
  if n <= 0 then return invalid("group_limit", "group_limit needs to be greater than 0") end
  self.limit, self.token = n, token ~= "" and token or nil
  return true
end

-- -- label matchers --------------------------------------------------------

local function test(host, m)
  local negative = m.op:sub(1, 1) == "!"
  if m.op == "=" or m.op == "!=" then
    return function(value) return (value == m.value) ~= negative end
  end
  local regex, why = host.regex(m.value)
  if not regex then return nil, why end
  return function(value) return (regex:match(value) and true or false) ~= negative end
end

-- One selector as a list of { name=, holds= }.
local function compile(host, text)
  local matchers, why = host.selector(text)
  if not matchers then return nil, (why:gsub("^vector selector must", "match[] must")) end
  local out = {}
  for i, m in ipairs(matchers) do
    local holds, bad = test(host, m)
    if not holds then return nil, bad end
    out[i] = { name = m.name, holds = holds }
  end
  return out
end

local function read_match(self, req, host)
  local values = req.query and req.query["match[]"]
  if type(values) ~= "table" then values = { values } end
  for _, text in ipairs(values) do
    local selector, why = compile(host, text)
    if not selector then return nil, why end
    self.selectors = self.selectors or {}
    table.insert(self.selectors, selector)
  end
  return true
end

local function fits(selector, labels)
  for _, m in ipairs(selector) do
    if not m.holds(labels[m.name] or "") then return false end
  end
  return true
end

-- -- the whole -------------------------------------------------------------

local STEPS = { read_match, read_type, read_exclude, read_page }

--- A filter for REQ, or nil and what is wrong with it.
function M.new(req, host)
  local self = setmetatable({ names = set_of(req, "rule_name[]"), groups = set_of(req, "rule_group[]"), files = set_of(req, "file[]") }, M)
  for _, step in ipairs(STEPS) do
    local ok, why = step(self, req, host)
    if not ok then return nil, why end
  end
  return self
end

function M:takes_group(group)
  return (not self.groups or self.groups[group.name] or false) and (not self.files or self.files[group.file] or false)
end

function M:takes(rule, name, labels)
  if self.word and rule.word ~= self.word then return false end
  if self.names and not self.names[name] then return false end
  if not self.selectors then return true end
  for _, selector in ipairs(self.selectors) do
    if fits(selector, labels) then return true end
  end
  return false
end

return M

--- scrape.lua - from `scrape` words to the jobs of the scraper, and what their functions say about targets and series.
--
-- The scraper asks about label sets and remembers the answers.  What it has of a function is a text that names it: the
-- same text for the same function in the same file, so that a reload which changes neither forgets nothing.
local keys_of = require "moonwatch.keys"

local M = {}
M.__index = M

local function secret(host, v)
  if type(v) ~= "table" then return v end
  return host.secret(v["@secret"])
end

local function headers_of(row, host)
  local out = {}
  for name, value in pairs(row.headers) do out[name] = secret(host, value) end
  local auth = row.auth
  if auth and auth.bearer then
    out.Authorization = "Bearer " .. (secret(host, auth.bearer) or "")
  elseif auth and auth.user then
    out.Authorization = "Basic " .. host.base64(auth.user .. ":" .. (secret(host, auth.password) or ""))
  end
  return out
end

-- An address that is a secret is shown without what may be secret in it.
local function shown(row, url)
  if type(row.url) ~= "table" then return nil end
  return (url:gsub("[?#].*$", ""):gsub("^(%w+://)[^/]*@", "%1"))
end

local function endpoints(rows, host)
  local out = {}
  for i, row in ipairs(rows) do
    local url = secret(host, row.url) or ""
    out[i] = { url = url, shown = shown(row, url), every = row.every, headers = headers_of(row, host), tls = row.tls }
  end
  return out
end

-- Addresses, and groups of them with labels of their own.
local function split(targets)
  local plain, groups = {}, {}
  for _, item in ipairs(targets or {}) do
    if type(item) == "table" then groups[#groups + 1] = item else plain[#plain + 1] = item end
  end
  return plain, groups
end

local COPIED = { "files", "dns", "every", "timeout", "path", "scheme", "params", "labels", "tls", "honor_labels", "honor_timestamps",
                 "track_timestamps_staleness", "target_limit", "sample_limit",
                 "body_limit", "label_limit", "label_value_limit", "drop", "only" }

local function job(self, rule)
  local host = self.host
  local row = { job = rule.name, headers = headers_of(rule, host), http = endpoints(rule.http or {}, host),
                relabel = self:name_of(rule.relabel), keep = self:name_of(rule.keep) }
  row.targets, row.groups = split(rule.targets)
  for _, field in ipairs(COPIED) do row[field] = rule[field] end
  return row
end

-- -- functions by name -----------------------------------------------------

-- A file may use any of the modules.
local function modules_text(set)
  local out = {}
  for i, path in ipairs(keys_of(set.modules or {})) do out[i] = path .. "\n" .. set.modules[path] end
  return table.concat(out, "\n")
end

function M:name_of(fn)
  if not fn then return nil end
  local known = self.names[fn.guest]
  if not known then
    known = self.host.sha256((self.set.sources[fn.guest] or "") .. "\n" .. modules_text(self.set))
    self.names[fn.guest] = known
  end
  return known .. "/" .. fn["@fn"]
end

-- -- targets ---------------------------------------------------------------

local FIELDS = { address = "__address__", path = "__metrics_path__", scheme = "__scheme__" }
local NEEDED = { "__address__", "__metrics_path__", "__scheme__", "__scrape_interval__", "__scrape_timeout__" }
local PARAM = "^__param_(.+)$"

local function target_of(given)
  local target = { labels = {}, params = {} }
  for name, value in pairs(given) do
    target.labels[name] = value
    local param = name:match(PARAM)
    if param then target.params[param] = value end
  end
  for field, label in pairs(FIELDS) do target[field] = given[label] end
  return target
end

local function texts_of(map, what)
  local out = {}
  if map ~= nil and type(map) ~= "table" then return nil, what .. " must be a table" end
  for name, value in pairs(map or {}) do
    if type(value) == "table" and type(value[1]) == "string" then value = value[1] end
    if type(value) == "number" then value = tostring(value) end
    if type(name) ~= "string" or type(value) ~= "string" then return nil, ("%s: %q must be a text"):format(what, tostring(name)) end
    out[name] = value
  end
  return out
end

-- What was changed counts, in whichever of its two places; what a target cannot be without comes back when it is gone.
local function labels_of_target(target, given)
  local labels, why = texts_of(target.labels, "labels")
  if not labels then return nil, why end
  local params, bad = texts_of(target.params, "params")
  if not params then return nil, bad end
  local before = target_of(given)
  for field, label in pairs(FIELDS) do
    local value = target[field]
    if value ~= nil and value ~= before[field] then
      if type(value) ~= "string" then return nil, field .. " must be a text" end
      labels[label] = value
    end
  end
  for name, value in pairs(params) do
    if value ~= before.params[name] then labels["__param_" .. name] = value end
  end
  for name in pairs(before.params) do
    if params[name] == nil then labels["__param_" .. name] = nil end
  end
  for _, label in ipairs(NEEDED) do labels[label] = labels[label] or given[label] end
  return labels
end

-- -- series ----------------------------------------------------------------

local function sample_of(given)
  local sample = { name = given.__name__, labels = {} }
  for name, value in pairs(given) do
    if name ~= "__name__" then sample.labels[name] = value end
  end
  return sample
end

local function labels_of_sample(sample, given)
  local labels, why = texts_of(sample.labels, "labels")
  if not labels then return nil, why end
  local name = sample.name
  if name ~= nil and type(name) ~= "string" then return nil, "name must be a text" end
  if name ~= given.__name__ or not labels.__name__ then labels.__name__ = name end
  if not labels.__name__ or labels.__name__ == "" then return nil, "a sample must have a name" end
  return labels
end

-- -- verdicts --------------------------------------------------------------

local KINDS = {
  targets = { field = "relabel", make = target_of, read = labels_of_target, called = "the target" },
  series = { field = "keep", make = sample_of, read = labels_of_sample, called = "the sample" },
}

-- false: it is left out; true: it stays as it is; a table: it stays under these labels; a text: the function failed.  The second
-- value: was it stopped at its budget?
local function verdict(self, kind, fn, given)
  local result = self.call(fn, { kind.make(given) })
  if not result.ok then return tostring(result.error), result.over end
  local value = result.values and result.values[1]
  if value == nil or value == false then return false end
  if value == true then return true end
  if type(value) ~= "table" then return ("it must give back %s or nil"):format(kind.called) end
  local labels, why = kind.read(value, given)
  return labels or why
end

--- The answer to a question of the scraper: { what=, job=, rule=, labels={...} }.  A function that was stopped once is not called
-- for the rest of them: each call has a budget of its own, and rules wait meanwhile.
function M:judge(msg)
  local kind, rule = KINDS[msg.what], self.rules[msg.job]
  local fn = kind and rule and rule[kind.field]
  if not fn or self:name_of(fn) ~= msg.rule then return { again = true } end
  local verdicts, over = {}, false
  for i, given in ipairs(msg.labels) do
    if over then verdicts[i] = verdicts[i - 1]
    else verdicts[i], over = verdict(self, kind, fn, given) end
  end
  return { verdicts = verdicts }
end

--- SET is in force: its jobs, as host.call("scrape") takes them.
function M:jobs(set)
  self.set, self.names, self.rules = set, {}, {}
  local rows = {}
  for i, rule in ipairs(set.scrapes) do
    self.rules[rule.name] = rule
    rows[i] = job(self, rule)
  end
  return rows
end

--- call(fn, args) runs a function of a file and gives its result.
function M.new(host, call)
  return setmetatable({ host = host, call = call, names = {}, rules = {} }, M)
end

return M

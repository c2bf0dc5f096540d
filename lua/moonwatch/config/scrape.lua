--- scrape.lua - from `scrape` words to the jobs of the scraper: relabelled, signed in.
local M = {}

local function secret(host, v)
  if type(v) ~= "table" then return v end
  return host.secret(v["@secret"])
end

local function headers_of(rule, host)
  local out = {}
  for name, value in pairs(rule.headers) do out[name] = secret(host, value) end
  local auth = rule.auth
  if auth and auth.bearer then
    out.Authorization = "Bearer " .. (secret(host, auth.bearer) or "")
  elseif auth and auth.user then
    out.Authorization = "Basic " .. host.base64(auth.user .. ":" .. (secret(host, auth.password) or ""))
  end
  return out
end

local function job(rule, host)
  return {
    job = rule.name, targets = rule.targets, files = rule.files, every = rule.every, timeout = rule.timeout, path = rule.path,
    scheme = rule.scheme, params = rule.params, labels = rule.labels, headers = headers_of(rule, host),
    honor_labels = rule.honor_labels, sample_limit = rule.sample_limit, body_limit = rule.body_limit,
    label_limit = rule.label_limit, label_value_limit = rule.label_value_limit,
  }
end

local function labels_of(given)
  local out = {}
  for name, value in pairs(type(given) == "table" and given or {}) do
    if type(name) == "string" and (type(value) == "string" or type(value) == "number") then out[name] = tostring(value) end
  end
  return out
end

-- Each target that the function leaves becomes a job row of its own.
local function relabelled(rule, host, call, rows, problem)
  for _, address in ipairs(rule.targets) do
    local labels = {}
    for name, value in pairs(rule.labels) do labels[name] = value end
    local result = call(rule.relabel, { { address = address, labels = labels, path = rule.path, scheme = rule.scheme } })
    local target = result.ok and result.values and result.values[1]
    if not result.ok then
      problem(rule, ("relabel failed for %s: %s"):format(address, tostring(result.error)))
    elseif type(target) == "table" then
      local row = job(rule, host)
      row.targets, row.labels = { tostring(target.address or address) }, labels_of(target.labels)
      row.path, row.scheme = target.path or rule.path, target.scheme or rule.scheme
      rows[#rows + 1] = row
    end
  end
end

--- The jobs of SET.  call(fn, args) runs a function of a file; problem(rule, message) hears of one that failed.
function M.jobs(set, host, call, problem)
  local rows = {}
  for _, rule in ipairs(set.scrapes) do
    if rule.relabel then relabelled(rule, host, call, rows, problem)
    else rows[#rows + 1] = job(rule, host) end
  end
  return rows
end

return M

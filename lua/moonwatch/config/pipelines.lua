--- pipelines.lua - from `pipeline` words to the rows of host.call("pipelines").
local M = {}

local function secret(host, v)
  if type(v) ~= "table" then return v end
  return host.secret(v["@secret"])
end

local function row_of(host, rule)
  local redact = rule.redact or {}
  local row = { name = rule.name, of = rule.of, match = rule.match, drop = rule.drop, remove = rule.remove, rename = rule.rename, set = rule.set,
                fields = redact.fields, patterns = redact.patterns, regex = redact.regex, with = redact.with }
  if redact.hash then
    row.salt = secret(host, redact.hash)
    if not row.salt or row.salt == "" then
      row.salt = nil
      host.log("error", "the secret of a pipeline is not there: what it finds is replaced by its `with`", { pipeline = rule.name })
    end
  end
  return row
end

--- The rows of SET, in the order in which they do their work.
function M.rows(host, set)
  local out = {}
  for i, rule in ipairs(set.pipelines or {}) do out[i] = row_of(host, rule) end
  return host.json.array(out)
end

return M

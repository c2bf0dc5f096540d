--- api.lua - a running server as the functions of rules see it: the same questions and answers, over HTTP.
local client = require "moonwatch.cli.client"
local did_you_mean = require "moonwatch.did_you_mean"
local keys_of = require "moonwatch.keys"

local M = {}
M.__index = M

--- ctx: that of a command, { host=, url=, token= }.
function M.new(ctx) return setmetatable({ ctx = ctx, host = ctx.host }, M) end

-- -- requests --------------------------------------------------------------------------------

local function message_of(body, status)
  if type(body) == "table" then
    local e = body.error
    if type(e) == "table" then e = e.message end
    return tostring(e or body.message or "answered " .. status)
  end
  return "answered " .. status
end

--- The decoded answer to GET PATH; nil, message.
function M:get(path, params)
  local ctx, parts = self.ctx, {}
  for _, p in ipairs(params or {}) do
    if p[2] ~= nil then parts[#parts + 1] = p[1] .. "=" .. client.escape(tostring(p[2])) end
  end
  local headers = ctx.token and ctx.token ~= "" and { authorization = "Bearer " .. ctx.token } or {}
  local url = ctx.url:gsub("/+$", "") .. path .. (#parts > 0 and "?" .. table.concat(parts, "&") or "")
  local answer = self.host.call("http", { url = url, method = "GET", headers = headers, timeout = 60 })
  if answer.error then return nil, ("%s: %s"):format(ctx.url, answer.error) end
  local body = self.host.json.decode(answer.body or "")
  if answer.status >= 300 then return nil, message_of(body, answer.status) end
  if type(body) ~= "table" then return nil, ("%s: that is no answer of moonwatch"):format(ctx.url) end
  return body
end

--- What the server adds to every rule: { external_labels=, external_url=, query_offset= }; nothing of a server that does not say.
function M:settings()
  local body = self:get "/api/mw/v1/settings" or {}
  return { external_labels = type(body.external_labels) == "table" and body.external_labels or {}, external_url = body.external_url,
           query_offset = tonumber(body.query_offset) or 0 }
end

-- -- metrics ---------------------------------------------------------------------------------

local SPECIAL = { NaN = 0 / 0, ["+Inf"] = math.huge, ["-Inf"] = -math.huge }
local function number(text) return SPECIAL[text] or tonumber(text) end

-- What a question about series gives, whatever the type of the answer.
local function rows_of(data)
  local out = {}
  if data.resultType == "scalar" then return { { labels = {}, value = number(data.result[2]) } } end
  if data.resultType == "string" then return nil, ("the answer is the text %q"):format(data.result[2]) end
  for i, row in ipairs(data.result) do
    if row.values then
      local points = {}
      for k, p in ipairs(row.values) do points[k] = { p[1], number(p[2]) } end
      out[i] = { labels = row.metric, points = points }
    else
      out[i] = { labels = row.metric, value = row.value and number(row.value[2]) }
    end
  end
  return out
end

--- As host.query: rows, or nil, message.
function M:query(expr, t)
  local body, why = self:get("/api/v1/query", { { "query", expr }, { "time", t and ("%.3f"):format(t) } })
  if not body then return nil, why end
  return rows_of(body.data)
end

function M:range(expr, from, to, step)
  local body, why = self:get("/api/v1/query_range",
    { { "query", expr }, { "start", ("%.3f"):format(from) }, { "end", ("%.3f"):format(to) }, { "step", ("%.3f"):format(step) } })
  if not body then return nil, why end
  return rows_of(body.data)
end

-- -- records ---------------------------------------------------------------------------------

local RECENT = 300

-- From and to of Q, no later than NOW; nil, message.
local function times(self, q, now)
  local since = q.since and self.host.duration(q.since)
  if q.since and not since then return nil, ('since: %q is no duration such as "5m"'):format(tostring(q.since)) end
  local to = math.min(tonumber(q.to) or now, now)
  return ("%.6f"):format(since and now - since or tonumber(q.from) or now - RECENT), ("%.6f"):format(to)
end

local LOGS = { selector = true, contains = true, level = true, trace = true, regex = true, fields = true, limit = true, since = true,
               from = true, to = true }
local TRACES = { service = true, name = true, min = true, max = true, tags = true, errors = true, slowest = true, limit = true, since = true,
                 from = true, to = true }

local function unknown(self, q, known)
  local names = keys_of(known)
  for key in pairs(q) do
    if not known[key] then
      return ("unknown field %q%s"):format(tostring(key), did_you_mean(self.host, key, names))
    end
  end
end

local function pairs_as(name, map, params)
  for k, v in pairs(map or {}) do params[#params + 1] = { name, k .. "=" .. tostring(v) } end
  return params
end

local function log_params(self, q, now)
  local bad = unknown(self, q, LOGS)
  if bad then return nil, bad end
  local from, to = times(self, q, now)
  if not from then return nil, to end
  return pairs_as("field", q.fields, { { "from", from }, { "to", to }, { "selector", q.selector }, { "contains", q.contains },
    { "level", q.level }, { "trace", q.trace }, { "regex", q.regex } })
end

--- As host.logs_search, the last five minutes before NOW unless Q says otherwise.
function M:logs_search(q, now)
  local params, why = log_params(self, q, now)
  if not params then return nil, why end
  params[#params + 1] = { "limit", q.limit or 100 }
  local body
  body, why = self:get("/api/mw/v1/logs", params)
  if not body then return nil, why end
  local out = {}
  for i, r in ipairs(body.records) do
    out[i] = { time = tonumber(r.timestamp) / 1e9, level = r.level, message = r.message, stream = r.stream, fields = r.fields,
               trace = r.trace_id, span = r.span_id }
  end
  return out
end

function M:logs_count(q, now)
  local params, why = log_params(self, q, now)
  if not params then return nil, why end
  params[#params + 1] = { "count", "true" }
  local body
  body, why = self:get("/api/mw/v1/logs", params)
  return body and body.count, why
end

function M:traces_search(q, now)
  local bad = unknown(self, q, TRACES)
  if bad then return nil, bad end
  local from, to = times(self, q, now)
  if not from then return nil, to end
  local body, why = self:get("/api/mw/v1/traces", pairs_as("tag", q.tags, { { "from", from }, { "to", to }, { "service", q.service },
    { "name", q.name }, { "min", q.min }, { "max", q.max }, { "errors", q.errors and "true" or nil },
    { "slowest", q.slowest and "true" or nil }, { "limit", q.limit or 20 } }))
  if not body then return nil, why end
  local out = {}
  for i, t in ipairs(body.traces) do
    out[i] = { trace = t.trace_id, service = t.matched_service, name = t.matched_name, span_duration = t.matched_duration,
               root_service = t.root_service, root_name = t.root_name, start = t.start, duration = t.duration, spans = t.spans, errors = t.errors }
  end
  return out
end

return M

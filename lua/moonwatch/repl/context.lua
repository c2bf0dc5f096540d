--- context.lua - the `ctx` of a function that is tried at the prompt: questions go to the server, nothing leaves for anywhere else.
local M = {}

-- Answers become errors, as they do in the sandbox.
local function asked(what, answer, why)
  if answer == nil then error(what .. ": " .. tostring(why), 0) end
  return answer
end

local function moment(api, now, v, default)
  if v == nil then return default end
  if type(v) == "string" then
    local seconds = api.host.duration(v)
    if not seconds then error(("%q is neither a time nor a duration"):format(v), 0) end
    return now - seconds
  end
  return math.min(v, now)
end

local function range_of(api, now, expr, from, to, step)
  local seconds = step == nil and 15 or api.host.duration(step)
  if not seconds or seconds <= 0 then error('a step above zero, in seconds or as "1m"', 0) end
  return asked(expr, api:range(expr, moment(api, now, from, now - 300), moment(api, now, to, now), seconds))
end
M.range_of = range_of

local function nothing() end

-- Instruments of a trial count nowhere.
local function instrument() return { add = nothing, inc = nothing, set = nothing, observe = nothing } end

local function log_to(say)
  local out = {}
  for _, level in ipairs { "debug", "info", "warn", "error" } do
    out[level] = function(message) say(("%-5s %s"):format(level, tostring(message))) end
  end
  return out
end

local function refused(what) return function() error(what .. " does nothing while a rule is tried", 0) end end

--- api: see api.lua.  say(text) shows a line.  What is fired is added to the list FIRED.
function M.new(api, now, rule, fired, say)
  local function rows(what, search)
    return function(_, q) return asked(what, search(api, q or {}, now)) end
  end
  return {
    now = now, state = {}, rule = rule,
    query = function(_, expr) return asked(expr, api:query(expr, now)) end,
    value = function(_, expr)
      local got = asked(expr, api:query(expr, now))
      if #got > 1 then error(("%s: gives %d series; ctx:value wants one: use sum(...) or ctx:query"):format(expr, #got), 0) end
      return got[1] and got[1].value
    end,
    range = function(_, expr, from, to, step) return range_of(api, now, expr, from, to, step) end,
    fire = function(_, alert)
      if type(alert) ~= "table" then error("write ctx:fire{ labels={...}, value=... }", 0) end
      fired[#fired + 1] = alert
    end,
    logs = { search = rows("ctx.logs:search{...}", api.logs_search), count = rows("ctx.logs:count{...}", api.logs_count) },
    traces = {
      search = rows("ctx.traces:search{...}", api.traces_search),
      slowest = rows("ctx.traces:slowest{...}", function(self, q, t)
        local with = { slowest = true }
        for k, v in pairs(q) do with[k] = v end
        return api.traces_search(self, with, t)
      end),
    },
    metrics = { counter = instrument, gauge = instrument, histogram = instrument }, log = log_to(say),
    http = { get = refused "ctx.http.get", post = refused "ctx.http.post" },
    share = { get = refused "ctx.share:get", set = refused "ctx.share:set", incr = refused "ctx.share:incr" },
  }
end

return M

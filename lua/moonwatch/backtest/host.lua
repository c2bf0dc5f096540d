--- host.lua - the host that rules over stored data are given: time is told, what leaves is caught, what they write is their own.
local burn = require "moonwatch.slo.burn"
local figures = require "moonwatch.slo.figures"

local M = {}

-- What alerts say of themselves begins empty; nothing of it that a server stored may be seen.
local FORGOTTEN = { "ALERTS", "ALERTS_FOR_STATE" }

-- The names of all series that SET writes itself.
local function written(set)
  local seen, out = {}, {}
  local function put(name)
    if not seen[name] then seen[name], out[#out + 1] = true, name end
  end
  for _, rule in ipairs(set.records) do put(rule.name) end
  for _, rule in ipairs(set.slos) do
    for _, name in ipairs(figures.names(rule, burn.windows(rule))) do put(name) end
  end
  return out
end

-- Operations on the world outside: HTTP, mails and programs are taken by nobody, shared values are this run's, there is nothing to probe.
local function operations(kept)
  local ops = {}
  function ops.http() return { status = 200, headers = {}, body = "", seconds = 0.001 } end
  function ops.mail() return { status = 250, refused = {}, seconds = 0.001 } end
  function ops.exec() return { code = 0, stdout = "", stderr = "", seconds = 0.001 } end
  ops["cluster.put"] = function(arg)
    kept[tostring(arg.kind) .. "/" .. tostring(arg.id)] = arg.value
    return {}
  end
  ops["cluster.get"] = function(arg) return { value = kept[tostring(arg.kind) .. "/" .. tostring(arg.id)] } end
  return ops
end

local function call_of(ops)
  return function(op, arg, done)
    local answer = ops[op] and ops[op](arg or {}) or { error = ("%s is not there in a backtest"):format(op) }
    if done then return done(answer) end
    return answer
  end
end

--- BASE is the host of this program; SET what was loaded to find out what it writes.  options: { data= (a folder, or nil: the
-- stores of BASE), from=, to=, stepwise= (every moment by itself) }.  Gives the host, or nil, message.
function M.new(base, set, options)
  local promql = set.settings.promql or {}
  local past, why = base.past {
    data = options.data, from = options.from, to = options.to, written = written(set), forgotten = FORGOTTEN, stepwise = options.stepwise,
    lookback = promql.lookback, default_step = promql.default_step, closed_ranges = promql.ranges == "closed",
    drop_names_at_once = promql.drop_names == "at-once",
  }
  if not past then return nil, why end
  past.call = call_of(operations {})
  past.secret = function() return "secret" end -- nobody is told, and no secret can come out in a report
  past.log = function() end
  past.send = function() return true end
  return past
end

return M

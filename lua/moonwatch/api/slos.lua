--- slos.lua - /api/mw/v1/slos: objectives, what is left of their budgets and how fast it goes.
local audit = require "moonwatch.audit"
local answer = require "moonwatch.api.answer"
local burn = require "moonwatch.slo.burn"
local sli = require "moonwatch.slo.sli"
local slo = require "moonwatch.slo.rule"

local function burns(runner)
  local out = {}
  for i, pair in ipairs(burn.pairs(runner.rule)) do
    local function rate(seconds)
      local m = runner.measured and runner.measured[seconds]
      return m and m.ratio and m.ratio / (1 - runner.rule.objective) or nil
    end
    out[i] = { severity = pair.severity, burn = pair.burn, long = sli.window(pair.long), short = sli.window(pair.short),
               long_rate = rate(pair.long), short_rate = rate(pair.short) }
  end
  return out
end

local function alert_state(engine, name)
  local worst = "inactive"
  for _, runner in ipairs(engine.runners) do
    if runner.rule.slo == name then
      local s = runner:status()
      if s == "firing" or (s == "pending" and worst == "inactive") then worst = s end
    end
  end
  return worst
end

local function row(engine, runner)
  local rule = runner.rule
  local m = runner.measured and runner.measured[rule.window]
  local remaining = m and slo.remaining(rule.objective, m)
  local status = "no data"
  if m and m.ratio then status = remaining <= 0 and "exhausted" or "ok" end
  if alert_state(engine, rule.name) == "firing" then status = "burning" end
  return {
    name = rule.name, service = rule.labels.service or rule.name, objective = rule.objective, window = sli.window(rule.window),
    window_seconds = rule.window, status = status, budget_remaining = remaining, ratio = m and m.ratio and 1 - m.ratio or nil,
    error_ratio = m and m.ratio, total = m and m.total, bad = m and m.bad, alert = alert_state(engine, rule.name),
    burn = engine.host.json.array(burns(runner)), labels = rule.labels, file = rule.file, line = rule.line,
    health = runner.health, lastError = runner.last_error,
  }
end

local function gate(engine, runner, req)
  local r = row(engine, runner)
  local open = r.status ~= "burning" and r.status ~= "exhausted"
  audit.note(engine.host, open and "gate.passed" or "gate.refused", audit.who(req),
    { slo = r.name, status = r.status, budget_remaining = r.budget_remaining })
  return answer.json(engine.host, open and 200 or 409, { name = r.name, open = open, status = r.status,
                                                         budget_remaining = r.budget_remaining })
end

local function missing(engine, name)
  return answer.problem(engine.host, 404, "not_found", ("there is no SLO %q"):format(name))
end

return {
  ["/api/mw/v1/slos"] = function(engine)
    local out = engine.host.json.array {}
    for _, runner in ipairs(engine.runners) do
      if runner.rule.word == "slo" then out[#out + 1] = row(engine, runner) end
    end
    return answer.json(engine.host, 200, { slos = out })
  end,
  ["/api/mw/v1/slos/*"] = function(engine, _, _, name)
    local runner = engine.by_id["slo/" .. name]
    if not runner then return missing(engine, name) end
    return answer.json(engine.host, 200, row(engine, runner))
  end,
  ["/api/mw/v1/slos/*/gate"] = function(engine, req, _, name)
    local runner = engine.by_id["slo/" .. name]
    if not runner then return missing(engine, name) end
    return gate(engine, runner, req)
  end,
}

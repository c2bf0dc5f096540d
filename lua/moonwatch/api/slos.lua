--- slos.lua - /api/mw/v1/slos: objectives, what is left of their budgets, how fast it goes, who spent it, and the gate for deployments.
local audit = require "moonwatch.audit"
local answer = require "moonwatch.api.answer"
local burn = require "moonwatch.slo.burn"
local corrections = require "moonwatch.api.slo_corrections"
local forecast = require "moonwatch.slo.forecast"
local gate_of = require "moonwatch.slo.gate"
local late = require "moonwatch.slo.late"
local parts = require "moonwatch.slo.parts"
local report = require "moonwatch.slo.report"
local rules_of = require "moonwatch.api.rules_of"
local sli = require "moonwatch.slo.sli"

local MOST_HOURS, POINTS = 24, 240

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

local function time(host, t) return t and host.rfc3339(t) or nil end

local function forecast_of(runner)
  local f = forecast.of(runner)
  if not f then return nil end
  return { text = f.text, burn = f.burn, pace_seconds = f.pace, gone_at = time(runner.host, f.gone_at), back_at = time(runner.host, f.back_at),
           ends_at = time(runner.host, f.ends_at) }
end

local function members_of(engine, rule)
  if not rule.of then return nil end
  local out = engine.host.json.array {}
  for i, part in ipairs(rule.of) do out[i] = { slo = part.slo, weight = part.weight } end
  return out
end

local function row(engine, runner)
  local rule, host, b = runner.rule, engine.host, runner:budget()
  local firing, pending = gate_of.alerts(engine, runner)
  local status = "no data"
  if b and b.ratio then status = b.remaining <= 0 and "exhausted" or "ok" end
  if #firing > 0 then status = "burning" end
  return {
    name = rule.name, service = rule.labels.service or rule.name, kind = runner.kind, objective = rule.objective,
    window = runner.period:name(sli.window), window_seconds = rule.window, calendar = rule.calendar, zone = rule.calendar and runner.period.zone_name,
    timeslice = rule.timeslice and { length = rule.timeslice.length, target = rule.timeslice.target },
    from = b and time(host, b.from), to = b and time(host, b.to), status = status,
    budget_remaining = b and b.remaining, budget_left = b and b.left, ratio = b and b.ratio and 1 - b.ratio or nil, error_ratio = b and b.ratio,
    total = b and b.total, bad = b and b.bad, allowed = b and b.allowed,
    alert = #firing > 0 and "firing" or pending and "pending" or "inactive", burn = host.json.array(burns(runner)), forecast = forecast_of(runner),
    of = members_of(engine, rule), no_data = rule.no_data and rule.no_data.policy, counting = runner.data, notes = host.json.array(runner:notes()),
    since = time(host, runner.ledger and runner.ledger.began), labels = rule.labels, file = rule.file, line = rule.line,
    health = runner.health, lastError = runner.last_error,
  }
end

-- -- one of them -----------------------------------------------------------

local function spent_hours(runner, from, to)
  local host, out = runner.host, runner.host.json.array {}
  for i, h in ipairs(report.hours(runner, from, to, MOST_HOURS)) do
    out[i] = { from = host.rfc3339(h.from), to = host.rfc3339(h.to), total = h.total, bad = h.bad, share = h.share }
  end
  return out
end

local function spent_parts(runner, from, to)
  if not runner.rule.by then return nil end
  local list, why = parts.spent(runner, from, to)
  if not list then return nil, why end
  return runner.host.json.array(list)
end

-- The row of one, with what takes longer to find out.
local function whole(engine, runner)
  local out, b = row(engine, runner), runner:budget()
  out.corrections = corrections.list(engine, runner)
  if not b or not runner:counts() or report.began(runner) == math.huge then return out end
  local why
  out.hours = spent_hours(runner, b.from, math.min(b.to, runner.counted_to))
  out.spent_by, why = spent_parts(runner, b.from, runner.counted_to)
  if why then table.insert(out.notes, "who spent it is not known: " .. why) end
  out.burn_down = engine.host.json.array(report.burn_down(runner, b.from, math.min(b.to, runner.counted_to), POINTS, b.allowed))
  out.gaps = engine.host.json.array {}
  for i, gap in ipairs(runner.gaps) do out.gaps[i] = { from = engine.host.rfc3339(gap[1]), to = engine.host.rfc3339(gap[2]) } end
  return out
end

local function bad(engine, message) return answer.problem(engine.host, 400, "bad_request", message) end

-- From when to when REQ asks; the time of the budget unless it says so.  nil, the refusal.
local function asked_for(engine, req, runner)
  local at = {}
  for name, default in pairs { from = runner.period:span(runner.counted_to), to = runner.counted_to } do
    local text = answer.param(req, name)
    at[name] = text and answer.moment(engine.host, tonumber(text) or text) or not text and default
    if not at[name] then return nil, bad(engine, ("%s: %q is not a time such as 2026-03-01T02:00:00Z"):format(name, text)) end
  end
  return at
end

-- What happened from one moment to another, and who spent it: of an incident, a night, a release.
local function spent(engine, req, _, runner)
  local host = engine.host
  if not runner:counts() then return answer.problem(host, 409, "no_events", "only a ratio is known of it: there are no events to look at") end
  if not runner.counted_to then return answer.problem(host, 409, "not_yet", "nothing was counted yet") end
  local at, refused = asked_for(engine, req, runner)
  if not at then return refused end
  local from, to = at.from, math.min(at.to, runner.counted_to)
  if to <= from then return bad(engine, "to must be after from, and from in the past") end
  local m, b = runner:between(from, to), runner:budget()
  local by, why = spent_parts(runner, from, to)
  if why then return answer.problem(host, 500, "query", why) end
  return answer.json(host, 200, { name = runner.rule.name, from = host.rfc3339(from), to = host.rfc3339(to), total = m.total, bad = m.bad,
    ratio = m.ratio and 1 - m.ratio or nil, burn = m.ratio and m.ratio / (1 - runner.rule.objective) or nil,
    of_budget = b and b.allowed and b.allowed > 0 and m.bad / b.allowed or nil, hours = spent_hours(runner, from, to), spent_by = by })
end

local function gate(engine, req, _, runner)
  local text = answer.param(req, "min")
  local least = text and tonumber((text:gsub("%%$", "")))
  if text and not (least and least >= 0 and least <= 100) then return bad(engine, ("min: %q is no share of the budget: 0.1, 10 or 10%%"):format(text)) end
  if least and (least > 1 or text:find "%%$") then least = least / 100 end
  local open, reason, status = gate_of.judge(engine, runner, least)
  local b = runner:budget()
  audit.note(engine.host, open and "gate.passed" or "gate.refused", audit.who(req, answer.param(req, "author")),
    { slo = runner.rule.name, status = status, reason = reason, budget_remaining = b and b.remaining })
  return answer.json(engine.host, open and 200 or 409, { name = runner.rule.name, open = open, status = status, reason = reason, min = least,
                                                         budget_remaining = b and b.remaining })
end

-- Count again what the raw series say: all of the budget's time, or from FROM to TO.
local function recount(engine, req, _, runner)
  local host = engine.host
  if not runner.source then return answer.problem(host, 409, "no_events", "it counts no events of its own: there is nothing to count again") end
  if not runner.counted_to or not runner.ledger.at then return answer.problem(host, 409, "not_yet", "nothing was counted yet") end
  local at, refused = asked_for(engine, req, runner)
  if not at then return refused end
  local from, to = math.max(at.from, runner.ledger.began), math.min(at.to, runner.counted_to)
  if to <= from then return bad(engine, ("to must be after from, and both since %s, when it began to count"):format(host.rfc3339(runner.ledger.began))) end
  late.again(runner, from, to)
  audit.note(host, "slo.recounted", audit.who(req), { slo = runner.rule.name, from = host.rfc3339(from), to = host.rfc3339(to) })
  return answer.json(host, 202, { name = runner.rule.name, from = host.rfc3339(from), to = host.rfc3339(to), hours = #late.pending(runner) })
end

-- -- reports ---------------------------------------------------------------

-- What the parameters ask for: kind, how many, format; or nil and the refusal.
local function asked(engine, req)
  local kind, format, n = answer.param(req, "per") or "week", answer.param(req, "format") or "json", tonumber(answer.param(req, "n") or 12)
  local known = false
  for _, name in ipairs(report.KINDS) do known = known or name == kind end
  if not known then return nil, bad(engine, ("per: %q is not one of week, month, quarter, year"):format(kind)) end
  if format ~= "json" and format ~= "csv" then return nil, bad(engine, ("format: %q is neither json nor csv"):format(format)) end
  if not n or n < 1 or n > 500 or n % 1 ~= 0 then return nil, bad(engine, "n: a whole number from 1 to 500") end
  return kind, n, format
end

local function json_rows(host, rows)
  local out = host.json.array {}
  for i, r in ipairs(rows) do
    out[i] = { period = r.name, from = host.rfc3339(r.from), to = host.rfc3339(r.to), known_from = host.rfc3339(r.known_from), known_to = host.rfc3339(r.known_to),
               whole = r.whole, total = r.total, bad = r.bad, ratio = r.ratio, objective = r.objective, met = r.met, budget_spent = r.spent,
               left_out_seconds = r.left_out_seconds, total_uncorrected = r.total_uncorrected, bad_uncorrected = r.bad_uncorrected }
  end
  return out
end

local function reports(engine, req, runners)
  local kind, n, format = asked(engine, req)
  if not kind then return n end
  local csv, list = {}, engine.host.json.array {}
  for _, runner in ipairs(runners) do
    local rows = runner:counts() and report.rows(runner, kind, n) or {}
    csv[#csv + 1] = report.csv(runner, rows, #csv == 0)
    list[#list + 1] = { name = runner.rule.name, objective = runner.rule.objective, per = kind, zone = runner.period.zone_name, rows = json_rows(engine.host, rows) }
  end
  if format == "csv" then return { status = 200, headers = { ["content-type"] = "text/csv; charset=utf-8" }, body = table.concat(csv) } end
  return answer.json(engine.host, 200, #runners == 1 and list[1] or { reports = list })
end

-- -- paths -----------------------------------------------------------------

-- What may stand behind the name of an SLO, by method.
local below = {
  gate = { GET = gate }, spent = { GET = spent }, recount = { POST = recount },
  report = { GET = function(engine, req, _, runner) return reports(engine, req, { runner }) end },
  corrections = { GET = corrections.get, POST = corrections.add },
}
local itself = { GET = function(engine, _, _, runner) return answer.json(engine.host, 200, whole(engine, runner)) end }
local correction = { DELETE = corrections.remove }

-- PATH as the name of an SLO, the handlers of what stands behind it, and an id.  The name may have slashes in it, so the longest one is meant.
local function taken_apart(engine, path)
  if engine.by_id["slo/" .. path] then return path, itself end
  local name, what = path:match "^(.+)/([^/]+)$"
  if below[what] then return name, below[what] end
  local of, id = path:match "^(.+)/corrections/([^/]+)$"
  if of then return of, correction, id end
  return path, itself
end

local function one(engine, req, now, path)
  local name, handlers, id = taken_apart(engine, path)
  local handler = handlers[req.method == "HEAD" and "GET" or req.method]
  if not handler then return answer.problem(engine.host, 405, "method", ("%s is not done here"):format(req.method)) end
  local runner, none = rules_of.find(engine, "slo", name, "SLO")
  return runner and handler(engine, req, now, runner, id) or none
end

local function get(handler)
  return function(engine, req, ...)
    if req.method and req.method ~= "GET" and req.method ~= "HEAD" then return answer.problem(engine.host, 405, "method", "GET") end
    return handler(engine, req, ...)
  end
end

return {
  ["/api/mw/v1/slos"] = get(function(engine)
    return answer.json(engine.host, 200, { slos = rules_of.rows(engine, "slo", row) })
  end),
  ["/api/mw/v1/slos/**"] = one,
  ["/api/mw/v1/slo-reports"] = get(function(engine, req) return reports(engine, req, rules_of.list(engine, "slo")) end),
}

--- rule.lua - one canary at work: begins when it is told to, looks at the store again and again, and judges at its end.
--
-- Nothing is collected meanwhile: what it needs is in the store, so a run is only when it began, when it ends and who is compared.
--   state = { run = { id=, since=, until_=, baseline=, candidate= (labels), author=, mark= } or nil, results = { newest last },
--             order= (the last one from another node) }
--
--   canary_running{canary}, canary_score{canary} (0 to 100), canary_verdict{canary} (1 pass, 0.5 marginal, 0 fail), canary_effect{canary,metric}
local audit = require "moonwatch.audit"
local judge = require "moonwatch.canary.judge"
local measure = require "moonwatch.canary.measure"
local expand = require "moonwatch.canary.expand"

local M = {}
M.__index = M
M.word = "canary"
M.MOST = 2000 -- values of a metric: judging more would take long, and tell no more

local KEPT = 20 -- results
local OFTEN = 15 -- seconds between two turns: it ends when it should, however long `every` is
local VERDICTS = { pass = 1, marginal = 0.5, fail = 0 }

function M.new(rule, engine)
  local own = {}
  for name, value in pairs(rule) do own[name] = value end
  own.step, own.every = rule.every, math.min(OFTEN, rule.every)
  return setmetatable({ rule = own, engine = engine, host = engine.host, state = { results = {} }, written = {}, health = "unknown" }, M)
end

local function last(self) return self.state.results[#self.state.results] end

-- -- series ------------------------------------------------------------------

local function write(self, t, values)
  local rows = {}
  for _, v in ipairs(values) do
    local labels = { __name__ = v[1], canary = self.rule.name, metric = v[3] }
    for name, value in pairs(self.rule.labels) do labels[name] = value end
    rows[#rows + 1] = { labels = labels, t = t, value = v[2] }
    self.written[v[1] .. (v[3] or "")] = labels
  end
  self.host.append(rows)
end

local function figures(result)
  local out = { { "canary_running", 0 } }
  if result.verdict then
    out[2], out[3] = { "canary_score", result.score }, { "canary_verdict", VERDICTS[result.verdict] }
    for _, m in ipairs(result.metrics) do
      if m.delta then out[#out + 1] = { "canary_effect", m.delta, m.name } end
    end
  end
  return out
end

-- -- a run -------------------------------------------------------------------

local function side(run, labels, t, warmup) return { labels = labels, from = run.since + warmup, to = math.min(t, run.until_) } end

-- What there is to compare at T, or nil while it warms up.
local function look(self, t)
  local run, rule = self.state.run, self.rule
  if math.min(t, run.until_) <= run.since + rule.warmup then return nil end
  return measure.measure(self.host, rule, side(run, run.baseline, t, rule.warmup), side(run, run.candidate, t, rule.warmup))
end

local function mark(self, run, t, text, ended)
  local found = run.mark and self.engine.marks:get(run.mark)
  local value = { kind = "canary", time = run.since, until_ = ended and t or run.until_, service = self.rule.labels.service,
                  version = run.candidate.version, text = text, labels = { canary = self.rule.name }, author = run.author, id = found and found.id }
  local kept = self.engine.marks:put(value)
  run.mark = kept and kept.id or run.mark
end

-- It is over at T: RESULT is what is known of it.
local function over(self, t, result)
  local run = self.state.run
  result.id, result.since, result.ended, result.author = run.id, run.since, t, run.author
  result.baseline, result.candidate = run.baseline, run.candidate
  self.state.run = nil
  table.insert(self.state.results, result)
  while #self.state.results > KEPT do table.remove(self.state.results, 1) end
  mark(self, run, t, ("%s: %s"):format(result.verdict or "stopped", result.reasons[1] or ""), true)
  self.host.log(result.verdict == "pass" and "info" or "warn", ("canary %q: %s"):format(self.rule.name, result.verdict or "stopped"),
                { canary = self.rule.name, why = result.reasons[1] })
  audit.note(self.host, "canary.ended", result.stopped_by or "moonwatch", { canary = self.rule.name, verdict = result.verdict or "stopped", reason = result.reasons[1] })
  self.host.metric("add", "moonwatch_canaries_total", { canary = self.rule.name, verdict = result.verdict or "stopped" }, 1, "Canaries that ended, by verdict.")
  write(self, t + 0.001, figures(result)) -- this turn may have said that it runs
  self.engine:keep(self, t)
end

local function judged(self, t)
  local given = look(self, t)
  return given and judge.judge(given) or { verdict = "fail", score = 0, reasons = { "it ended while it still warmed up" }, metrics = {} }
end

function M:evaluate(t)
  self.last_evaluation, self.health, self.last_error = t, "ok", nil
  local run = self.state.run
  if not run then return end
  if t >= run.until_ then return over(self, t, judged(self, run.until_)) end
  write(self, t, { { "canary_running", 1 } })
  if not self.rule.fail_fast or t - (self.looked or run.since) < self.rule.step then return end
  self.looked = t
  local given = look(self, t)
  local why = given and judge.hopeless(given)
  if self.state.run ~= run then return end -- somebody stopped it while a query was slow
  if why then
    local result = judge.judge(given)
    result.verdict, result.early = "fail", true
    table.insert(result.reasons, 1, "ended before its time: " .. why)
    return over(self, t, result)
  end
end

-- -- what people do ----------------------------------------------------------

local function labels_of(given, own, name)
  if given == nil then return own end
  if type(given) ~= "table" then return nil, name .. ": expected an object of labels" end
  local out = {}
  for k, v in pairs(own) do out[k] = v end
  for k, v in pairs(given) do
    if type(k) ~= "string" or not k:find "^[%a_][%w_]*$" or type(v) ~= "string" then return nil, name .. ": expected an object of labels" end
    out[k] = v
  end
  return out
end

local does = {}

-- args: { baseline=, candidate= (labels on top of those of the rule), lasts=, author= }
function does.start(self, args, now)
  local rule = self.rule
  if self.state.run then return nil, "it runs since " .. self.host.rfc3339(self.state.run.since) .. ": stop it first", "running" end
  local baseline, why = labels_of(args.baseline, rule.baseline, "baseline")
  local candidate
  if baseline then candidate, why = labels_of(args.candidate, rule.candidate, "candidate") end
  if not candidate then return nil, why end
  if expand.matchers(baseline) == expand.matchers(candidate) then return nil, "baseline and candidate have the same labels: nothing could differ" end
  local lasts = args.lasts == nil and rule.lasts or self.host.duration(args.lasts)
  if not lasts or lasts < rule.warmup + rule.step * rule.min_samples then
    return nil, ("lasts: %s is too short for %d values every %s%s"):format(tostring(args.lasts), rule.min_samples, self.host.duration_text(rule.step),
      rule.warmup > 0 and " after the warmup" or "")
  end
  if lasts > rule.step * M.MOST then return nil, ("lasts: that would be more than %d values every %s"):format(M.MOST, self.host.duration_text(rule.step)) end
  local run = { id = self.host.random_hex(8), since = now, until_ = now + lasts, baseline = baseline, candidate = candidate, author = args.author }
  self.state.run, self.looked = run, nil
  mark(self, run, now, "compared with " .. expand.matchers(baseline))
  write(self, now, { { "canary_running", 1 } })
  self.engine:keep(self, now)
  return true
end

-- args: { judge= (with what there is), reason=, author= }
function does.stop(self, args, now)
  local run = self.state.run
  if not run then return nil, "it does not run", "idle" end
  local result = args.judge and judged(self, now) or { reasons = {}, metrics = {} }
  if self.state.run ~= run then return nil, "it has just ended", "idle" end
  result.stopped_by = args.author
  local said = ("stopped%s%s"):format(args.author and " by " .. args.author or "", args.reason and ": " .. args.reason or "")
  table.insert(result.reasons, 1, said)
  over(self, now, result)
  return true
end

--- WHAT: "start" or "stop".  True, or nil, message, code.
function M:order(what, args, now) return does[what](self, args, now) end

--- A judgement of two times, at once: BASELINE and CANDIDATE are { from=, to=, labels= (on top of those of the rule, or nil) }.
function M:compare(baseline, candidate)
  local sides = {}
  for name, given in pairs { baseline = baseline, candidate = candidate } do
    local labels, why = labels_of(given.labels, self.rule[name], name)
    if not labels then return nil, why end
    if given.to - given.from > self.rule.step * M.MOST then return nil, ("%s: more than %d values every %s"):format(name, M.MOST, self.host.duration_text(self.rule.step)) end
    sides[name] = { labels = labels, from = given.from, to = given.to }
  end
  return judge.judge(measure.measure(self.host, self.rule, sides.baseline, sides.candidate))
end

--- "running", "pass", "marginal", "fail", "stopped", or "idle" when it never ran.
function M:status()
  if self.state.run then return "running" end
  local result = last(self)
  return result and (result.verdict or "stopped") or "idle"
end

function M:result() return last(self) end

-- -- over reloads, restarts and nodes -----------------------------------------

function M:inherit(old)
  self.state, self.written, self.last_evaluation, self.health = old.state, old.written, old.last_evaluation, old.health
end

function M:drop(t)
  local rows = {}
  for _, labels in pairs(self.written) do rows[#rows + 1] = { labels = labels, t = t, value = "stale" } end
  if #rows > 0 then self.host.append(rows) end
end

function M:save()
  if self.state.run or #self.state.results > 0 then return { state = self.state } end
end

local function is_run(run)
  return type(run) == "table" and type(run.since) == "number" and type(run.until_) == "number" and type(run.baseline) == "table" and type(run.candidate) == "table"
end

function M:restore(saved)
  local s = type(saved.state) == "table" and saved.state or {}
  self.state = { run = is_run(s.run) and s.run or nil, results = {}, order = s.order }
  for _, result in ipairs(type(s.results) == "table" and s.results or {}) do
    if type(result) == "table" and type(result.reasons) == "table" and type(result.metrics) == "table" then table.insert(self.state.results, result) end
  end
end

return M

--- draft.lua - a rule tried against a running server without being loaded there: checked like a file, judged once, now.
--
-- The engine's own code judges and writes the texts (alert/condition.lua); what it asks goes to the server.
local alert_rule = require "moonwatch.alert.rule"
local condition = require "moonwatch.alert.condition"
local keys_of = require "moonwatch.keys"
local context = require "moonwatch.repl.context"
local locate = require "moonwatch.config.locate"
local problems_of = require "moonwatch.config.problems"
local schema = require "moonwatch.config.schema"
local show = require "moonwatch.repl.show"

local M = {}

-- -- as a declaration of a file ------------------------------------------------------------

-- Functions become what they are in a declaration: numbers, which `fns` knows.
local function plain(value, fns, depth)
  if type(value) == "function" then
    fns[#fns + 1] = value
    return { ["@fn"] = #fns }
  end
  if type(value) ~= "table" then return value end
  if depth > 32 then error("tables nested too deeply", 0) end
  local out = {}
  for k, v in pairs(value) do out[k] = plain(v, fns, depth + 1) end
  return out
end

--- The declaration WORD NAME FIELDS of line LINE of SOURCE, checked: { word=, name=, fields=, fns= }, or nil and the problems as texts.
function M.check(host, def, name, fields, at)
  local fns = {}
  local decl = { word = def.word, name = name, fields = plain(fields, fns, 0), line = at.line }
  local checked, problems = schema.check(def, decl, { host = host, guest = at.file })
  if #problems == 0 then return { word = def.word, name = name, fields = checked, fns = fns } end
  local tokens, told = locate.tokens(at.source), problems_of.new()
  for _, p in ipairs(problems) do
    local line, col, text = locate.find(tokens, decl, p.path)
    if p.at and text then line, col = locate.inside(text, p.at.line, p.at.col) end
    told:add(at.file, line, col, decl, p.message)
  end
  local out = {}
  for i, p in ipairs(told:sorted()) do out[i] = p.text end
  return nil, out
end

-- -- judging ---------------------------------------------------------------------------------

-- The error and the places of the person's own code that led to it.
local function traceback(e)
  local lines = { tostring(e) }
  for line in debug.traceback("", 2):gmatch "[^\n]+" do
    if line:find "^%s*input:" then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n")
end

-- What a guest would do: FN with ARGS, and a ctx behind them but for texts.
local function run(draft, api, fn, args, ctx, say)
  local fired, f = {}, draft.fns[fn["@fn"]]
  local object = context.new(api, ctx.now, ctx.rule, fired, say)
  if ctx.kind ~= "text" then args[#args + 1] = object end
  local got = { xpcall(function() return f(unpack(args)) end, traceback) }
  if not got[1] then return { ok = false, error = tostring(got[2]) } end
  return { ok = true, values = { got[2], got[3] }, state = object.state, fired = fired }
end

-- The server's own runner of alerts, with the server's answers.
local function runner_of(draft, api, say)
  local rule, settings = { name = draft.name }, api:settings()
  for k, v in pairs(draft.fields) do rule[k] = v end
  local host = setmetatable({
    prepare = function(expr) return expr end,
    query = function(expr, t) return api:query(expr, t) end,
    range = function(expr, from, to, step) return api:range(expr, from, to, step) end,
  }, { __index = api.host })
  return alert_rule.new(rule, {
    host = host, external_labels = settings.external_labels, external_url = settings.external_url, changed = function() end,
    behind = function(_, r) return r.query_offset or settings.query_offset end,
    run_guest = function(_, fn, args, ctx) return run(draft, api, fn, args, ctx, say) end,
  })
end

local judge = {}

local function by_labels(a, b) return show.series_name(a.labels) < show.series_name(b.labels) end

local function tell_alert(runner, row, api, now, say)
  local severity = (runner.levels[row.level] or {}).severity
  if severity and severity ~= "" then row.labels.severity = severity end
  say(("  %s  value %s"):format(show.series_name(row.labels), api.host.human("plain", row.value)))
  local texts = condition.annotations(runner, row, now)
  for _, name in ipairs(keys_of(texts)) do say(("    %s: %s"):format(name, texts[name])) end
end

function judge.alert(draft, api, now, say)
  local runner = runner_of(draft, api, say)
  local found, failure = runner:judge(now)
  if not found then return nil, failure.error end
  local alerts, quiet, hold = {}, 0, draft.fields.hold
  for _, row in pairs(found.seen) do alerts[#alerts + 1] = row end
  for _ in pairs(found.clear) do quiet = quiet + 1 end
  table.sort(alerts, by_labels)
  if found.problem then say(found.problem) end
  say(("%d %s now%s%s"):format(#alerts, #alerts == 1 and "alert would be there" or "alerts would be there",
    #alerts > 0 and hold and hold > 0 and (", firing after %s"):format(api.host.duration_text(hold)) or "",
    quiet > 0 and ("; %d %s on the good side"):format(quiet, quiet == 1 and "sample is" or "samples are") or ""))
  for _, row in ipairs(alerts) do tell_alert(runner, row, api, now, say) end
  return alerts
end

function judge.record(draft, api, now, say)
  local rows, why = api:query(draft.fields.expr, now - (draft.fields.query_offset or api:settings().query_offset))
  if not rows then return nil, why end
  for _, row in ipairs(rows) do
    row.labels.__name__ = draft.name
    for name, value in pairs(draft.fields.labels) do row.labels[name] = value end
  end
  say(("%d series would be written now"):format(#rows))
  if #rows > 0 then say((show.text(rows, api.host):gsub("\n$", ""))) end
  return rows
end

judge["check"] = function(draft, api, now, say)
  local fn = draft.fields.run
  if not fn then
    say "nothing is wrong with it; a check probes from the server, not from here"
    return {}
  end
  local result = run(draft, api, fn, {}, { kind = "check", now = now, rule = draft.name }, say)
  if not result.ok then return nil, result.error end
  say(("it would be %s now%s"):format(result.values[1] and "well" or "failing", result.values[2] and ": " .. tostring(result.values[2]) or ""))
  return {}
end

--- Judge DRAFT, what M.check gave, once at NOW.  say(text) shows lines.  True; nil, message when it failed.
function M.try(draft, api, now, say)
  local f = judge[draft.word]
  if not f then
    say "nothing is wrong with it"
    return true
  end
  local done, why = f(draft, api, now, say)
  if not done then return nil, why end
  return true
end

return M

--- session.lua - what stands at hand at the prompt: questions to the server, the words of rule files, and Lua.
--
-- A word with its fields is a draft: it is checked and tried when the input has run.  What a person assigns stays for the session.
local alerts_command = require "moonwatch.cli.alerts"
local did_you_mean = require "moonwatch.did_you_mean"
local keys_of = require "moonwatch.keys"
local api_of = require "moonwatch.repl.api"
local client = require "moonwatch.cli.client"
local context = require "moonwatch.repl.context"
local doc = require "moonwatch.words.doc"
local draft = require "moonwatch.repl.draft"
local objects = require "moonwatch.words.objects"
local show = require "moonwatch.repl.show"
local targets_command = require "moonwatch.cli.targets"
local words = require "moonwatch.words"

local M = {}
M.__index = M

--- What the prompt offers besides words and Lua, for help and completion.
M.commands = {
  { "query", "query [[EXPR]]", "the samples of a PromQL expression; a second argument is a time, or how long ago" },
  { "value", "value [[EXPR]]", "its first value" },
  { "range", 'range([[EXPR]], "1h", nil, "1m")', "its points: from, to, step" },
  { "logs", "logs.search{...}, logs.count{...}", "log records of the last five minutes: selector=, contains=, level=, since=, ..." },
  { "traces", "traces.search{...}, traces.slowest{...}", "traces of the last five minutes: service=, min=, tags=, since=, ..." },
  { "alerts", "alerts()", "what fires, and what is about to" },
  { "rules", "rules()", "the rules that are loaded, and how they do" },
  { "targets", "targets()", "what is scraped" },
  { "try", 'alert "X" { ... }', "a draft rule: checked and judged once, now, without being loaded; also try(alert \"X\" {...})" },
  { "help", 'help "alert"', "the fields of a word; help \"ctx\": what functions are given" },
  { "now", "now()", "the time in unix seconds" },
}

local function asked(answer, why)
  if answer == nil then error(why, 0) end
  return answer
end

-- -- questions -------------------------------------------------------------------------------

local function need_text(what, v)
  if type(v) ~= "string" then error(("write %s"):format(what), 0) end
  return v
end

local function questions(self)
  local api, host = self.api, self.ctx.host
  local env = {}
  local function moment(v)
    local seconds = type(v) == "string" and host.duration(v:gsub("^%-", ""))
    if type(v) == "string" and not seconds then error(("%q is no duration such as \"1h\""):format(v), 0) end
    return seconds and host.now() - seconds or v or host.now()
  end
  function env.now() return host.now() end
  function env.query(expr, at) return asked(api:query(need_text("query [[up]]", expr), moment(at))) end
  function env.value(of)
    if type(of) == "table" then return (of[1] or of).value end
    local row = asked(api:query(need_text("value [[up]]", of), host.now()))[1]
    return row and row.value
  end
  function env.range(expr, from, to, step)
    local now = host.now()
    return context.range_of(api, now, need_text('range([[up]], "1h")', expr), from or "1h", to, step or "1m")
  end
  -- With a dot or a colon.
  local function record_question(owner, f)
    return function(a, b)
      local q = a == owner and b or a
      return asked(f(api, type(q) == "table" and q or {}, host.now()))
    end
  end
  env.logs, env.traces = {}, {}
  env.logs.search = record_question(env.logs, api.logs_search)
  env.logs.count = record_question(env.logs, api.logs_count)
  env.traces.search = record_question(env.traces, api.traces_search)
  env.traces.slowest = record_question(env.traces, function(this, q, now)
    local with = { slowest = true }
    for k, v in pairs(q) do with[k] = v end
    return api.traces_search(this, with, now)
  end)
  return env
end

local function rules_table(self)
  local body = asked(self.api:get "/api/mw/v1/rules")
  local rows = { { "WORD", "NAME", "STATE", "HEALTH", "FILE", "PROBLEM" } }
  for _, r in ipairs(body.rules) do
    rows[#rows + 1] = { r.word, r.name, r.state or "-", r.health or "-", ("%s:%d"):format(r.file, r.line), r.lastError or r.problem or "" }
  end
  for _, p in ipairs(body.problems or {}) do rows[#rows + 1] = { "-", "-", "-", "refused", "-", p } end
  self.ctx.out(#rows > 1 and client.columns(rows) or "no rules are loaded\n")
end

local function help(self, name)
  if name ~= nil then
    local page = doc.text(tostring(name))
    if page then return self.ctx.out(page) end
    error(("there is no help about %q%s"):format(tostring(name), did_you_mean(self.ctx.host, name, doc.topics {})), 0)
  end
  local rows = {}
  for i, c in ipairs(M.commands) do rows[i] = { "  " .. c[2], c[3] } end
  self.ctx.out(client.columns(rows))
  self.ctx.out(("Words, tried as drafts: %s\nEverything else is Lua; what is assigned stays. Ctrl-D ends.\n"):format(table.concat(doc.names(), " ")))
end

local function shown(self, command)
  return function()
    if command.main(self.ctx, {}) ~= 0 then self.failed = true end
  end
end

-- -- drafts ----------------------------------------------------------------------------------

local DRAFT = { __tostring = function(d) return ("%s %q, a draft"):format(d.word, d.name or "") end }

-- Where in the input the word was called.
local function here(self)
  for level = 3, 20 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.source == "=" .. self.file then return info.currentline end
  end
  return 1
end

local function declare(self, def, name, fields, line)
  if type(fields) ~= "table" then error(("%s wants { ... }"):format(def.word), 0) end
  local d = setmetatable({ def = def, word = def.word, name = name, fields = fields,
                           at = { file = self.file, source = self.source, line = line } }, DRAFT)
  table.insert(self.drafts, d)
  return d
end

local shapes = {}
function shapes.named(self, def)
  return function(name)
    local line = here(self)
    if type(name) ~= "string" then error(("%s wants a name: %s \"name\" { ... }"):format(def.word, def.word), 0) end
    return function(fields) return declare(self, def, name, fields, line) end
  end
end
function shapes.table(self, def)
  return function(fields) return declare(self, def, nil, fields, here(self)) end
end
function shapes.text(_, def) return function() error(def.word .. " has no meaning at the prompt", 0) end end
function shapes.call(self, def)
  return function(...) return declare(self, def, nil, { ... }, here(self)) end
end

local function try(self, d)
  local say = function(text) self.ctx.out(text .. "\n") end
  if d.def.arguments then
    say "a job is run by the server; try what it does as Lua here"
    return true
  end
  local checked, problems = draft.check(self.ctx.host, d.def, d.name, d.fields, d.at)
  if not checked then
    for _, p in ipairs(problems) do self.ctx.err(p .. "\n") end
    return false
  end
  local ok, why = draft.try(checked, self.api, self.ctx.host.now(), say)
  if not ok then self.ctx.err(("%s %q: %s\n"):format(d.word, d.name or "", why)) end
  return ok
end

-- -- the environment -------------------------------------------------------------------------

local function fill_words(self, env)
  for _, def in ipairs(words.list) do env[def.word] = shapes[def.shape](self, def) end
  for _, name in ipairs(words.kind_names()) do
    env[name] = function(fields)
      fields["@kind"] = name
      return fields
    end
  end
  env.secret = function(name) return { ["@secret"] = name } end
  env.env = function(name, default)
    local v = self.ctx.host.env(name)
    if v == nil then return default end
    return v
  end
end

local function fill_texts(self, env)
  local human = self.ctx.host.human
  for _, f in ipairs(objects.functions) do
    local name = f[1]
    if human(name, 0) then
      env[name] = function(v) return tonumber(v) and human(name, tonumber(v)) or v end
    end
  end
  function env.first(rows) return rows and rows[1] end
  function env.label(row, name)
    row = row and (row[1] or row)
    return row and row.labels and row.labels[name] or ""
  end
end

--- A session with the server of CTX (see cli/init.lua).
function M.new(ctx)
  local self = setmetatable({ ctx = ctx, api = api_of.new(ctx), drafts = {}, file = "input", source = "" }, M)
  local env = questions(self)
  fill_words(self, env)
  fill_texts(self, env)
  env.alerts, env.targets = shown(self, alerts_command), shown(self, targets_command)
  env.rules = function() return rules_table(self) end
  env.help = function(name) return help(self, name) end
  env.try = function(d)
    if getmetatable(d) ~= DRAFT then error('write try(alert "X" { ... })', 0) end
    return d -- it is on the list
  end
  self.env = setmetatable(env, { __index = _G })
  env._G = self.env
  return self
end

-- `alert "X"` alone: its fields come on the next line.
local function is_half(text)
  local word = text:match "^%s*([%a_][%w_]*)%s*%(?%s*[\"'][^\"'\n]*[\"']%s*%)?%s*$"
  local def = word and words.by_name[word]
  return def and def.shape == "named"
end

--- TEXT as a chunk; nil and why; the third value is true when TEXT only has no end yet.  "= x" is x, as at other prompts of Lua.
function M:compile(text)
  text = text:gsub("^%s*=%s*", "")
  local chunk = loadstring("return " .. text, "=" .. self.file)
  local why
  if not chunk then chunk, why = loadstring(text, "=" .. self.file) end
  if chunk and is_half(text) then return nil, ("%s has no { ... } after its name"):format(text:match "^%s*(.-)%s*$"), true end
  if chunk then return setfenv(chunk, self.env) end
  return nil, why, why:find "near '<eof>'$" ~= nil
end

-- A misspelt word is a nil that is called.
local function explained(self, why)
  local name = why:match "attempt to call global '([%w_]+)' %(a nil value%)"
  if not name then return why end
  return ("%sunknown word %q%s"):format(why:match "^input:%d+: " or "", name, did_you_mean(self.ctx.host, name, keys_of(self.env)))
end

--- Run TEXT: what it gives is shown, drafts are tried.  False when anything failed.
function M:run(text)
  self.source, self.drafts, self.failed = text, {}, false
  local chunk, why = self:compile(text)
  if not chunk then
    self.ctx.err(why .. "\n")
    return false
  end
  local got = { pcall(chunk) }
  if not got[1] then
    self.ctx.err(explained(self, tostring(got[2])) .. "\n")
    return false
  end
  local ok = not self.failed
  for _, d in ipairs(self.drafts) do ok = try(self, d) and ok end
  for i = 2, table.maxn(got) do
    if getmetatable(got[i]) ~= DRAFT then self.ctx.out(show.text(got[i], self.ctx.host)) end
  end
  return ok
end

return M

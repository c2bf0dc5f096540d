--- backtest.lua - /api/mw/v1/backtest: rules that are sent here run over what is stored here.
--
--   POST /api/mw/v1/backtest         { files= (path -> text), globs=, load= { config=, rules=, paths= }, from=, to=, rules= (names),
--                                    silences=, round= } -> 202 { id= }; 429 while another one runs
--   GET /api/mw/v1/backtest/ID       { state="running", progress= } or { state="done", report= }; the report is given once
--   DELETE /api/mw/v1/backtest/ID    it ends now
local answer = require "moonwatch.api.answer"
local backtest = require "moonwatch.backtest.run"
local files = require "moonwatch.backtest.files"
local silences = require "moonwatch.backtest.silences"

local M = {}

M.MOST = 10000 -- entries of each kind in a report

local function strings(value)
  local out = {}
  for i, s in ipairs(type(value) == "table" and value or {}) do
    if type(s) ~= "string" then return nil end
    out[i] = s
  end
  return out
end

-- What BODY asks for; nil, why.
local function read(host, body, now)
  local value = host.json.decode(body or "")
  if type(value) ~= "table" then return nil, "send an object as JSON" end
  local ok, why = files.check(value)
  if not ok then return nil, why end
  local from, to, load = tonumber(value.from), tonumber(value.to), value.load
  if not from or not to or from >= to then return nil, "from and to are unix seconds, from before to" end
  if to > now + 1 then return nil, "to is in the future" end
  if type(load) ~= "table" then return nil, "load says which of the files to load" end
  local o = { from = from, to = to, spread = not value.round, book = { files = value.files, globs = value.globs }, most = M.MOST,
              load = { config = type(load.config) == "string" and load.config or nil, rules = strings(load.rules), paths = strings(load.paths) } }
  if not o.load.rules or not o.load.paths then return nil, "load.rules and load.paths are lists of paths" end
  o.only = value.rules and strings(value.rules)
  if value.silences then
    o.silences, why = silences.read(host, value.silences)
    if not o.silences then return nil, why end
  end
  return o
end

local function begin(self, o, reply)
  o.host = self.host
  local run, problems = backtest.new(o)
  if not run then
    self.job = nil
    return reply(answer.json(self.host, 422, { error = { code = "problems", message = "the rules have problems" },
                                               problems = self.host.json.array(problems) }))
  end
  self.job.run, self.job.only = run, o.only
  reply(answer.json(self.host, 202, { id = self.job.id }))
end

local function post(self, msg, now)
  if self.job then return answer.problem(self.host, 429, "busy", "another backtest runs; one at a time, and one that nobody asks about ends after half a minute: try again then") end
  local o, why = read(self.host, msg.body, now)
  if not o then return answer.problem(self.host, 400, "bad_request", why) end
  self.job = { id = self.host.random_hex(8), begun = now, asked = now }
  if o.silences then
    begin(self, o, msg.reply)
    return self.host.later
  end
  local reply, job = msg.reply, self.job
  self.host.ask("router", { type = "silences" }, function(got)
    if self.job ~= job then return reply(answer.problem(self.host, 410, "gone", "it was ended before it began")) end
    o.silences = silences.read(self.host, got.silences or {}) or {}
    begin(self, o, reply)
  end)
  return self.host.later
end

local function named(self, id) return self.job and self.job.id == id and self.job or nil end

local function get(self, _, now, id)
  local job = named(self, id)
  if not job then return answer.problem(self.host, 404, "not_found", "there is no such backtest; it may have ended because nobody asked for it") end
  job.asked = now
  if job.failed then
    self:drop()
    return answer.problem(self.host, 500, "failed", job.failed)
  end
  if not job.run or not job.run.done then
    return answer.json(self.host, 200, { state = "running", progress = job.run and job.run:progress() or 0 })
  end
  local report = job.run:report(job.only)
  for _, name in ipairs { "rules", "receivers", "episodes", "alerts", "messages", "muted", "failures" } do self.host.json.array(report[name]) end
  self:drop()
  return answer.json(self.host, 200, { state = "done", report = report })
end

local function delete(self, _, _, id)
  if not named(self, id) then return answer.problem(self.host, 404, "not_found", "there is no such backtest") end
  self:drop()
  return { status = 204, headers = {}, body = "" }
end

local ROWS = { POST = post, GET = get, DELETE = delete }

--- One request to SELF, the actor.
function M.handle(self, msg, now)
  local id = msg.path:match "^/api/mw/v1/backtest/([^/]+)/?$"
  local root = msg.path:match "^/api/mw/v1/backtest/?$"
  local fits = (msg.method == "POST" and root) or (msg.method ~= "POST" and id)
  if not id and not root then return answer.problem(self.host, 404, "not_found", ("there is nothing at %s"):format(msg.path)) end
  if not fits or not ROWS[msg.method] then return answer.problem(self.host, 405, "method", "POST to begin, GET and DELETE with its id") end
  return ROWS[msg.method](self, msg, now, id)
end

return M

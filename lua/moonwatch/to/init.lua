--- init.lua - the kinds of receivers, and how a message gets to one of them.
--
-- A kind has `build(note, fields, host, now)`, which makes an HTTP request, and a row `answers` that says
-- how its answers differ from the usual (see answer.lua); or `steps`, several requests (see steps.lua); or
-- a `send` of its own.  `prepare(note, fields, host, done)` may first ask somebody else for what is missing.  `digests` says what it
-- makes of many messages in one (digest.lua): "alerts" gets all alerts (programs), "never" is for kinds with incidents.
-- `hears_acks`: acknowledgements can be passed on.  `reads_sets`, or reads_sets(fields): alerts may have their labels as the router does (route/labels.lua).  Secrets are looked up here, when the message leaves, and taken out of
-- whatever comes back (hidden.lua).
local answer = require "moonwatch.to.answer"
local hidden = require "moonwatch.to.hidden"
local labels_of = require "moonwatch.route.labels"
local steps = require "moonwatch.to.steps"

local M = { kinds = {} }

for _, name in ipairs { "webhook", "slack", "pagerduty", "func", "opsgenie", "victorops", "pushover", "jira", "incidentio", "alertmanager",
                       "email", "sns", "exec", "teams", "discord", "telegram", "mattermost", "rocketchat", "webex" } do
  local kind = require("moonwatch.to." .. name)
  M.kinds[kind.kind] = kind
end

--- NOTE, whose alerts have tables for labels and annotations from now on: for those who walk over them.
function M.plain(note)
  for _, alert in ipairs(note.alerts) do
    alert.labels, alert.annotations = labels_of.plain(alert.labels), labels_of.plain(alert.annotations)
  end
  return note
end

-- FIELDS with every secret replaced by its text; SECRETS collects those texts.  nil, message when one is missing.
local function reveal(fields, host, secrets)
  local out = {}
  for key, value in pairs(fields) do
    if type(value) == "table" and value["@secret"] then
      local name = value["@secret"]
      value = host.secret(name)
      if not value then return nil, ("secret %q is not set: no such environment variable or file"):format(name) end
      secrets[#secrets + 1] = value
    elseif type(value) == "table" and not value["@fn"] then
      local err
      value, err = reveal(value, host, secrets)
      if not value then return nil, err end
    end
    out[key] = value
  end
  return out
end

--- Send NOTE to TARGET; DONE(outcome, at) once.  CLOCK() says what time it is when the answer comes.
function M.send(host, clock, target, note, done)
  local kind = M.kinds[target.kind]
  if not kind then
    return done({ retry = false, error = ("there is no receiver kind %q"):format(tostring(target.kind)) }, clock())
  end
  local secrets = {}
  local fields, err = reveal(target.fields, host, secrets)
  if not fields then return done({ retry = false, error = err }, clock()) end
  fields.timeout = fields.timeout or note.patience
  local unread = hidden.of(target.kind, fields, host, secrets)
  host = unread:host(host)
  local function finish(outcome)
    outcome.error = outcome.error and unread:out_of(outcome.error)
    done(outcome, clock())
  end
  local reads = kind.reads_sets
  if type(reads) == "function" then reads = reads(fields) end
  if not reads then M.plain(note) end
  if kind.send then return kind.send(note, fields, host, finish) end
  if kind.steps then return steps.run(kind, note, fields, { host = host, clock = clock }, finish) end
  local function go(ready, refused)
    if not ready then return finish(refused) end
    local request = kind.build(note, ready, host, clock())
    request.tls, request.proxy = fields.tls, fields.proxy
    host.call("http", request, function(reply) finish(answer.judge(kind.answers, reply, clock(), host)) end)
  end
  if kind.prepare then return kind.prepare(note, fields, host, go) end
  go(fields)
end

return M

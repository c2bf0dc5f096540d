--- exec.lua - a program that is run: the webhook body (version 4) is its input, and its exit status the answer.
--
-- 0 took the message; 75 (EX_TEMPFAIL of sysexits.h), a signal and running out of time are tried again; all others will not
-- change by trying.  What it last wrote to stderr says why.
local letter = require "moonwatch.to.letter"
local mime = require "moonwatch.to.mime"
local text = require "moonwatch.to.text"
local webhook = require "moonwatch.to.webhook"

local M = { kind = "exec", digests = "alerts" }

local TEMPFAIL, LONGEST, SHOWN = 75, 4096, 300

local function variable(value) return mime.bytes(tostring(value):gsub("%z", ""), LONGEST) end

--- The variables of the environment that say what NOTE is about.
function M.variables(note)
  local first = note.alerts[1] or { labels = {} }
  return {
    MOONWATCH_STATUS = variable(note.status), MOONWATCH_RECEIVER = variable(note.receiver), MOONWATCH_TITLE = variable(text.title(note)),
    MOONWATCH_ALERTS = variable(text.names(note)), MOONWATCH_SEVERITY = variable(letter.severity(first) or ""),
    MOONWATCH_SUMMARY = variable(text.summary(note)), MOONWATCH_GROUP_KEY = variable(note.group_key),
    MOONWATCH_EXTERNAL_URL = variable(note.external_url or ""), MOONWATCH_TEST = note.test and "1" or "0",
  }
end

--- NOTE as what host.call("exec") takes.
function M.build(note, fields, host)
  local env = M.variables(note)
  for name, value in pairs(fields.env or {}) do env[name] = value end
  return { command = host.json.array(fields.command), env = env, dir = fields.dir, timeout = fields.timeout or 30,
    stdin = webhook.body(note, fields, host) .. "\n" }
end

-- The end of what it said, on one line.
local function said(reply)
  local tail = (reply.stderr or ""):gsub("^%s+", ""):gsub("%s+$", ""):gsub("%c+", " ")
  if #tail > SHOWN then tail = "..." .. tail:sub(-SHOWN):gsub("^[\128-\191]+", "") end
  return tail == "" and "" or ": " .. tail
end

--- REPLY of host.call("exec") → outcome.
function M.judge(reply)
  local out = { seconds = reply.seconds }
  if reply.error then
    out.retry, out.error = not reply.bad, reply.error .. said(reply)
  elseif reply.signal then
    out.retry, out.error = true, ("ended by signal %d%s"):format(reply.signal, said(reply))
  elseif reply.code == 0 then
    out.ok = true
  else
    out.retry, out.error = reply.code == TEMPFAIL, ("exit status %d%s"):format(reply.code, said(reply))
  end
  return out
end

function M.send(note, fields, host, done)
  host.call("exec", M.build(note, fields, host), function(reply) done(M.judge(reply)) end)
end

return M

--- slack.lua - a message in a Slack channel through an incoming webhook (or chat.postMessage).
--
-- The first line names the alert; each alert is an attachment in the colour of its severity with
-- fields for severity, value, threshold and time.  Slack refuses by answering 200 with "ok":false.
local evidence = require "moonwatch.to.evidence"
local expand = require "moonwatch.alert.text"
local text = require "moonwatch.to.text"

local M = { kind = "slack" }

local COLOURS = { critical = "danger", page = "danger", error = "danger", warning = "warning", ticket = "warning", info = "good" }
local MOST = 20

M.answers = {
  body = function(answer)
    local reason = (answer.body or ""):match '^%s*{.*"ok"%s*:%s*false' and
      ((answer.body or ""):match '"error"%s*:%s*"([^"]*)"' or "ok is false")
    return reason and "Slack refused: " .. reason or nil
  end,
}

local function severity_of(alert) return alert.severity or alert.labels.severity end

local function field(title, value)
  return { title = title, value = value, short = true }
end

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["`"] = "'" }

-- The text of an alert, with what made it fire below it; and what of the attachment is Slack's markup.
local function body_of(alert)
  local says = alert.annotations and (alert.annotations.description or alert.annotations.summary)
  local lines = alert.status == "firing" and evidence.lines(alert, text.cut) or {}
  if #lines == 0 then return says end
  local quoted = table.concat(lines, "\n"):gsub("[&<>`]", ESCAPES)
  return (says and says .. "\n" or "") .. "```" .. quoted .. "```", { "text" }
end

local function attachment(alert, note, host)
  local severity = severity_of(alert)
  local resolved = alert.status == "resolved"
  local fields = { field("Severity", severity or "none") }
  if alert.value ~= nil then fields[#fields + 1] = field("Value", text.number(alert.value)) end
  if alert.threshold ~= nil then fields[#fields + 1] = field("Threshold", text.number(alert.threshold)) end
  fields[#fields + 1] = field("Time", host.rfc3339(resolved and alert.ends_at or alert.starts_at))
  local name = alert.labels.alertname or "alert"
  local says, markup = body_of(alert)
  return {
    color = resolved and "good" or COLOURS[severity] or "warning",
    title = text.cut((resolved and "Resolved: " or "") .. name, 1024),
    title_link = alert.generator_url ~= "" and alert.generator_url or note.external_url,
    text = says, mrkdwn_in = markup,
    fallback = text.cut(alert.status .. " " .. name, 1024),
    fields = fields,
  }
end

-- A text of the configuration, with ${...} filled in from the first alert.
local function filled(template, note)
  if type(template) ~= "string" then return nil end
  local compiled = expand.compile(template)
  local first = note.alerts[1]
  return compiled and expand.expand(compiled,
    { labels = first.labels, value = first.value, threshold = first.threshold, name = first.labels.alertname })
end

-- A digest has a title of its own, and a test stays marked whatever the title says.
local function title_of(note, fields)
  local own = not note.digest and filled(fields.title, note)
  return own and (note.test and "[TEST] " or "") .. own or text.title(note)
end

function M.build(note, fields, host)
  local attachments = {}
  for i, alert in ipairs(note.alerts) do
    if i > MOST then
      attachments[i] = { color = "warning", text = ("and %d more"):format(#note.alerts - MOST) }
      break
    end
    attachments[i] = attachment(alert, note, host)
  end
  if fields.text and not note.digest then attachments[1].text = filled(fields.text, note) end
  local body = {
    text = text.cut(title_of(note, fields), 1024), channel = fields.channel,
    username = fields.username, icon_emoji = fields.icon, attachments = attachments,
  }
  local headers = { ["content-type"] = "application/json" }
  if fields.token then headers.authorization = "Bearer " .. fields.token end
  return { url = fields.url, method = "POST", headers = headers, timeout = fields.timeout or 10, body = host.json.encode(body) }
end

return M

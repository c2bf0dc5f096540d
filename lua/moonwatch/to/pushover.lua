--- pushover.lua - messages on telephones through Pushover.
--
-- Limits in characters: title 250, message 1024, address 512 (a cut address leads nowhere, so a longer one
-- is left out).  A message of priority 2 rings again and again until somebody takes it; it carries the group
-- as a tag, by which its end and an acknowledgement stop the ringing.
local filled = require "moonwatch.to.filled"
local plain = require "moonwatch.to.plain"
local text = require "moonwatch.to.text"

local M = { kind = "pushover", hears_acks = true }

local URL = "https://api.pushover.net/1"
local TITLE, MESSAGE, LINK, LINK_TITLE = 250, 1024, 512, 100
local PRIORITIES = { critical = 2, page = 2, error = 1, warning = 0, ticket = 0, info = -1 }
local EMERGENCY = 2

M.answers = {
  [400] = { says = "a field is wrong; see the errors it gives" },
  [429] = { retry = true, says = "the messages of this month are used up" },
  body = function(answer)
    local status = (answer.body or ""):match '"status"%s*:%s*(%d+)'
    return status and status ~= "1" and "Pushover refused: " .. (answer.body:match '"errors"%s*:%s*%[(.-)%]' or "no reason given") or nil
  end,
  after = function(answer, now)
    local at = tonumber(answer.headers and answer.headers["x-limit-app-reset"])
    return at and math.max(0, at - now)
  end,
}

local HTML = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local function escape(value) return (value:gsub('[&<>"]', HTML)) end

-- The priority as a whole number between -2 and 2.
local function priority_of(note, fields)
  local said = tonumber(filled.text(fields.priority, note))
  local n = said or PRIORITIES[plain.severity(note)] or 0
  return math.max(-2, math.min(EMERGENCY, math.floor(n)))
end

local function form(rows)
  local out = {}
  for _, row in ipairs(rows) do
    if row[2] ~= nil and row[2] ~= "" then
      out[#out + 1] = row[1] .. "=" .. tostring(row[2]):gsub("[^%w%-_%.~]", function(c) return ("%%%02X"):format(c:byte()) end)
    end
  end
  return table.concat(out, "&")
end

local function request(fields, path, rows)
  return { url = (fields.url or URL):gsub("/+$", "") .. path, method = "POST", body = form(rows),
    headers = { ["content-type"] = "application/x-www-form-urlencoded" } }
end

local function tag_of(note, host) return host.sha256(note.group_key):sub(1, 32) end

local function link_of(note, fields)
  local link = filled.text(fields.link, note) or note.external_url
  return link and #link <= LINK and link or nil
end

--- The rows of the form.
function M.rows(note, fields, host)
  local resolved = note.status == "resolved"
  local priority = resolved and (fields.resolved_priority or 0) or priority_of(note, fields)
  local by = fields.html and escape or nil
  local says = not note.digest and filled.text(fields.message, note, by)
  if not says then
    says = plain.body(note, host, MESSAGE)
    if by then says = by(says) end
  end
  says = text.cut(says, MESSAGE):match "^%s*(.-)%s*$"
  if by then says = says:gsub("&%w*…$", "…") end -- half of an escape
  local link = link_of(note, fields)
  local out = { { "token", fields.token }, { "user", fields.user_key }, { "title", text.cut(filled.title(fields.title, note), TITLE) },
    { "message", says == "" and "(no details)" or says }, { "priority", priority }, { "url", link },
    { "url_title", link and filled.text(fields.link_title, note) and text.cut(filled.text(fields.link_title, note), LINK_TITLE) },
    { "device", filled.text(fields.device, note) }, { "sound", filled.text(fields.sound, note) }, { "html", fields.html and 1 or nil },
    { "monospace", fields.monospace and 1 or nil }, { "timestamp", math.floor(note.time or note.alerts[1].starts_at) } }
  if priority == EMERGENCY then
    out[#out + 1] = { "retry", math.floor(fields.retry or 60) }
    out[#out + 1] = { "expire", math.floor(fields.expire or 3600) }
    out[#out + 1] = { "tags", tag_of(note, host) }
  elseif fields.ttl then
    out[#out + 1] = { "ttl", math.floor(fields.ttl) }
  end
  return out
end

-- Nothing there to stop is no failure.
local GONE = { [400] = true, [404] = true }

function M.steps(note, fields, host, ask)
  if note.status ~= "firing" and priority_of(note, fields) == EMERGENCY then
    ask(request(fields, ("/receipts/cancel_by_tag/%s.json"):format(tag_of(note, host)), { { "token", fields.token } }), GONE)
  end
  if note.status ~= "acknowledged" then ask(request(fields, "/messages.json", M.rows(note, fields, host))) end
end

return M

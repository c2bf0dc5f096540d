--- opsgenie.lua - alerts at Opsgenie through its Alert API v2.
--
-- One alert per group: its alias is a hash of the group key, so a repeat only counts up, and closing and
-- acknowledging find it.  Opsgenie answers 202 and works later; a text of an open alert it changes only when
-- asked to (update_alerts).  Longer texts than it takes are cut.
local filled = require "moonwatch.to.filled"
local keys_of = require "moonwatch.keys"
local plain = require "moonwatch.to.plain"
local text = require "moonwatch.to.text"

local M = { kind = "opsgenie", hears_acks = true, digests = "never" }

M.answers = {
  [401] = { says = "the API key is not accepted" },
  [402] = { says = "the plan of this account does not allow it" },
  [403] = { says = "the API key may not do this" },
  [422] = { says = "a field has a value that Opsgenie does not take" },
  [429] = { retry = true, says = "too many requests" },
}

local MESSAGE, DESCRIPTION, ENTITY, SOURCE, USER, NOTE = 130, 15000, 512, 100, 100, 25000
local TAGS, TAG, ACTIONS, ACTION, DETAILS = 20, 50, 10, 50, 8000
local PRIORITIES = { critical = "P1", page = "P1", error = "P2", warning = "P3", ticket = "P3", info = "P5" }

local function request(fields, host, method, path, body)
  return { url = (fields.url or "https://api.opsgenie.com"):gsub("/+$", "") .. "/v2/alerts" .. path, method = method, body = host.json.encode(body),
    headers = { ["content-type"] = "application/json", authorization = "GenieKey " .. fields.api_key } }
end

local function cut(value, most) return value and value ~= "" and text.cut(value, most) or nil end

-- Texts of a list, filled in; "a,b" of one text are two.
local function list_of(texts, note, most, longest)
  local out = {}
  for _, template in ipairs(texts or {}) do
    for part in (filled.text(template, note) or ""):gmatch "[^,]+" do
      local one = part:match "^%s*(.-)%s*$"
      if one ~= "" and #out < most then out[#out + 1] = text.cut(one, longest) end
    end
  end
  return #out > 0 and out or nil
end

-- Opsgenie takes 8000 characters of details, names and values together: what does not fit is left out.
local function details_of(note, fields)
  local all, out, used = {}, {}, 0
  for name, value in pairs(note.common_labels) do all[name] = value end
  for name, value in pairs(fields.details or {}) do all[name] = filled.text(value, note) end
  for _, name in ipairs(keys_of(all)) do
    used = used + #name + #all[name]
    if used > DETAILS then break end
    out[name] = all[name]
  end
  return next(out) and out or nil
end

local function responders_of(note, fields)
  local out = {}
  for _, row in ipairs(fields.responders or {}) do
    local one = { id = filled.text(row.id, note), name = filled.text(row.name, note), username = filled.text(row.username, note), type = row.type }
    if row.type == "teams" then
      for name in (one.name or ""):gmatch "[^,]+" do out[#out + 1] = { name = name:match "^%s*(.-)%s*$", type = "team" } end
    elseif (one.id or one.name or one.username or "") ~= "" then
      out[#out + 1] = one
    end
  end
  return #out > 0 and out or nil
end

local function priority_of(note, fields)
  local said = filled.text(fields.priority, note)
  if said and said:find "^P[1-5]$" then return said end
  return PRIORITIES[plain.severity(note)]
end

--- The body that creates the alert.
function M.body(note, fields, host)
  return { alias = host.sha256(note.group_key), message = text.cut(filled.title(fields.message, note), MESSAGE),
    description = cut(filled.text(fields.description, note), DESCRIPTION) or plain.body(note, host, DESCRIPTION),
    responders = responders_of(note, fields), tags = list_of(fields.tags, note, TAGS, TAG), actions = list_of(fields.actions, note, ACTIONS, ACTION),
    details = details_of(note, fields), entity = cut(filled.text(fields.entity, note), ENTITY),
    source = text.cut(filled.text(fields.source, note) or note.external_url or "moonwatch", SOURCE), priority = priority_of(note, fields),
    note = cut(filled.text(fields.note, note), NOTE) }
end

local function ending(note, fields, host, verb)
  local ack = note.ack or {}
  return request(fields, host, "POST", ("/%s/%s?identifierType=alias"):format(host.sha256(note.group_key), verb),
    { source = text.cut(filled.text(fields.source, note) or note.external_url or "moonwatch", SOURCE), user = cut(ack.author, USER),
      note = cut(ack.comment, NOTE) })
end

function M.steps(note, fields, host, ask)
  if note.status == "acknowledged" then
    ask(ending(note, fields, host, "acknowledge"))
  elseif note.status == "resolved" then
    ask(ending(note, fields, host, "close"))
  else
    local body = M.body(note, fields, host)
    ask(request(fields, host, "POST", "", body))
    if not fields.update_alerts or note.reason == "new" then return end
    local at = ("/%s/%%s?identifierType=alias"):format(body.alias)
    ask(request(fields, host, "PUT", at:format "message", { message = body.message }))
    ask(request(fields, host, "PUT", at:format "description", { description = body.description }))
  end
end

return M

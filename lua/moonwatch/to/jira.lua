--- jira.lua - issues at Jira: one for each group, found again by a label that is a hash of the group key.
--
-- Firing: the open issue is looked for and brought up to date; one closed a short while ago is opened again
-- (reopen_transition); else a new one is made.  Resolved: the open issue goes through resolve_transition.  An
-- acknowledgement becomes a comment.  Because each time begins with the search, being told twice makes no
-- second issue.  Version 3 of the API takes documents in place of texts: then a text is put into one.
local filled = require "moonwatch.to.filled"
local plain = require "moonwatch.to.plain"
local sign_in = require "moonwatch.to.sign_in"
local text = require "moonwatch.to.text"

local M = { kind = "jira", hears_acks = true, digests = "never" }

M.answers = {
  [400] = { says = "a field, or the search, is not what Jira expects" },
  [401] = { says = "the name or the token is not accepted" },
  [403] = { says = "this user may not do that" },
  [404] = { says = "no such project or issue, or this user may not see it" },
  [429] = { retry = true, says = "too many requests" },
}

local SUMMARY, DESCRIPTION = 255, 32767
local PRIORITIES = { critical = "High", page = "High", error = "High", warning = "Medium", ticket = "Medium", info = "Low" }

local function base_of(fields) return (fields.url:gsub("/+$", "")) end
local function is_v3(fields) return base_of(fields):find "/3$" ~= nil end

local function request(fields, host, method, address, body)
  return { url = address, method = method, body = body and host.json.encode(body) or nil,
    headers = sign_in.headers(fields, host, { ["accept-language"] = "en" }) }
end

local function label_of(note, host) return ("ALERT{%s}"):format(host.sha256(note.group_key)) end

-- A text as JQL writes it.
local function quoted(s) return '"' .. s:gsub('[\\"]', "\\%0") .. '"' end

-- A text as this version of the API takes it.
local function document(fields, host, says)
  if not is_v3(fields) then return says end
  local lines = {}
  for line in (says .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = { type = "paragraph", content = host.json.array(line ~= "" and { { type = "text", text = line } } or {}) }
  end
  return { type = "doc", version = 1, content = host.json.array(lines) }
end

local function search_text(note, fields, host)
  local parts = {}
  if fields.wont_fix_resolution then
    parts[1] = ("(resolution is EMPTY or resolution != %s)"):format(quoted(fields.wont_fix_resolution))
  end
  local minutes = math.floor((fields.reopen_within or 0) / 60)
  if note.status == "firing" and fields.reopen_transition and minutes > 0 then
    parts[#parts + 1] = ("(resolutiondate is EMPTY or resolutiondate >= -%dm)"):format(minutes)
  else
    parts[#parts + 1] = "statusCategory != Done"
  end
  parts[#parts + 1] = "project=" .. quoted(filled.text(fields.project, note))
  parts[#parts + 1] = "labels=" .. quoted(label_of(note, host))
  return table.concat(parts, " and ") .. " order by status ASC,resolutiondate DESC"
end

-- Jira in the cloud has a door of its own for searches.
local function search_address(fields)
  local base = base_of(fields)
  local cloud = fields.api == "cloud" or fields.api ~= "datacenter" and base:match "^https?://([^/]+)":find "atlassian%.net$" ~= nil
  return cloud and base:gsub("/rest/api/2$", "/rest/api/3") .. "/search/jql" or base .. "/search"
end

-- The issue of NOTE that is there: {key=, done=}; nil when there is none.
local function find(note, fields, host, ask)
  local reply = ask(request(fields, host, "POST", search_address(fields),
    { jql = search_text(note, fields, host), maxResults = 2, fields = host.json.array { "status" } }))
  local found = host.json.decode(reply.body or "")
  if type(found) ~= "table" or type(found.issues) ~= "table" then
    error { outcome = { retry = true, error = "the answer to the search is not what Jira says; is `url` that of its REST API, such as https://HOST/rest/api/2?" } }
  end
  local first = found.issues[1]
  if type(first) ~= "table" or type(first.key) ~= "string" then return nil end
  local status = type(first.fields) == "table" and type(first.fields.status) == "table" and first.fields.status or {}
  local category = type(status.statusCategory) == "table" and status.statusCategory.key
  return { key = first.key:gsub("[^%w%-_]", ""), done = category == "done" }
end

local function issue_fields(note, fields, host)
  local labels = {}
  for i, template in ipairs(fields.labels or {}) do labels[i] = (filled.text(template, note):gsub("%s+", "_")) end
  labels[#labels + 1] = label_of(note, host)
  local priority = filled.text(fields.priority, note) or PRIORITIES[plain.severity(note)]
  local out = { project = { key = filled.text(fields.project, note) }, issuetype = { name = filled.text(fields.issue_type, note) },
    summary = text.cut((filled.title(fields.summary, note):gsub("%s+", " ")), SUMMARY),
    description = document(fields, host, text.cut(filled.text(fields.description, note) or plain.body(note, host, DESCRIPTION), DESCRIPTION)),
    labels = host.json.array(labels), priority = priority and priority ~= "" and { name = priority } or nil }
  for name, value in pairs(fields.fields or {}) do out[name] = filled.deep(value, note) end
  return out
end

local function transition(issue, name, fields, host, ask)
  local address = ("%s/issue/%s/transitions"):format(base_of(fields), issue.key)
  local found = host.json.decode(ask(request(fields, host, "GET", address)).body or "")
  for _, row in ipairs(type(found) == "table" and type(found.transitions) == "table" and found.transitions or {}) do
    if type(row) == "table" and row.name == name then return ask(request(fields, host, "POST", address, { transition = { id = row.id } })) end
  end
  error { outcome = { retry = false, error = ("issue %s cannot go through transition %q from where it is"):format(issue.key, name) } }
end

local function comment(issue, note, fields, host, ask)
  local ack = note.ack or {}
  local says = ("Acknowledged%s%s"):format(ack.author and " by " .. ack.author or "", ack.comment and ": " .. ack.comment or "")
  ask(request(fields, host, "POST", ("%s/issue/%s/comment"):format(base_of(fields), issue.key), { body = document(fields, host, says) }))
end

local function update(issue, note, fields, host, ask)
  local all = issue_fields(note, fields, host)
  if fields.update_summary == false then all.summary = nil end
  if fields.update_description == false then all.description = nil end
  ask(request(fields, host, "PUT", ("%s/issue/%s"):format(base_of(fields), issue.key), { fields = all }))
end

function M.steps(note, fields, host, ask)
  local issue = find(note, fields, host, ask)
  if note.status == "acknowledged" then
    if issue then comment(issue, note, fields, host, ask) end
  elseif note.status == "resolved" then
    if not issue then return end
    update(issue, note, fields, host, ask)
    if fields.resolve_transition and not issue.done then transition(issue, fields.resolve_transition, fields, host, ask) end
  elseif issue then
    update(issue, note, fields, host, ask)
    if issue.done and fields.reopen_transition then transition(issue, fields.reopen_transition, fields, host, ask) end
  else
    ask(request(fields, host, "POST", base_of(fields) .. "/issue", { fields = issue_fields(note, fields, host) }))
  end
end

return M

--- alertmanager_receivers.lua - receivers of Alertmanager: those kinds that there are here; the others as comments, and listed.
local http_auth = require "moonwatch.import.http_auth"
local kinds = require "moonwatch.words.kinds"
local lua = require "moonwatch.import.lua_source"
local writer = require "moonwatch.import.lua_writer"
local yaml = require "moonwatch.import.yaml"

local M = {}

-- -- texts of messages -------------------------------------------------------------------

-- Labels that all alerts of a message share are those of the first one; everything else a template may say is lost.
local function message(run, node, key, name)
  local text = node.text:gsub("{{%-?%s*%.GroupLabels%.([%a_][%w_]*)%s*%-?}}", "${labels.%1}"):gsub("{{%-?%s*%.CommonLabels%.([%a_][%w_]*)%s*%-?}}", "${labels.%1}")
  if text:find("{{", 1, true) or (node.text:find("${", 1, true)) then
    return run.doc:lost(key, ("%s: this template cannot be carried over; write a function receiver"):format(name))
  end
  return lua.text(text)
end

local function plain(run, node, key, name)
  if node.text:find("{{", 1, true) then return run.doc:lost(key, ("%s: this template cannot be carried over"):format(name)) end
  return lua.text(node.text)
end

local function whole(_, node) return tonumber(node.text) and tonumber(node.text) > 0 and node.text or nil end
local function duration(run, node, key, name)
  if not run.doc.host.duration(node.text) then return run.doc:lost(key, ("%s: expected a duration"):format(name)) end
  return lua.quoted(node.text)
end
local function severity(run, node, key)
  for _, choice in ipairs { "critical", "error", "warning", "info" } do
    if node.text == choice then return lua.quoted(choice) end
  end
  return run.doc:lost(key, "severity: one of critical, error, warning, info; without it that of the alert counts")
end
local function details(run, node)
  local rows = {}
  for _, row in ipairs(run.doc:text_rows(node, "details")) do
    local value = plain(run, row.node, row.key, "details." .. row[1])
    if value then rows[#rows + 1] = { name = row[1], value = value } end
  end
  return #rows > 0 and writer.table(rows) or nil
end

-- -- kinds ---------------------------------------------------------------------------------

-- secrets: field of ours → the fields of Alertmanager that hold it, itself, in a file, and what `global` says.
-- fields: field of Alertmanager → { field of ours, how }.  defaults: fields that say only what is so anyway.
local KINDS = {
  slack = {
    secrets = { url = { "api_url", "api_url_file", "slack_api_url", "slack_api_url_file" } }, needs = "url", resolved = false,
    fields = { channel = { "channel", plain }, username = { "username", plain }, icon_emoji = { "icon", plain }, title = { "title", message }, text = { "text", message } },
  },
  pagerduty = {
    secrets = { routing_key = { "routing_key", "routing_key_file" } }, needs = "routing_key", resolved = true,
    fields = { url = { "url", plain }, client = { "client", plain }, client_url = { "client_url", plain }, severity = { "severity", severity }, details = { "details", details } },
  },
  webhook = {
    secrets = { url = { "url", "url_file" } }, needs = "url", resolved = true,
    fields = { max_alerts = { "max_alerts", whole }, timeout = { "timeout", duration } },
  },
}
-- What Alertmanager calls <name>_configs and we otherwise.
local NAMES = { msteams = "teams", msteamsv2 = "teams" }
local OTHERS = { "email", "opsgenie", "victorops", "pushover", "wechat", "telegram", "webex", "discord", "sns", "msteams", "msteamsv2", "jira", "rocketchat", "incidentio",
                 "mattermost" }

local RECEIVER = { name = "text", labels = "any" }
for name in pairs(KINDS) do RECEIVER[name .. "_configs"] = "list" end
for _, name in ipairs(OTHERS) do RECEIVER[name .. "_configs"] = "list" end

local Item = {}
Item.__index = Item

local function secret_row(self, ours, names)
  local f = self.fields
  local own, file = f[names[1]], f[names[2]]
  if yaml.is_null(own) then own = nil end
  if yaml.is_null(file) then file = nil end
  if not own and not file then own, file = self.global[names[3] or ""], self.global[names[4] or ""] end
  local quiet = self.kind == "webhook"
  local value
  if quiet and own and not file then value = lua.quoted(own.text)
  else value = http_auth.secret(self.doc, own, file, self.place) end
  if value then self.rows[#self.rows + 1] = { name = ours, value = value, short = true, above = self.keys[names[1]] and self.doc:above(self.keys[names[1]].line, self.line) } end
  return value
end

local function http_config(self)
  local node, key = self.fields.http_config or self.global.http_config, self.keys.http_config or self.global_keys.http_config
  if not node or node.kind ~= "map" then return end
  local spec = { proxy_from_environment = "any", http_headers = "any" }
  for name in pairs(http_auth.FIELDS) do spec[name] = "any" end
  local f, keys = self.doc:fields(node, spec, "http_config")
  for _, row in ipairs(http_auth.rows(self.doc, f, keys, self.place)) do
    local bearer = row.name == "auth" and row.value:match "^{ bearer = (.*) }$"
    if self.kind == "webhook" and bearer then self.rows[#self.rows + 1] = { name = "bearer", value = bearer, short = true }
    elseif row.name == "tls" or (self.kind == "webhook" and row.name == "headers") then self.rows[#self.rows + 1] = row
    else self.doc:lost(key, ("http_config: %s has no such way to sign in"):format(self.kind)) end
  end
end

-- One {...} of a receiver; nil when what it cannot be without is missing.
local function item_of(doc, kind, node, context)
  if not doc:expect(node, "map", kind .. "_configs") then return nil end
  local def = KINDS[kind]
  local self = setmetatable({ doc = doc, kind = kind, global = context.global.fields, global_keys = context.global.keys, place = context.place,
                              rows = {}, fields = {}, keys = {}, line = node.line - 1 }, Item)
  for _, row in ipairs(doc:rows(node)) do self.fields[row.key.text], self.keys[row.key.text] = row.node, row.key end
  local used = { send_resolved = true, http_config = true }
  local found = true
  for ours, names in pairs(def.secrets) do
    used[names[1]], used[names[2]] = true, true
    if not secret_row(self, ours, names) then found = ours ~= def.needs and found end
  end
  for _, row in ipairs(doc:rows(node)) do
    local name = row.key.text
    local how = def.fields[name]
    if how and not yaml.is_null(row.node) then
      local right = how[2] == details and doc:expect(row.node, "map", name) or how[2] ~= details and doc:expect(row.node, "text", name)
      local value = right and how[2](self, row.node, row.key, name)
      if value then
        self.rows[#self.rows + 1] = { name = how[1], value = value, short = true, above = doc:above(row.key.line, self.line), beside = doc:beside(row.key.line) }
      end
    elseif not how and not used[name] then
      doc:lost(row.key, ("%s: %s has no such field"):format(name, kind))
    end
  end
  local resolved = self.fields.send_resolved
  local wanted = resolved and resolved.text == "true" or not resolved and def.resolved
  if not wanted then self.rows[#self.rows + 1] = { name = "send_resolved", value = "false", short = true } end
  http_config(self)
  if not found then return doc:lost(node, ("%s: needs %s"):format(kind, def.secrets[def.needs][1])) end
  return kind .. " " .. writer.table(self.rows)
end

-- The YAML of NODE as lines of a comment, secrets and all left out: only what it was.
local function absent(doc, kind, key, node, out)
  local ours = NAMES[kind] or kind
  local known = kinds[ours]
  doc:lost(key, ("%s_configs: %s"):format(kind, known and not known.absent and "cannot be imported yet; write " .. ours .. " { ... }"
    or "there is no such kind of receiver in this version"))
  for i = 1, math.max(1, #(node.items or {})) do
    out[#out + 1] = ("%s { ... }  -- %s_configs[%d] of the YAML, line %d"):format(ours, kind, i, node.items and node.items[i] and node.items[i].line or key.line)
  end
end

-- -- one receiver -----------------------------------------------------------------------------

--- Write the receiver NODE.  context: { global= (what M.global gave), place=, floor= }.
function M.write(doc, node, file, context)
  local above = doc:above(node.line, context.floor)
  if not doc:expect(node, "map", "receiver") then return end
  local fields, keys = doc:fields(node, RECEIVER, "receiver")
  if not fields.name then return doc:lost(node, "a receiver needs a name") end
  for _, text in ipairs { doc:beside(node.line) } do above[#above + 1] = text end
  local rows, missing = {}, {}
  for _, entry in ipairs(doc:rows(node)) do
    local kind = entry.key.text:match "^(.*)_configs$"
    if kind and KINDS[kind] and fields[entry.key.text] then
      for _, item in ipairs(fields[entry.key.text].items) do
        local value = item_of(doc, kind, item, context)
        if value then rows[#rows + 1] = { value = value, above = doc:above(item.line, node.line - 1) } end
      end
    elseif kind and fields[entry.key.text] then absent(doc, kind, entry.key, fields[entry.key.text], missing) end
  end
  for _, text in ipairs(doc:left(node.line, node.last)) do above[#above + 1] = text end
  for _, text in ipairs(missing) do above[#above + 1] = text end
  if keys.labels then doc:lost(keys.labels, "labels: a receiver has none") end
  file:declare("receiver", fields.name.text, rows, above, doc, node)
end

-- -- global -------------------------------------------------------------------------------------

local USED = { slack_api_url = true, slack_api_url_file = true, http_config = true, resolve_timeout = true }

--- What receivers take from `global`: { fields=, keys= }.
function M.global(doc, node)
  local out = { fields = {}, keys = {} }
  for _, row in ipairs(node and doc:rows(node) or {}) do
    local name = row.key.text
    if not yaml.is_null(row.node) then out.fields[name], out.keys[name] = row.node, row.key end
    if not USED[name] and not yaml.is_null(row.node) then
      doc:lost(row.key, ("global: %s: nothing here uses it"):format(name))
    end
  end
  return out
end

return M

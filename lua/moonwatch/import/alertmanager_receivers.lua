--- alertmanager_receivers.lua - receivers of Alertmanager: those kinds that there are here; the others as comments, and listed.
local F = require "moonwatch.import.receiver_fields"
local http_auth = require "moonwatch.import.http_auth"
local chat = require "moonwatch.import.receiver_kinds_chat"
local incident = require "moonwatch.import.receiver_kinds_incident"
local keys_of = require "moonwatch.keys"
local kinds = require "moonwatch.words.kinds"
local lua = require "moonwatch.import.lua_source"
local writer = require "moonwatch.import.lua_writer"
local yaml = require "moonwatch.import.yaml"

local M = {}

-- -- kinds ---------------------------------------------------------------------------------

-- secrets: field of ours → the fields of Alertmanager that hold it, itself, in a file, and what `global` says.
-- fields: field of Alertmanager → { field of ours, how, kind = of the node, a text unless said }.  globals: field → what `global` calls
-- it.  defaults: field → our source where Alertmanager's default is not ours.  needs: fields of ours that must be there.  auth, headers:
-- the kind has these fields; bearer: which one takes a token alone.  kind: what we call it, if otherwise.  settle: looks at all rows in
-- the end, and gives what is lacking.  secret_url: the address is a secret.  fills: which secret may be filled in from a message.
local KINDS = {}
for name, def in pairs(chat) do KINDS[name] = def end
for name, def in pairs(incident) do KINDS[name] = def end
for name, def in pairs(require "moonwatch.import.receiver_kinds_mail") do KINDS[name] = def end
local OTHERS = { "wechat" }

local RECEIVER = { name = "text", labels = "any" }
for name in pairs(KINDS) do RECEIVER[name .. "_configs"] = "list" end
for _, name in ipairs(OTHERS) do RECEIVER[name .. "_configs"] = "list" end

local Item = {}
Item.__index = Item

-- The secret OURS as Lua: what the receiver says itself or in a file, else what `global` does.
local function secret_of(self, ours, names)
  local f, def = self.fields, KINDS[self.kind]
  local own, file = f[names[1]], f[names[2]]
  if yaml.is_null(own) then own = nil end
  if yaml.is_null(file) then file = nil end
  if not own and not file then own, file = self.global[names[3] or ""], self.global[names[4] or ""] end
  if own and own.text and own.text:find("{{", 1, true) then
    if def.fills == ours then return F.message(self, own, self.keys[names[1]], names[1]) end
    return self.doc:lost(own, ("%s: this template cannot be carried over"):format(names[1]))
  end
  if ours == "url" and not def.secret_url and own and not file then return lua.quoted(own.text) end
  return http_auth.secret(self.doc, own, file, self.place)
end

local function secret_row(self, ours, names)
  local value, key = secret_of(self, ours, names), self.keys[names[1]]
  if value then self.rows[#self.rows + 1] = { name = ours, value = value, short = true, above = key and self.doc:above(key.line, self.line) } end
end

local function http_config(self)
  local node, key = self.fields.http_config or self.global.http_config, self.keys.http_config or self.global_keys.http_config
  if not node or node.kind ~= "map" or KINDS[self.kind].no_http then return end
  local spec = { proxy_from_environment = "any", http_headers = "any" }
  for name in pairs(http_auth.FIELDS) do spec[name] = "any" end
  local f, keys = self.doc:fields(node, spec, "http_config")
  local def = KINDS[self.kind]
  for _, row in ipairs(http_auth.rows(self.doc, f, keys, self.place, true)) do
    local bearer = row.name == "auth" and row.value:match "^{ bearer = (.*) }$"
    if def.bearer and bearer then
      self.signs_in = true
      self.rows[#self.rows + 1] = { name = def.bearer, value = bearer, short = true }
    elseif row.name == "tls" or row.name == "proxy" or def[row.name] then self.rows[#self.rows + 1] = row
    else self.doc:lost(key, ("http_config: %s has no such way to sign in"):format(self.kind)) end
  end
end

-- FIELD of Alertmanager as a row of ours.
local function field_row(self, name, node, key, how)
  if not self.doc:expect(node, how.kind or "text", name) then return end
  local value = how[2](self, node, key, name)
  if value then
    self.rows[#self.rows + 1] = { name = how[1], value = value, short = true, above = self.doc:above(key.line, self.line), beside = self.doc:beside(key.line) }
  end
end

-- What `global` says in place of the receiver, and what Alertmanager does unasked.
local function unsaid(self, def)
  for name, global in pairs(def.globals or {}) do
    if not self.fields[name] and self.global[global] then field_row(self, name, self.global[global], self.global_keys[global], def.fields[name]) end
  end
  for name, value in pairs(def.defaults or {}) do
    local said = self.fields[name]
    local of_all = def.globals and self.global[def.globals[name]]
    if (not said or yaml.is_null(said)) and not of_all then self.rows[#self.rows + 1] = { name = def.fields[name][1], value = value, short = true } end
  end
end

-- What Alertmanager calls the first field that is needed and not there.
local function lacking(self, def)
  local there = {}
  for _, row in ipairs(self.rows) do there[row.name] = true end
  for _, ours in ipairs(def.needs) do
    if not there[ours] then
      for theirs, how in pairs(def.fields) do
        if how[1] == ours then return theirs end
      end
      return (def.secrets[ours] or { "http_config.authorization" })[1]
    end
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
  for _, ours in ipairs(keys_of(def.secrets)) do
    local names = def.secrets[ours]
    used[names[1]], used[names[2]] = true, true
    secret_row(self, ours, names)
  end
  for _, row in ipairs(doc:rows(node)) do
    local name = row.key.text
    local how = def.fields[name]
    if how and not yaml.is_null(row.node) then field_row(self, name, row.node, row.key, how)
    elseif not how and not used[name] then
      doc:lost(row.key, ("%s: %s has no such field"):format(name, kind))
    end
  end
  unsaid(self, def)
  local resolved = self.fields.send_resolved
  local wanted = resolved and resolved.text == "true" or not resolved and def.resolved
  if not wanted then self.rows[#self.rows + 1] = { name = "send_resolved", value = "false", short = true } end
  http_config(self)
  local missing = lacking(self, def) or def.settle and def.settle(self)
  if missing then return doc:lost(node, ("%s: needs %s"):format(kind, missing)) end
  return (def.kind or kind) .. " " .. writer.table(self.rows)
end

-- The YAML of NODE as lines of a comment, secrets and all left out: only what it was.
local function absent(doc, kind, key, node, out)
  local ours = kind
  local known = kinds[ours]
  doc:lost(key, ("%s_configs: %s"):format(kind, known and not known.absent and "cannot be imported yet; write " .. ours .. " { ... }"
    or "there is no such kind of receiver in this version"))
  for i = 1, math.max(1, #(node.items or {})) do
    out[#out + 1] = ("%s { ... }  -- %s_configs[%d] of the YAML, line %d"):format(ours, kind, i, node.items and node.items[i] and node.items[i].line or key.line)
  end
end

--- The labels in the map NODE as Lua; nil for none.  TEMPLATES: they may be filled in from a message.
function M.labels(doc, node, templates)
  local rows = {}
  for _, row in ipairs(doc:text_rows(node, "labels")) do
    local value = templates and F.message({ doc = doc, places_only = true }, row.node, row.key, "labels." .. row[1]) or not templates and lua.quoted(row[2])
    if value then rows[#rows + 1] = { name = row[1], value = value } end
  end
  return #rows > 0 and writer.table(rows) or nil
end

-- -- one receiver -----------------------------------------------------------------------------

-- Those of ROWS that moonwatch would load; what it would not is a comment ABOVE, so that the others are there and routes have a receiver.
local function loadable(file, doc, node, name, rows, above)
  if not file:problem(doc.host, "receiver", name, rows) then return rows end
  local out = {}
  for _, row in ipairs(rows) do
    local why = file:problem(doc.host, "receiver", name, { row })
    if why then
      doc:lost(node, why)
      for line in ("not imported: " .. why .. "\n" .. row.value):gmatch "[^\n]+" do above[#above + 1] = line end
    else
      out[#out + 1] = row
    end
  end
  return out
end

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
  local labels = keys.labels and doc:expect(fields.labels, "map", "labels") and M.labels(doc, fields.labels, false)
  if labels then rows[#rows + 1] = { name = "labels", value = labels, short = true } end
  file:declare("receiver", fields.name.text, loadable(file, doc, node, fields.name.text, rows, above), above, doc, node)
end

-- -- global -------------------------------------------------------------------------------------

local USED = { http_config = true, resolve_timeout = true }
for _, def in pairs(KINDS) do
  for _, names in pairs(def.secrets) do
    for i = 3, #names do USED[names[i]] = true end
  end
  for _, name in pairs(def.globals or {}) do USED[name] = true end
end

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

--- receiver_kinds_mail.lua - mails and Amazon SNS of Alertmanager: which of our fields each of theirs becomes.
local F = require "moonwatch.import.receiver_fields"
local http_auth = require "moonwatch.import.http_auth"
local lua = require "moonwatch.import.lua_source"
local mime = require "moonwatch.to.mime"
local writer = require "moonwatch.import.lua_writer"
local yaml = require "moonwatch.import.yaml"

local K = {}

-- A field that another one takes with it.
local function taken() return nil end

local function boolean(default)
  return function(run, node, _, name)
    if not run.doc:expect(node, "boolean", name) or node.text == default then return nil end
    return node.text
  end
end

-- FIELD of the receiver, else what `global` says.
local function said(run, field)
  local own = run.fields[field]
  if yaml.is_null(own) then own = nil end
  return own or nil
end

-- The secret NAME or NAME_file of the receiver, else those of `global`; as Lua.
local function secret(run, name)
  local own, file = said(run, name), said(run, name .. "_file")
  if not own and not file then own, file = run.global["smtp_" .. name], run.global["smtp_" .. name .. "_file"] end
  if yaml.is_null(own) then own = nil end
  if yaml.is_null(file) then file = nil end
  return http_auth.secret(run.doc, own, file, run.place)
end

-- With a password, any mechanism but CRAM-MD5; with auth_secret, that one alone.
local function auth(run, node, key)
  if node.text == "" then return nil end
  local password, shared = secret(run, "auth_password"), secret(run, "auth_secret")
  if password and shared then run.doc:lost(key, "auth_secret: there is one password; CRAM-MD5 uses that, too") end
  if not password and not shared then return run.doc:lost(key, "auth_username: without auth_password or auth_secret nobody signs in") end
  local rows = { { name = "user", value = lua.quoted(node.text), short = true }, { name = "password", value = password or shared, short = true } }
  local identity = said(run, "auth_identity") or run.global.smtp_auth_identity
  if identity and identity.text and identity.text ~= "" then rows[#rows + 1] = { name = "identity", value = lua.quoted(identity.text), short = true } end
  if not password then rows[#rows + 1] = { name = "mechanism", value = lua.quoted "CRAM-MD5", short = true } end
  return writer.table(rows)
end

local function sender(run, node, key, name)
  if node.text:find("{{", 1, true) then return run.doc:lost(key, name .. ": an address that depends on the alert cannot be carried over") end
  local list, why = mime.addresses { node.text }
  if not list then return run.doc:lost(key, ("%s: %s"):format(name, why)) end
  return lua.quoted(node.text)
end

local function recipients(run, node, key, name)
  return (node.text:find("{{", 1, true) and F.message or sender)(run, node, key, name)
end

local function smarthost(run, node, key, name)
  if not mime.host_port(node.text) then return run.doc:lost(key, ("%s: expected host:port"):format(name)) end
  return lua.quoted(node.text)
end

-- Subject is a field here; the other headers that we write ourselves cannot be said twice.
local function headers(run, node)
  local rows = {}
  for _, row in ipairs(run.doc:text_rows(node, "headers")) do
    local name = row[1]
    local ours = mime.ours[name:lower()]
    local value = (not ours or name:lower() == "subject") and F.message(run, row.node, row.key, "headers." .. name)
    if name:lower() == "subject" then
      if value then run.rows[#run.rows + 1] = { name = "subject", value = value, short = true } end
    elseif ours then
      run.doc:lost(row.key, ("headers: %s is written by moonwatch%s"):format(name, ours))
    elseif value then
      rows[#rows + 1] = { name = name, value = value }
    end
  end
  return #rows > 0 and writer.table(rows) or nil
end

local function html(run, node, key, name)
  if node.text == "" then return '""' end
  return F.message(run, node, key, name)
end

local function text(run, node, key, name)
  if node.text == "" then return nil end
  local value = F.message(run, node, key, name)
  if value and not said(run, "html") then run.doc:note(node, "text: the mail has this text only; Alertmanager would add a page of its own") end
  return value
end

local THREADS = { daily = "day", none = "group" }
local function threading(run, node, _, name)
  local f, keys = run.doc:fields(node, { enabled = "boolean", thread_by_date = "text" }, name)
  if not f.enabled or f.enabled.text ~= "true" then return lua.quoted "none" end
  local how = THREADS[f.thread_by_date and f.thread_by_date.text or "daily"]
  if not how then return run.doc:lost(keys.thread_by_date, "thread_by_date: daily or none") end
  return lua.quoted(how)
end

local function tls(run, node)
  local f, keys = { tls_config = node }, { tls_config = run.keys.tls_config or run.global_keys.smtp_tls_config }
  local row = http_auth.rows(run.doc, f, keys, run.place)[1]
  return row and row.value
end

K.email = {
  secrets = {}, needs = { "to", "from", "smarthost" }, resolved = false, no_http = true,
  fields = {
    to = { "to", recipients }, from = { "from", sender }, smarthost = { "smarthost", smarthost }, hello = { "hello", F.plain },
    auth_username = { "auth", auth }, auth_password = { "auth", taken }, auth_password_file = { "auth", taken }, auth_secret = { "auth", taken },
    auth_secret_file = { "auth", taken }, auth_identity = { "auth", taken },
    require_tls = { "require_tls", boolean "true", kind = "boolean" }, force_implicit_tls = { "implicit_tls", boolean(), kind = "boolean" },
    tls_config = { "tls", tls, kind = "map" }, headers = { "headers", headers, kind = "map" }, html = { "html", html }, text = { "text", text },
    threading = { "thread", threading, kind = "map" },
  },
  globals = {
    from = "smtp_from", smarthost = "smtp_smarthost", hello = "smtp_hello", require_tls = "smtp_require_tls", auth_username = "smtp_auth_username",
    auth_password = "smtp_auth_password", auth_password_file = "smtp_auth_password_file", auth_secret = "smtp_auth_secret",
    auth_secret_file = "smtp_auth_secret_file", auth_identity = "smtp_auth_identity", tls_config = "smtp_tls_config",
    force_implicit_tls = "smtp_force_implicit_tls",
  },
  defaults = { threading = '"none"' },
}

-- -- Amazon SNS -----------------------------------------------------------------------------

local SIGV4 = { region = "text", access_key = "text", secret_key = "text", profile = "text", role_arn = "text", external_id = "text",
                use_fips_sts_endpoint = "boolean", service_name = "text" }

local function sigv4(run, node)
  local f, keys = run.doc:fields(node, SIGV4, "sigv4")
  local function row(name, value) run.rows[#run.rows + 1] = { name = name, value = value, short = true } end
  if f.access_key and f.secret_key then
    row("access_key", lua.quoted(f.access_key.text))
    row("secret_key", http_auth.secret(run.doc, f.secret_key, nil, run.place))
  end
  for _, name in ipairs { "profile", "role_arn", "external_id", "use_fips_sts_endpoint", "service_name" } do
    local off = f[name] and (f[name].text == "" or f[name].text == "false")
    if f[name] and not off then run.doc:lost(keys[name], ("sigv4: %s: only keys are used, of the configuration or of the environment"):format(name)) end
  end
  return f.region and lua.quoted(f.region.text) or nil
end

local function address(run, node, key, name)
  if node.text == "" then return nil end
  return F.plain(run, node, key, name)
end

K.sns = {
  secrets = {}, needs = {}, resolved = true,
  fields = {
    api_url = { "url", address }, topic_arn = { "topic_arn", address }, phone_number = { "phone_number", address }, target_arn = { "target_arn", address },
    sigv4 = { "region", sigv4, kind = "map" }, subject = { "subject", F.message }, message = { "message", F.message },
    attributes = { "attributes", F.map, kind = "map" },
  },
}

return K

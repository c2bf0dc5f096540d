--- http_auth.lua - how Prometheus and Alertmanager sign in at an HTTP server, as rows of a table of ours.
local lua = require "moonwatch.import.lua_source"
local yaml = require "moonwatch.import.yaml"

local M = {}

--- The fields this is about.
M.FIELDS = { basic_auth = true, authorization = true, bearer_token = true, bearer_token_file = true, oauth2 = true, tls_config = true, proxy_url = true,
             no_proxy = true, proxy_from_environment = true, proxy_connect_header = true, follow_redirects = true, enable_http2 = true, http_headers = true }

--- A secret as Lua: of a file by its name, else as it stands, with a note.
function M.secret(doc, text, file, place)
  if file then return ("secret %s"):format(lua.quoted(place(file.text))) end
  if text then
    doc:note(text, 'a secret is written into the Lua file; secret "NAME" would read it from the environment or a file')
    return lua.quoted(text.text)
  end
end

local function basic(doc, node, place)
  local f = doc:fields(node, { username = "text", password = "text", password_file = "text", username_file = "text", username_ref = "text", password_ref = "text" }, "basic_auth")
  if f.username_file or f.username_ref or f.password_ref then return doc:lost(node, "basic_auth: only username with password or password_file") end
  if not f.username then return doc:lost(node, "basic_auth: no username") end
  local password = M.secret(doc, f.password, f.password_file, place)
  return ("{ user = %s%s }"):format(lua.quoted(f.username.text), password and ", password = " .. password or "")
end

local function authorization(doc, node, place, headers)
  local f = doc:fields(node, { type = "text", credentials = "text", credentials_file = "text", credentials_ref = "text" }, "authorization")
  local kind = f.type and f.type.text or "Bearer"
  if f.credentials_ref then return doc:lost(node, "authorization: credentials_ref") end
  if kind:lower() == "bearer" then
    local token = M.secret(doc, f.credentials, f.credentials_file, place)
    return token and ("{ bearer = %s }"):format(token)
  end
  if not f.credentials then return doc:lost(node, ("authorization of type %q needs credentials"):format(kind)) end
  doc:note(f.credentials, "a secret is written into the Lua file")
  headers[#headers + 1] = { "Authorization", kind .. " " .. f.credentials.text }
end

local function header_map(doc, node, headers)
  for _, row in ipairs(doc:rows(node)) do
    local f = doc:expect(row.node, "map", "http_headers") and doc:fields(row.node, { values = "list", secrets = "list", files = "list" }, "http_headers") or {}
    local values = doc:texts(f.values, "values")
    if #values == 1 and not f.secrets and not f.files then headers[#headers + 1] = { row.key.text, values[1] }
    else doc:lost(row.key, ("http_headers: %s: only one plain value can be carried over"):format(row.key.text)) end
  end
end

-- Which of our fields each field of tls_config becomes, and what cannot be carried.
local CERTIFICATES = { ca_file = "ca", cert_file = "cert", key_file = "key" }
local TLS = { ca_file = "text", cert_file = "text", key_file = "text", server_name = "text", insecure_skip_verify = "boolean", min_version = "text",
              max_version = "text", ca = "text", cert = "text", key = "text", ca_ref = "text", cert_ref = "text", key_ref = "text" }

-- tls_config as a table of ours; nil when there is nothing in it.
local function certificates(doc, node, place)
  local f, keys = doc:fields(node, TLS, "tls_config")
  local rows = {}
  for _, name in ipairs { "ca_file", "cert_file", "key_file" } do
    if f[name] and f[name].text ~= "" then rows[#rows + 1] = ("%s = %s"):format(CERTIFICATES[name], lua.quoted(place(f[name].text))) end
  end
  if f.server_name and f.server_name.text ~= "" then rows[#rows + 1] = "server_name = " .. lua.quoted(f.server_name.text) end
  if f.insecure_skip_verify and f.insecure_skip_verify.text == "true" then rows[#rows + 1] = "insecure = true" end
  for _, name in ipairs { "ca", "cert", "key", "ca_ref", "cert_ref", "key_ref" } do
    if f[name] then doc:lost(keys[name], ("tls_config: %s: write it into a file and give its name"):format(name)) end
  end
  for _, name in ipairs { "min_version", "max_version" } do
    local least = name == "min_version" and f[name] and f[name].text == "TLS12" -- what we ask for anyway
    if f[name] and not least then doc:lost(keys[name], ("tls_config: %s: cannot be chosen; TLS 1.2 and later are spoken"):format(name)) end
  end
  return #rows > 0 and ("{ %s }"):format(table.concat(rows, ", ")) or nil
end

local ABSENT = { oauth2 = "signing in with OAuth 2 is not there", proxy_url = "there are no proxies",
                 proxy_connect_header = "nothing is said to a proxy but where to go", no_proxy = "a proxy is asked for each address",
                 proxy_from_environment = "proxies of the environment are not asked" }

-- What is carried elsewhere, or says nothing.
local function is_nothing(name, node, receiver)
  if name == "proxy_url" and receiver or node.text == "" then return true end
  return node.kind == "map" and #node.keys == 0 or name == "proxy_from_environment" and node.text == "false"
end

local function lost(doc, f, keys, receiver)
  for name, why in pairs(ABSENT) do
    if f[name] and not is_nothing(name, f[name], receiver) and not yaml.is_null(f[name]) then doc:lost(keys[name], ("%s: %s"):format(name, why)) end
  end
  local follow = f.follow_redirects
  if follow and follow.text == "false" and not receiver then doc:lost(keys.follow_redirects, "follow_redirects: cannot be chosen") end
end

-- The proxy NODE as Lua: a secret when somebody signs in there.
local function proxy_of(doc, node, place)
  if not doc:expect(node, "text", "proxy_url") or node.text == "" then return nil end
  return node.text:find("@", 1, true) and M.secret(doc, node, nil, place) or lua.quoted(node.text)
end

--- The rows `auth`, `headers` and `tls` for the fields F with KEYS; of a RECEIVER `proxy`, too, and it follows no redirects.
function M.rows(doc, f, keys, place, receiver)
  local out, headers, auth = {}, {}, nil
  if f.basic_auth and doc:expect(f.basic_auth, "map", "basic_auth") then auth = basic(doc, f.basic_auth, place) end
  if f.authorization and doc:expect(f.authorization, "map", "authorization") then auth = auth or authorization(doc, f.authorization, place, headers) end
  local token, file = f.bearer_token, f.bearer_token_file
  if not auth and (token or file) then
    local bearer = M.secret(doc, token and doc:expect(token, "text", "bearer_token"), file and doc:expect(file, "text", "bearer_token_file"), place)
    auth = bearer and ("{ bearer = %s }"):format(bearer)
  end
  if f.http_headers and doc:expect(f.http_headers, "map", "http_headers") then header_map(doc, f.http_headers, headers) end
  if auth then out[#out + 1] = { name = "auth", value = auth } end
  if #headers > 0 then out[#out + 1] = { name = "headers", value = lua.map(headers) } end
  local own = f.tls_config and doc:expect(f.tls_config, "map", "tls_config") and certificates(doc, f.tls_config, place)
  if own then out[#out + 1] = { name = "tls", value = own } end
  local proxy = receiver and f.proxy_url and proxy_of(doc, f.proxy_url, place)
  if proxy then out[#out + 1] = { name = "proxy", value = proxy } end
  lost(doc, f, keys, receiver)
  return out
end

return M

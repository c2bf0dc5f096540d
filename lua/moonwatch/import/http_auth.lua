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

local ABSENT = { oauth2 = "signing in with OAuth 2 is not there", tls_config = "certificates and checks of TLS cannot be chosen", proxy_url = "there are no proxies",
                 proxy_connect_header = "there are no proxies" }

local function lost(doc, f, keys)
  for name, why in pairs(ABSENT) do
    local empty = f[name] and f[name].kind == "map" and #f[name].keys == 0
    if f[name] and not empty and not yaml.is_null(f[name]) then doc:lost(keys[name], ("%s: %s"):format(name, why)) end
  end
  for _, name in ipairs { "follow_redirects", "enable_http2" } do
    if f[name] and f[name].text == "false" and name == "follow_redirects" then doc:lost(keys[name], name .. ": cannot be chosen") end
  end
end

--- The rows `auth` and `headers` for the fields F with KEYS.
function M.rows(doc, f, keys, place)
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
  lost(doc, f, keys)
  return out
end

return M

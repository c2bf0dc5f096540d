--- tls_rows.lua - whom a request over TLS trusts, and who it says that it is: the same wherever something is asked for.
local M = {}

M.fields = {
  { "ca", "text", help = "file (PEM) with the certificates of those who may sign that of the server; default those of the system. " ..
    "These files are read for each new connection" },
  { "cert", "text", help = "file (PEM) with our certificate, for a server that asks for one" },
  { "key", "text", help = "file (PEM) with its key" },
  { "server_name", "text", help = "name that the server is asked for, and that its certificate must have; default that of the address" },
  { "insecure", "boolean", default = false, help = "accept any certificate" },
}

--- The row of a field `tls`.
M.row = { "tls", "table", help = "certificates, for https", fields = M.fields }

--- The row of a field `proxy`.
M.proxy = { "proxy", "secret", help = "proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; " ..
  "those of the environment are not used" }

--- What is wrong with PROXY, a text or a secret that is not known yet.
function M.check_proxy(proxy, path, problem)
  if type(proxy) ~= "string" or proxy:find "^https?://[^/%s]" or proxy:find "^socks5h?://[^/%s]" then return end
  problem("proxy: expected an address that starts with http://, https:// or socks5h://", path)
end

--- What is wrong with TLS, the fields above, which stands at PATH.
function M.check(tls, path, problem)
  if not tls then return end
  if (tls.cert == nil) ~= (tls.key == nil) then problem("tls: cert and key go together", path) end
  local name = tls.server_name
  if name and (not name:find "^[%w%-%._]+$" or #name > 253) then problem(("tls: server_name %q is no name of a host"):format(name), path) end
end

return M

--- tls_server.lua - nginx with certificates of an authority of its own: who it is, and whom it lets in, is up to TLS.
--
-- At ADDRESS it is metrics.internal, and other.internal for those who ask for that name; /metrics says as whom it was
-- asked, and /sd lists it as a target.  At MEMBERS it is 127.0.0.1, for those who bring a certificate.
require("moonwatch.testing.nonet").allow() -- real programs
local nginx = require "nginx"
local proc = require "proc"

local M = {}

local function sh(dir, script)
  proc.write(dir .. "/make.sh", "set -e\ncd '" .. dir .. "'\n" .. script)
  local status, text = proc.run { "sh", dir .. "/make.sh" }
  assert(status == 0, text)
end

--- An authority NAME in the folder DIR: NAME.pem and NAME.key.
function M.authority(dir, name)
  sh(dir, ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=%s -keyout %s.key -out %s.pem\n"):format(name, name, name))
end

--- A certificate of AUTHORITY for the host NAME: NAME.pem and NAME.key.  AS: what it is for, when that is no name of a host.
function M.certificate(dir, authority, name, as)
  sh(dir, (([[
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=NAME -keyout NAME.key -out NAME.csr
printf 'subjectAltName=AS' > NAME.ext
openssl x509 -req -in NAME.csr -CA AUTHORITY.pem -CAkey AUTHORITY.key -CAcreateserial -days 2 -extfile NAME.ext -out NAME.pem
]]):gsub("=AS", "=" .. (as or "DNS:" .. name)):gsub("NAME", name):gsub("AUTHORITY", authority)))
end

local SERVERS = [[
  server {
    listen 127.0.0.1:PORT ssl default_server;
    server_name metrics.internal;
    ssl_certificate DIR/metrics.internal.pem;
    ssl_certificate_key DIR/metrics.internal.key;
    ssl_protocols TLSv1.2;
    location /metrics { default_type text/plain; return 200 "asked{as=\"$http_host\",name=\"$ssl_server_name\"} 1\n"; }
    location /sd { default_type application/json; return 200 '[{"targets":["127.0.0.1:PORT"],"labels":{"found":"yes"}}]'; }
  }
  server {
    listen 127.0.0.1:PORT ssl;
    server_name other.internal;
    ssl_certificate DIR/other.internal.pem;
    ssl_certificate_key DIR/other.internal.key;
  }
  server {
    listen 127.0.0.1:MEMBERS ssl;
    ssl_certificate DIR/here.pem;
    ssl_certificate_key DIR/here.key;
    ssl_client_certificate DIR/ours.pem;
    ssl_verify_client on;
    location / { default_type text/plain; return 200 "member{subject=\"$ssl_client_s_dn\"} 1\n"; }
  }
]]

--- { dir=, address=, members=, proc= }; dir has ours.pem (its authority), theirs.pem (another one), and member.pem with member.key.
function M.start()
  local dir, port, members = proc.scratch(), proc.free_port(), proc.free_port()
  M.authority(dir, "ours")
  M.authority(dir, "theirs")
  for _, name in ipairs { "metrics.internal", "other.internal", "member" } do M.certificate(dir, "ours", name) end
  M.certificate(dir, "ours", "here", "IP:127.0.0.1")
  local p = nginx.start(dir, SERVERS, { PORT = port, MEMBERS = members }, port)
  return { dir = dir, address = "127.0.0.1:" .. port, members = "127.0.0.1:" .. members, proc = p }
end

return M

--- web_server.lua - nginx in plain text, and with a certificate that it signed itself: redirects, JSON, a password, a cookie, a long answer.
require("moonwatch.testing.nonet").allow() -- real programs
local nginx = require "nginx"
local proc = require "proc"

local M = {}

local PAGES = [[
    location = /ok { default_type text/plain; add_header Last-Modified "Sun, 06 Nov 1994 08:49:37 GMT"; return 200 "all is well"; }
    location = /json { default_type application/json; return 200 '{"db":{"state":"up","queue":[3,9]}}'; }
    location = /one { return 302 /two; }
    location = /two { return 302 /ok; }
    location = /round { return 302 /round; }
    location = /login { add_header Set-Cookie "sid=7; Path=/; HttpOnly" always; return 303 /cart; }
    location = /cart { default_type text/plain; if ($cookie_sid != "7") { return 403; } return 200 "2 things"; }
    location = /gone { return 410; }
    location = /long { root DIR; }
    location = /secret { auth_basic "secret"; auth_basic_user_file DIR/users; try_files /long =404; }
    location = /echo { default_type text/plain; return 200 "$request_method $http_x_name $content_length"; }
]]

local SERVERS = [[
  server {
    listen 127.0.0.1:PORT;
    root DIR;
PAGES
  }
  server {
    listen 127.0.0.1:SECURE ssl;
    root DIR;
    ssl_certificate DIR/self.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate_key DIR/self.key;
PAGES
  }
]]

--- { url=, secure=, dir=, proc= }; dir/self.pem is who may have signed its certificate; ann / wonderland may read /secret.
function M.start()
  local dir, port, secure = proc.scratch(), proc.free_port(), proc.free_port()
  local status, text = proc.run { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "10", "-subj",
    "/CN=self", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", dir .. "/self.key", "-out", dir .. "/self.pem" }
  assert(status == 0, text)
  proc.write(dir .. "/users", "ann:{PLAIN}wonderland\n")
  proc.write(dir .. "/long", ("x"):rep(5000))
  os.execute(("chmod 755 '%s'"):format(dir)) -- its workers are nobody
  local p = nginx.start(dir, (SERVERS:gsub("PAGES\n", PAGES)), { PORT = port, SECURE = secure }, secure)
  return { dir = dir, url = "http://127.0.0.1:" .. port, secure = "https://127.0.0.1:" .. secure, proc = p }
end

return M

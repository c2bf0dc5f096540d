--- nginx.lua - the real nginx in a folder of its own, with the servers that a spec wants.
require("moonwatch.testing.nonet").allow() -- real programs
local proc = require "proc"

local M = {}

local CONFIG = [[
daemon off;
pid DIR/nginx.pid;
error_log DIR/error.log;
events {}
http {
  access_log off;
  client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/fastcgi; uwsgi_temp_path DIR/uwsgi; scgi_temp_path DIR/scgi;
SERVERS}
]]

--- nginx with SERVERS, blocks of its language, in which each name of WORDS (and DIR) stands for its value.  PORT: one of theirs.
function M.start(dir, servers, words, port)
  local text = CONFIG:gsub("SERVERS", (servers:gsub("%%", "%%%%"))):gsub("DIR", dir)
  for name, value in pairs(words) do text = text:gsub(name, tostring(value)) end
  proc.write(dir .. "/nginx.conf", text)
  local p = proc.spawn({ "nginx", "-c", dir .. "/nginx.conf", "-e", dir .. "/error.log", "-p", dir }, dir .. "/log")
  p:listens(port)
  return p
end

return M

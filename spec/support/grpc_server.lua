--- grpc_server.lua - a real server of gRPC (python3-grpcio) that answers grpc.health.v1, in plain text and over TLS.
--
-- As a whole it is SERVING, "down" is NOT_SERVING, "lost" is not known, "slow" is answered after a second.
require("moonwatch.testing.nonet").allow() -- real programs
local proc = require "proc"
local tls_server = require "tls_server"

local M = {}

local PROGRAM = [==[
import sys, time
from concurrent import futures
import grpc

STATES = {b"": 1, b"up": 1, b"down": 2}

def check(request, context):
    name = request[2:] if request else b""
    if name == b"slow":
        time.sleep(1)
    if name not in STATES:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return bytes([8, STATES[name]])

class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check" and sys.argv[4] == "health":
            return grpc.unary_unary_rpc_method_handler(check)

server = grpc.server(futures.ThreadPoolExecutor(32))
server.add_generic_rpc_handlers((Health(),))
server.add_insecure_port("127.0.0.1:" + sys.argv[2])
def read(name): return open(sys.argv[1] + "/" + name, "rb").read()
server.add_secure_port("127.0.0.1:" + sys.argv[3], grpc.ssl_server_credentials([(read("here.key"), read("here.pem"))]))
server.start()
server.wait_for_termination()
]==]

--- { dir=, address=, secure=, proc= }; dir/ours.pem is its authority.  BARE: without the health protocol.
function M.start(bare)
  local dir, port, secure = proc.scratch(), proc.free_port(), proc.free_port()
  tls_server.authority(dir, "ours")
  tls_server.certificate(dir, "ours", "here", "IP:127.0.0.1")
  proc.write(dir .. "/server.py", PROGRAM)
  local p = proc.spawn({ "/usr/bin/python3", dir .. "/server.py", dir, tostring(port), tostring(secure), bare and "bare" or "health" }, dir .. "/log")
  p:listens(secure, 20)
  return { dir = dir, address = "127.0.0.1:" .. port, secure = "127.0.0.1:" .. secure, proc = p }
end

return M

--- mail_server.lua - a real mail server (aiosmtpd): STARTTLS and signing in on one port, TLS from the start on another, neither on a third.
--
-- Ann (ann / wonderland, by PLAIN, LOGIN and CRAM-MD5) may sign in.  A recipient later@... is told 451 once, nobody@... 550, and
-- a mail from slow@... is never answered.
require("moonwatch.testing.nonet").allow() -- real programs
local dkjson = require "dkjson"
local proc = require "proc"
local tls_server = require "tls_server"

local M = {}
local Server = {}
Server.__index = Server

local PROGRAM = [==[
import asyncio, hmac, json, logging, ssl, sys, threading
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

DIR, PORTS = sys.argv[1], [int(p) for p in sys.argv[2:]]
logging.disable(logging.CRITICAL)
later = set()

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 nobody of that name"
        if address.startswith("later@") and address not in later:
            later.add(address)
            return "451 greylisted, come back"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        if envelope.mail_from.startswith("slow@"):
            await asyncio.sleep(60)
        auth = session.auth_data.login.decode() if session.authenticated else None
        with open(DIR + "/mails", "a") as f:
            f.write(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None, "auth": auth,
                                "hello": session.host_name, "data": envelope.content.decode()}) + "\n")
        return "250 taken"
    async def auth_CRAM__MD5(self, server, args):
        challenge = b"<1.2@mail>"
        said = await server.challenge_auth(challenge)
        user, digest = said.rsplit(b" ", 1)
        good = user == b"ann" and hmac.new(b"wonderland", challenge, "md5").hexdigest().encode() == digest
        class Who: login = user
        return AuthResult(success=good, handled=False, auth_data=Who)

def authenticator(server, session, envelope, mechanism, data):
    good = data.login == b"ann" and data.password == b"wonderland"
    return AuthResult(success=good, handled=False, auth_data=data)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(DIR + "/here.pem", DIR + "/here.key")
Controller(Handler(), hostname="127.0.0.1", port=PORTS[0], tls_context=context, authenticator=authenticator).start()
Controller(Handler(), hostname="127.0.0.1", port=PORTS[1], ssl_context=context).start()
Controller(Handler(), hostname="127.0.0.1", port=PORTS[2]).start()
threading.Event().wait()
]==]

--- { dir=, starttls=, tls=, plain= (addresses), proc= }; dir/ours.pem is its authority.
function M.start()
  local self = setmetatable({ dir = proc.scratch() }, Server)
  tls_server.authority(self.dir, "ours")
  tls_server.certificate(self.dir, "ours", "here", "IP:127.0.0.1")
  proc.write(self.dir .. "/server.py", PROGRAM)
  local ports = {}
  for i, name in ipairs { "starttls", "tls", "plain" } do
    ports[i] = proc.free_port()
    self[name] = "127.0.0.1:" .. ports[i]
  end
  self.proc = proc.spawn({ "/usr/bin/python3", self.dir .. "/server.py", self.dir, tostring(ports[1]), tostring(ports[2]), tostring(ports[3]) }, self.dir .. "/log")
  self.proc:listens(ports[3], 20)
  return self
end

--- The mails taken so far: list of { from=, to=, tls=, auth=, hello=, data= }.
function Server:mails()
  local f = io.open(self.dir .. "/mails", "rb")
  local out = {}
  for line in f and f:lines() or function() end do out[#out + 1] = dkjson.decode(line) end
  if f then f:close() end
  return out
end

function Server:stop() self.proc:stop() end

return M

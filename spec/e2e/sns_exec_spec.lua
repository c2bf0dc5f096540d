--- sns_exec_spec.lua - Amazon's call with a signature that is computed again, and programs that are run.
local dkjson = require "dkjson"
local proc = require "proc"
local server = require "server"

-- It answers like Amazon, and writes each request with the signature that it should have to DIR/requests.
local AMAZON = [==[
import hashlib, hmac, json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
DIR, SECRET = sys.argv[1], b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

def sign(h, body):
    scope = h["authorization"].split("Credential=")[1].split(",")[0]
    key_id, day, region, service, _ = scope.split("/")
    names = h["authorization"].split("SignedHeaders=")[1].split(",")[0]
    canonical = "POST\n/\n\n" + "".join("%s:%s\n" % (n, " ".join(h[n].split())) for n in names.split(";")) + "\n" + names + "\n" + hashlib.sha256(body).hexdigest()
    text = "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s" % (h["x-amz-date"], day, region, service, hashlib.sha256(canonical.encode()).hexdigest())
    key = b"AWS4" + SECRET
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return {"signature": hmac.new(key, text.encode(), "sha256").hexdigest(), "names": names, "key": key_id, "region": region, "service": service}

class H(BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        h = {k.lower(): v for k, v in self.headers.items()}
        row = sign(h, body)
        row.update({"said": h["authorization"].split("Signature=")[1], "body": body.decode(), "token": h.get("x-amz-security-token"), "type": h["content-type"]})
        open(DIR + "/requests", "a").write(json.dumps(row) + "\n")
        status, answer = 200, "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
        if b"Throttle" in body:
            status, answer = 400, "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
        if row["said"] != row["signature"]:
            status, answer = 403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></ErrorResponse>"
        self.send_response(status); self.send_header("content-length", str(len(answer))); self.end_headers(); self.wfile.write(answer.encode())
HTTPServer(("127.0.0.1", int(sys.argv[2])), H).serve_forever()
]==]

local node
local function test(name)
  local answer = assert(node:json("/api/mw/v1/receivers/" .. name .. "/test", { method = "POST", body = "" }))
  return answer.results[1], answer.results[1].error
end

describe("Amazon SNS", function()
  local dir, amazon, port
  setup(function()
    dir, port = proc.scratch(), proc.free_port()
    proc.write(dir .. "/amazon.py", AMAZON)
    amazon = proc.spawn { "/usr/bin/python3", dir .. "/amazon.py", dir, tostring(port) }
    amazon:listens(port, 20)
  end)
  teardown(function()
    node:stop()
    amazon:stop()
  end)

  it("takes what is signed as it wants it", function()
    node = server.start { rules = { ["r.lua"] = ([[
local function to(name, more)
  local f = { topic_arn = "arn:aws:sns:eu-west-1:123:ops", access_key = "AKIDEXAMPLE", secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", url = "http://127.0.0.1:PORT/" }
  for k, v in pairs(more) do f[k] = v end
  receiver(name) { sns(f) }
end
to("good", { message = "Störung: ${labels.alertname} + more & so on" })
to("token", { session_token = "a+b/c==" })
to("wrong", { secret_key = "not that" })
to("busy", { message = "Throttle" })
]]):gsub("PORT", tostring(port)) } }
    for _, name in ipairs { "good", "token" } do
      local result, why = test(name)
      assert.equal("sent", result.result, why)
    end
    local rows = {}
    for line in io.lines(dir .. "/requests") do rows[#rows + 1] = dkjson.decode(line) end
    local r = rows[1]
    assert.same({ "AKIDEXAMPLE", "eu-west-1", "sns", "application/x-www-form-urlencoded; charset=utf-8" }, { r.key, r.region, r.service, r.type })
    assert.truthy(r.body:find("Message=St%C3%B6rung%3A%20MoonwatchTest%20%2B%20more%20%26%20so%20on", 1, true), r.body)
    assert.equal("a+b/c==", rows[2].token)
    assert.truthy(rows[2].names:find("x-amz-security-token", 1, true), rows[2].names)
    local _, why = test "wrong"
    assert.equal("answered 403 SignatureDoesNotMatch: no", why)
    _, why = test "busy"
    assert.equal("answered 400 Throttling: Rate exceeded", why)
  end)
end)

describe("a program", function()
  local dir
  local function program(name, text)
    proc.write(dir .. "/bin/" .. name, "#!/bin/sh\n" .. text)
    os.execute(("chmod +x '%s/bin/%s'"):format(dir, name))
  end
  setup(function()
    dir = proc.scratch()
    os.execute(("mkdir -p '%s/bin'"):format(dir))
    program("good", 'cat > "$OUT/in"; env > "$OUT/env"; ls /proc/self/fd | wc -l > "$OUT/fds"; echo "$1" > "$OUT/arg"; pwd > "$OUT/pwd"\n')
    program("bad", "echo first >&2; echo 'the pager is off' >&2; exit 3\n")
    program("again", "exit 75\n")
    program("hangs", 'sleep 1000 & echo $! > "$OUT/child"; echo waiting >&2; wait\n')
    program("chatty", "yes >&2 & yes; exit 0\n")
    program("leaves", 'sleep 1000 & echo $! > "$OUT/left"; exit 0\n')
    node = server.start { config = ('settings { programs = { "%s/bin" } }\n'):format(dir), rules = { ["r.lua"] = ([[
local function runs(name, ...)
  receiver(name) { exec { command = { name, ... }, env = { OUT = "DIR" }, dir = "DIR", timeout = "500ms" } }
end
runs("good", "$(id); *")
runs "bad"
runs "again"
runs "hangs"
runs "chatty"
runs "leaves"
runs "none"
receiver "busy" { function() return false, "the pager is busy", { retry = true } end }
receiver "broken" { function() error "boom" end }
receiver "outside" { exec { command = { "/bin/true" } } }
receiver "dots" { exec { command = { "DIR/bin/../../../bin/true" } } }
]]):gsub("DIR", dir) } }
  end)
  teardown(function()
    node:stop()
    proc.cleanup()
  end)

  local function gone(pid)
    local f = io.open("/proc/" .. pid .. "/stat")
    local text = f and f:read "*a"
    if f then f:close() end
    return not text or text:match "%) (%a)" == "Z"
  end

  it("is given the message and nothing of the server's", function()
    local result, why = test "good"
    assert.equal("sent", result.result, why)
    assert.equal("MoonwatchTest", dkjson.decode(proc.read(dir .. "/in")).alerts[1].labels.alertname)
    assert.equal("$(id); *\n", proc.read(dir .. "/arg"))
    assert.truthy(proc.read(dir .. "/pwd"):find(dir, 1, true))
    assert.equal(4, tonumber(proc.read(dir .. "/fds"))) -- 0, 1, 2 and the folder that ls reads
    local env = proc.read(dir .. "/env")
    assert.truthy(env:find("MOONWATCH_RECEIVER=good\n", 1, true))
    for name in env:gmatch "([%w_]+)=" do
      assert.truthy(name:find "^MOONWATCH_" or (" PATH HOME LANG LC_ALL TZ USER LOGNAME TMPDIR OUT PWD OLDPWD SHLVL _ "):find(" " .. name .. " ", 1, true), name)
    end
  end)
  it("says why it failed, and whether to try again", function()
    local _, why = test "bad"
    assert.equal("exit status 3: first the pager is off", why)
    _, why = test "again"
    assert.equal("exit status 75", why)
    _, why = test "none"
    assert.truthy(why:find("there is no program none", 1, true), why)
  end)
  it("that hangs is killed with all it started", function()
    local _, why = test "hangs"
    assert.equal("was still running after 0.5 s and was killed: waiting", why)
    local child = proc.read(dir .. "/child"):match "%d+"
    proc.eventually(function() return gone(child) end, 10, "its child is gone")
    _, why = test "chatty"
    assert.truthy(why:find "^was still running")
    assert.is_true(#why < 500)
    assert.equal("sent", test("leaves").result)
    proc.eventually(function() return gone(proc.read(dir .. "/left"):match "%d+") end, 10, "what it left is gone")
  end)
  it("or a function says why it did not take a message", function()
    local _, why = test "busy"
    assert.equal("the pager is busy", why)
    assert.truthy(node:log():find('error="the pager is busy" again=true', 1, true) or node:log():find("again=true", 1, true), node:log())
    _, why = test "broken"
    assert.truthy(why:find("boom", 1, true), why)
  end)
  it("that stands elsewhere is not run", function()
    for _, name in ipairs { "outside", "dots" } do
      local _, why = test(name)
      assert.truthy(why:find("is not in one of the folders of settings.programs", 1, true), why)
    end
  end)
end)

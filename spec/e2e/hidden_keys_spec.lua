--- hidden_keys_spec.lua - keys that were written into rules as plain texts are read by nobody: not over HTTP, not in the log, not on a terminal.
local json = require "dkjson"
local net = require "net"
local proc = require "proc"
local server = require "server"

local KEYS = { "xoxSesameSlack24Letters", "123456:AAsesame-telegram", "sesame-password", "sesame-header", "sesame-bearer", "sesame-query", "c2VzYW1l" }

local RULES = [[
receiver "chat" { slack { url = "%s/services/T0AAAAAAA/B0BBBBBBB/xoxSesameSlack24Letters" } }
receiver "phone" { telegram { token = "123456:AAsesame-telegram", chat_id = 1, url = "%s" } }
receiver "hooks" {
  webhook { url = "%s/in?key=sesame-query", headers = { Authorization = "Token sesame-header" } },
  webhook { url = "http://me:sesame-password@127.0.0.1:%d/in" },
  webhook { url = "%s/in", bearer = "sesame-bearer" },
  webhook { url = "%s/in", auth = { user = "sesame", password = "sesame-password" } },
}
route { receiver = "hooks", group_wait = "10ms", group_interval = "500ms", routes = {
  { match = { to = "chat" }, receiver = "chat", continue = true }, { match = { to = "chat" }, receiver = "phone", continue = true }, { receiver = "hooks" } } }
alert "Down" { expr = "stage > 5", every = "200ms", labels = { to = "chat" } }]]

local PATHS = { "/api/mw/v1/receivers", "/api/mw/v1/notifications", "/api/mw/v1/why?alert=Down", "/api/mw/v1/audit", "/api/mw/v1/drills", "/api/mw/v1/rules",
  "/api/v1/rules", "/api/v1/alerts", "/api/v1/status/config", "/api/v1/status/flags", "/api/v2/status", "/api/v2/receivers", "/api/v2/alerts", "/api/v2/alerts/groups",
  "/api/mw/v1/settings", "/health", "/metrics" }

describe("a key in a rule file", function()
  local sink, node

  -- A receiver that tells all it was given, to whoever reads its answers.
  local function echo(request)
    return 404, { ["content-type"] = "application/json" },
      json.encode { ok = false, error_code = 404, description = "nothing at " .. request.path, error = request.path .. " " .. json.encode(request.headers) }
  end

  setup(function()
    sink = net.sink(echo)
    local u = sink.url
    node = server.start { rules = { ["r.lua"] = RULES:format(u, u, u, sink.port, u, u) } }
    node:push "stage 9\n"
    proc.eventually(function()
      sink:poll()
      local failed = 0
      for _, n in ipairs(node:json("/api/mw/v1/notifications").notifications) do failed = failed + (n.result == "failed" and 1 or 0) end
      return failed >= 6
    end, 30, "all six integrations refused it")
  end)
  teardown(function()
    sink:close()
    proc.cleanup()
  end)

  local function unread(text, where)
    for _, key in ipairs(KEYS) do assert.falsy(text:find(key, 1, true), ("%s tells %s:\n%s"):format(where, key, text)) end
  end

  it("reaches the receiver", function()
    local all = json.encode(sink.requests)
    for _, key in ipairs(KEYS) do
      -- A password is told with its user, in base64: the last of the keys.
      if key ~= "sesame-password" then assert.truthy(all:find(key, 1, true), key) end
    end
  end)

  it("is not told over HTTP, though the receiver says it in each of its answers", function()
    local told = 0
    for _, path in ipairs(PATHS) do
      local status, text = node:get(path)
      if status == 200 then told = told + 1 end
      unread(text, path)
    end
    assert.is_true(told > #PATHS - 3)
    local _, text = node:get "/api/mw/v1/notifications"
    assert.truthy(text:find("***", 1, true))
  end)

  it("is not on a terminal", function()
    for _, words in ipairs { { "receivers" }, { "why", "Down" }, { "audit" }, { "alerts" } } do
      local _, text = node:cli(unpack(words))
      unread(text, table.concat(words, " "))
    end
  end)

  it("is in no answer to a test message", function()
    for _, name in ipairs { "chat", "phone", "hooks" } do
      local test = proc.spawn { server.binary(), "notify", name, "--test", "--url", node.url }
      proc.eventually(function()
        sink:poll()
        return not test:alive()
      end, 40, "the test ends")
      local answer = test:output()
      assert.truthy(answer:find("failed", 1, true), answer)
      unread(answer, "notify " .. name)
    end
  end)

  it("is not in the log, nor in what is said of a file that cannot be loaded", function()
    node:write("bad.lua", 'receiver "bad" { webhook { url = "htps://h/xoxSesameSlack24Letters" }, alertmanager { urls = { "sesame-password" } } }')
    local _, text = node:get("/-/reload", { method = "POST", body = "" })
    assert.truthy(text:find("expected an address", 1, true), text)
    unread(text, "/-/reload")
    unread(node:log(), "the log")
  end)
end)

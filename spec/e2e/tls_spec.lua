--- tls_spec.lua - scrapes, lists of targets and checks over TLS, with a real server.
local proc = require "proc"
local server = require "server"
local tls_server = require "tls_server"

describe("over TLS", function()
  local peer, node
  setup(function() peer = tls_server.start() end)
  after_each(function() if node then node:stop() end end)
  teardown(function()
    peer.proc:stop()
    proc.cleanup()
  end)

  -- TEXT with the folder of certificates and the address of the server in it.
  local function start(text)
    node = server.start { rules = { ["tls.lua"] = (text:gsub("DIR", peer.dir):gsub("ADDRESS", peer.address):gsub("MEMBERS", peer.members)) } }
  end
  local function target(job)
    for _, t in ipairs(node:json("/api/v1/targets").data.activeTargets) do
      if t.labels.job == job then return t end
    end
  end
  local function up(job) proc.eventually(function() return node:value(('up{job="%s"}'):format(job)) == 1 end, 20, job .. " is up") end
  local function down(job, why)
    local last
    proc.eventually(function()
      local t = target(job)
      last = t and t.lastError
      return t and t.health == "down" and last:find(why) or error(last)
    end, 20, job .. " is down")
  end

  it("a target is who its certificate says, signed by whom we trust", function()
    start [[
local function job(name, tls, address)
  scrape(name) { targets = { address or "ADDRESS" }, scheme = "https", every = "500ms", tls = tls }
end
job("good", { ca = "DIR/ours.pem", server_name = "metrics.internal" })
job("other", { ca = "DIR/ours.pem", server_name = "other.internal" })
job("any", { insecure = true })
job("system", nil)
job("theirs", { ca = "DIR/theirs.pem", server_name = "metrics.internal" })
job("nameless", { ca = "DIR/ours.pem" })
job("nofile", { ca = "DIR/none.pem" })
job("member", { ca = "DIR/ours.pem", cert = "DIR/member.pem", key = "DIR/member.key" }, "MEMBERS")
job("stranger", { ca = "DIR/ours.pem" }, "MEMBERS")
]]
    for _, name in ipairs { "good", "other", "any", "member" } do up(name) end
    down("system", "^TLS with 127%.0%.0%.1:%d+: SSL certificate problem")
    down("theirs", "^TLS with metrics%.internal:%d+: SSL certificate problem")
    down("nameless", "no alternative certificate subject name matches target")
    down("nofile", "none%.pem")
    down("stranger", "server returned HTTP status 400")
    assert.equal(1, node:value(('asked{job="good", name="metrics.internal", as="%s"}'):format(peer.address)))
    assert.equal(1, node:value(('asked{job="any", name="", as="%s"}'):format(peer.address)))
    assert.equal(1, node:value 'asked{job="other", name="other.internal"}')
    assert.equal(1, node:value 'member{subject="CN=member"}')
    local yaml = node:json("/api/v1/scrape_pools/config?scrapePool=member").data.yaml
    for _, line in ipairs { "ca_file: ", "cert_file: ", "key_file: " } do assert.truthy(yaml:find(line, 1, true), yaml) end
  end)

  it("authorities may change while the server runs", function()
    proc.write(peer.dir .. "/trusted.pem", proc.read(peer.dir .. "/theirs.pem"))
    start 'scrape "a" { targets = { "ADDRESS" }, scheme = "https", every = "500ms", tls = { ca = "DIR/trusted.pem", server_name = "metrics.internal" } }'
    down("a", "SSL certificate problem")
    proc.write(peer.dir .. "/trusted.pem", proc.read(peer.dir .. "/ours.pem"))
    up "a"
  end)

  it("lists of targets are asked for, and checks are made", function()
    start [[
scrape "found" { http = { url = "https://ADDRESS/sd", every = "200ms", tls = { ca = "DIR/ours.pem", server_name = "metrics.internal" } },
  scheme = "https", every = "500ms", tls = { insecure = true } }
check "members" { every = "200ms", fail_after = 1, pass_after = 1, http = { url = "https://MEMBERS/",
  tls = { ca = "DIR/ours.pem", cert = "DIR/member.pem", key = "DIR/member.key" } } }
check "nobody" { every = "200ms", fail_after = 1, http = { url = "https://ADDRESS/metrics", tls = { ca = "DIR/theirs.pem" } } }
]]
    up "found"
    assert.equal("yes", target("found").labels.found)
    local checks
    proc.eventually(function()
      checks = node:json("/health").checks
      return checks.members.status == "healthy" and checks.nobody.status == "unhealthy"
    end, 20, "checks know")
    assert.truthy(checks.nobody.message:find("TLS with ", 1, true), checks.nobody.message)
    local yaml = node:json("/api/v1/scrape_pools/config?scrapePool=found").data.yaml
    assert.truthy(yaml:find("insecure_skip_verify: true", 1, true), yaml)
  end)

  it("receivers are told", function()
    start [[
alert "Always" { expr = "vector(1)", every = "200ms" }
receiver "both" {
  webhook { url = "https://MEMBERS/", tls = { ca = "DIR/ours.pem", cert = "DIR/member.pem", key = "DIR/member.key" } },
  webhook { url = "https://MEMBERS/" },
}
route { receiver = "both", group_wait = "0s" }]]
    local told, refused
    proc.eventually(function()
      for _, n in ipairs(node:json("/api/mw/v1/notifications").notifications) do
        for _, a in ipairs(n.attempts) do
          if a.ok then told = a.status else refused = a.error end
        end
      end
      return told and refused
    end, 20, "both were tried")
    assert.equal(200, told)
    assert.truthy(refused:find("^TLS with "), refused)
  end)

  it("functions ask, too", function()
    start [[
every("200ms", function(ctx)
  local answer = ctx.http.get("https://MEMBERS/", { tls = { ca = "DIR/ours.pem", cert = "DIR/member.pem", key = "DIR/member.key" } })
  ctx.metrics.gauge("asked_status"):set(answer.status or -1)
end)]]
    proc.eventually(function() return select(2, node:get "/metrics"):find("\nasked_status 200\n", 1, true) end, 10, "the function has its answer")
  end)

  it("what cannot be is refused when it is loaded", function()
    start ""
    node:write("bad.lua", 'scrape "a" { targets = { "h:1" }, tls = { cert = "x.pem" } }\nscrape "b" { targets = { "h:1" }, tls = { server_name = "a b" } }\n' ..
                          'check "c" { http = { url = "https://h/", tls = { key = "k.pem" } } }\n' ..
                          'receiver "d" { webhook { url = "https://h/", tls = { key = "k.pem" } } }\n')
    local answer, status = node:reload()
    assert.equal(422, status)
    local text = table.concat(answer.problems, "\n")
    assert.truthy(text:find('bad.lua:1:35: scrape "a": tls: cert and key go together', 1, true), text)
    assert.truthy(text:find('bad.lua:2:35: scrape "b": tls: server_name "a b" is no name of a host', 1, true), text)
    assert.truthy(text:find('bad.lua:3:', 1, true), text)
    assert.truthy(text:find('bad.lua:4:46: receiver "d": tls: cert and key go together', 1, true), text)
  end)
end)

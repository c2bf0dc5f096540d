--- discovery_spec.lua - targets that come, change and go while the server runs, and what functions make of them.
local json = require "dkjson"
local proc = require "proc"
local server = require "server"

describe("targets are discovered", function()
  local exporter, sd, sd_port, folder, node, other_port

  -- A list as files and endpoints have it.
  local function groups(...) return json.encode { { targets = { ... }, labels = { zone = "a" } } } end
  local function write(name, text)
    proc.write(folder .. "/.next", text)
    os.rename(folder .. "/.next", folder .. "/" .. name)
  end
  local function first() return "127.0.0.1:" .. exporter.port end
  local function second() return "127.0.0.1:" .. other_port end

  local function start(text)
    node = server.start { rules = { ["scrape.lua"] = text } }
  end
  local function targets(state) return node:json("/api/v1/targets?state=" .. (state or "active")).data end
  local function target(address)
    for _, t in ipairs(targets().activeTargets) do
      if t.discoveredLabels.__address__ == address then return t end
    end
  end
  local function scraped(job, n)
    proc.eventually(function() return (node:value(('sum(up{job="%s"})'):format(job)) or 0) == n end, 20, ("%d targets of %s are up"):format(n, job))
  end

  setup(function()
    other_port = proc.free_port()
    exporter = server.start { args = { "--listen", "127.0.0.1:" .. other_port } }
    folder, sd_port = proc.scratch(), proc.free_port()
    sd = proc.spawn { "luajit", "spec/support/sd_server.lua", tostring(sd_port), folder }
  end)
  after_each(function() node:stop() end)
  teardown(function()
    exporter:stop()
    sd:kill()
    proc.cleanup()
  end)

  it("in files of JSON and YAML, which may appear, break and go", function()
    start(('scrape "f" { files = { "%s/*.json", "%s/*.yml" }, every = "200ms" }'):format(folder, folder))
    assert.equal(0, #targets().activeTargets)
    write("a.json", groups(first()))
    scraped("f", 1)
    write("b.yml", ("- targets: ['%s']\n  labels: { zone: b }\n"):format(second()))
    scraped("f", 2)
    assert.equal(folder .. "/b.yml", target(second()).discoveredLabels.__meta_filepath)
    assert.same({ instance = second(), job = "f", zone = "b" }, target(second()).labels)
    write("b.yml", "- targets: [")
    proc.eventually(function() return node:log():find "target file is broken" end)
    assert.truthy(target(second()))
    os.remove(folder .. "/b.yml")
    proc.eventually(function() return not target(second()) end)
    proc.eventually(function() return #node:query('up{zone="b"}') == 0 end, 10, "its series end")
    local _, page = node:get "/metrics"
    assert.equal("1", page:match 'moonwatch_sd_refresh_failures_total{mechanism="file"} (%d+)')
    assert.equal("1", page:match 'moonwatch_sd_discovered_targets{mechanism="file"} (%d+)')
  end)

  it("at an HTTP endpoint, whose last good list stays while it fails", function()
    local url = ("http://127.0.0.1:%d/sd.json"):format(sd_port)
    write("sd.json", groups(first(), second()))
    start(('scrape "h" { http = { url = "%s", every = "200ms" }, every = "200ms" }'):format(url))
    scraped("h", 2)
    assert.equal(url, target(first()).discoveredLabels.__meta_url)
    write("sd.json", groups(second()))
    scraped("h", 1)
    write("sd.json", '[{"targets":[1]}]')
    proc.eventually(function() return node:log():find "targets cannot be discovered" end)
    os.remove(folder .. "/sd.json")
    proc.eventually(function() return node:log():find "HTTP status 404" end)
    assert.truthy(target(second()))
    write("sd.json", "[]")
    proc.eventually(function() return #targets().activeTargets == 0 end)
  end)

  it("by name servers, whose last answer stays while they fail", function()
    local dns = ('servers = "127.0.0.1:%d", every = "200ms"'):format(sd_port)
    write("zone", ("_web._tcp.test SRV 0 0 %d localhost\nweb.test A 127.0.0.1\nmail.test MX 1 localhost\n"):format(other_port))
    start(([[
      scrape "srv" { dns = { name = "_web._tcp.test", %s }, every = "200ms" }
      scrape "a" { dns = { { name = { "web.test", "gone.test" }, type = "A", port = %d, %s } }, every = "200ms" }
      scrape "mx" { dns = { name = "mail.test", type = "MX", port = %d, %s }, every = "200ms" }
    ]]):format(dns, exporter.port, dns, exporter.port, dns))
    scraped("srv", 1)
    scraped("a", 1)
    scraped("mx", 1)
    local found = target("localhost:" .. other_port).discoveredLabels
    assert.equal("_web._tcp.test", found.__meta_dns_name)
    assert.equal("localhost.", found.__meta_dns_srv_record_target)
    assert.equal(tostring(other_port), found.__meta_dns_srv_record_port)
    assert.equal("localhost.", target("localhost:" .. exporter.port).discoveredLabels.__meta_dns_mx_record_target)
    write("zone", "fail\n")
    proc.eventually(function() return node:log():find "targets cannot be discovered by=dns" end)
    assert.equal(3, #targets().activeTargets)
    write("zone", ("_web._tcp.test SRV 0 0 %d localhost\n_web._tcp.test SRV 0 0 %d localhost\n"):format(other_port, exporter.port))
    scraped("srv", 2)
    proc.eventually(function() return #node:query 'up{job="a"}' == 0 end, 10, "a name that is gone ends its series")
  end)

  it("and a function says which of them are wanted, and how", function()
    write("r.json", json.encode {
      { targets = { first() }, labels = { role = "web", __meta_rack = "7" } },
      { targets = { second() }, labels = { role = "old" } },
    })
    local text = [[
      scrape "r" {
        files = "%s/r.json", targets = { "not a host" }, params = { debug = "1" }, every = "200ms",
        relabel = function(target)
          if target.labels.role == "old" then return nil end
          if target.address == "not a host" then
            target.params.target, target.address = target.address, "%s"
            target.labels.instance = "probe"
          else
            target.labels.rack = target.labels.__meta_rack
          end
          target.path = "/metrics"
          return target
        end,
      }
    ]]
    start(text:format(folder, second()))
    scraped("r", 2)
    assert.same({ instance = first(), job = "r", role = "web", rack = "7" }, target(first()).labels)
    assert.equal(("http://%s/metrics?debug=1&target=not%%20a%%20host"):format(second()), target("not a host").scrapeUrl)
    local dropped = targets("dropped")
    assert.equal(1, #dropped.droppedTargets)
    assert.equal("old", dropped.droppedTargets[1].discoveredLabels.role)
    assert.equal("r", dropped.droppedTargets[1].scrapePool)
    assert.equal(1, dropped.droppedTargetCounts.r)
    local status, shown = node:cli("targets", "--dropped")
    assert.equal(0, status)
    assert.matches("r +" .. second():gsub("%.", "%%.") .. " +__meta_filepath=%S+/r.json __param_debug=1 role=old", shown)
    node:write("scrape.lua", (text:format(folder, second()):gsub('"old"', '"web"')))
    assert(node:reload().ok)
    proc.eventually(function() return target(second()) and not target(first()) end)
    node:write("scrape.lua", (text:format(folder, second()):gsub('"old"', "nil + 1")))
    assert(node:reload().ok)
    proc.eventually(function() return #targets("dropped").droppedTargets == 3 end, 10, "a function that fails drops them")
    assert.truthy(node:log():find "relabel failed, and the target is left out")
  end)

  it("and a function says which series are kept, and under which labels", function()
    local text = [[
      scrape "k" {
        targets = { "%s" }, every = "200ms",
        drop = { '{__name__=~"moonwatch_actor_.*"}' }, only = { '{__name__=~"moonwatch_.*|active.*"}' },
        keep = function(sample)
          if sample.name == "moonwatch_net_requests_active" then return nil end
          if sample.name == "active_connections" then sample.name, sample.labels.kind = "connections", "active" end
          return sample
        end,
      }
    ]]
    start(text:format(first()))
    scraped("k", 1)
    assert.truthy(node:value 'connections{job="k", kind="active"}')
    assert.truthy(node:value 'moonwatch_net_requests_queued{job="k"}')
    assert.is_nil(node:value 'moonwatch_net_requests_active{job="k"}')
    assert.is_nil(node:value '{__name__=~"moonwatch_actor_.*", job="k"}')
    assert.is_nil(node:value '{__name__=~"http.*", job="k"}')
    assert.truthy(node:value 'scrape_samples_scraped{job="k"} > scrape_samples_post_metric_relabeling{job="k"}')
    node:write("scrape.lua", (text:format(first()):gsub('"moonwatch_net_requests_active"', '"moonwatch_net_requests_queued"')))
    assert(node:reload().ok)
    proc.eventually(function()
      return node:value 'moonwatch_net_requests_active{job="k"}' and not node:value 'moonwatch_net_requests_queued{job="k"}'
    end, 10, "another function judges again")
    node:write("scrape.lua", (text:format(first()):gsub("return nil end", "error 'no idea' end", 1)))
    assert(node:reload().ok)
    proc.eventually(function() return node:value 'up{job="k"}' == 0 end, 10, "a function that fails fails the scrape")
    assert.truthy(target(first()).lastError:find("keep failed for moonwatch_net_requests_active{", 1, true))
    assert.is_nil(node:value 'moonwatch_net_requests_queued{job="k"}')
  end)
end)

--- store_spec.lua - what was accepted stays: over restarts, crashes, full disks and damaged files.
local net = require "net"
local proc = require "proc"
local remote = require "remote"
local server = require "server"

local now = os.time()

local function start(options)
  options = options or {}
  options.config = options.config or 'settings { out_of_order = "all" }'
  return server.start(options)
end

--- The same folder, served again.
local function again(node) return server.start { dir = node.dir, config = proc.read(node.dir .. "/moonwatch.lua") } end

local function own(node, name)
  local status, page = node:get "/metrics"
  assert.equal(200, status)
  return tonumber(page:match("\n" .. name .. " ([^\n]+)"))
end

describe("the store", function()
  after_each(proc.cleanup)

  it("keeps samples, exemplars and metadata over an orderly end, and replays nothing then", function()
    local node = start()
    local status, body = node:post("/api/v1/import/prometheus", ([[
# HELP shop_orders Orders taken.
# TYPE shop_orders counter
shop_orders_total{shop="1"} 7 %d # {trace_id="abc"} 1 %d
# EOF
]]):format(now, now), "application/openmetrics-text; version=1.0.0")
    assert.is_true(status and status < 300, body)
    assert.equal(0, node:stop())
    node = again(node)
    assert.equal(0, own(node, "moonwatch_tsdb_replayed_frames"))
    assert.equal(7, node:value "shop_orders_total")
    local examples = node:json("/api/v1/query_exemplars?query=shop_orders_total&start=" .. now - 60 .. "&end=" .. now + 60)
    assert.equal("abc", examples.data[1].exemplars[1].labels.trace_id)
    assert.truthy(node:json("/api/v1/metadata").data.shop_orders)
    node:stop()
  end)

  it("keeps them over kill -9, too", function()
    local node = start()
    node:push(('crash_total{n="1"} 1 %d000\ncrash_total{n="2"} 2 %d000\n'):format(now, now))
    node:kill()
    node = again(node)
    assert.is_true(own(node, "moonwatch_tsdb_replayed_frames") > 0)
    assert.equal(3, node:value "sum(crash_total)")
    node:stop()
  end)

  it("loses nothing acknowledged, however often it is killed under load", function()
    local node = start()
    local acked, pushed = node.dir .. "/acked", 0
    proc.write(acked, "")
    for round = 1, 5 do
      -- Each pusher writes down a number only after its 2xx.
      local pushers = {}
      for p = 1, 2 do
        pushers[p] = proc.spawn({ "sh", "-c", ([[
i=0; while [ $i -lt 400 ]; do i=$((i + 1))
  code=$(printf 'load{pusher="%d",n="%d-%%s"} %%s %%s\n' $i $i %d000 | curl -s -o /dev/null -w '%%{http_code}' --data-binary @- %s/api/v1/import/prometheus)
  case $code in 2*) echo "%d %d-$i $i" >>%s ;; *) exit 0 ;; esac
done]]):format(p, round, now, node.url, p, round, acked) })
      end
      local enough = 15 * round + math.random(30) -- and then at whatever moment it is
      proc.eventually(function() return select(2, proc.read(acked):gsub("\n", "")) >= enough end, 20, "samples are acknowledged")
      node:kill()
      for _, p in ipairs(pushers) do p:wait(20) end
      node = again(node)
    end
    local rows, have = node:query "load", {}
    for _, row in ipairs(rows) do
      have[row.metric.pusher .. " " .. row.metric.n] = tonumber(row.value[2])
      assert.equal(tonumber(row.metric.n:match "%-(%d+)$"), tonumber(row.value[2])) -- nothing invented
    end
    for line in io.lines(acked) do
      local pusher, n, value = line:match "^(%d+) (%S+) (%d+)$"
      assert.equal(tonumber(value), have[pusher .. " " .. n], line)
      pushed = pushed + 1
    end
    assert.is_true(pushed >= 75)
    node:stop()
  end)

  it("sets a damaged block aside, names it, and serves the rest", function()
    local node = start()
    node:push(("old 1 %d000\n"):format(now - 60))
    node:stop()
    node = again(node)
    node:push(("young 2 %d000\n"):format(now))
    node:stop()
    local path = node.dir .. "/data/metrics/blocks/0000000000000001.blk"
    local text = proc.read(path)
    local at = math.floor(#text / 2)
    proc.write(path, text:sub(1, at) .. string.char((text:byte(at + 1) + 1) % 256) .. text:sub(at + 2))
    node = again(node)
    proc.eventually(function() return own(node, "moonwatch_tsdb_quarantined_blocks_total") == 1 end, 10, "it is set aside")
    assert.truthy(node:log():find("0000000000000001.blk", 1, true))
    assert.truthy(io.open(node.dir .. "/data/metrics/quarantine/0000000000000001.blk"))
    assert.equal(2, node:value "young")
    assert.is_nil(node:value "old")
    node:stop()
  end)

  it("deletes series for good", function()
    local node = start()
    node:push(('gone{n="1"} 1 %d000\ngone{n="2"} 2 %d000\n'):format(now, now))
    node:stop()
    node = again(node)
    assert.equal(400, (node:post "/api/v1/admin/tsdb/delete_series"))
    assert.equal(204, (node:post("/api/v1/admin/tsdb/delete_series?match[]=" .. net.escape 'gone{n="1"}')))
    assert.equal(2, node:value "sum(gone)")
    node:kill()
    node = again(node)
    assert.equal(2, node:value "sum(gone)")
    assert.equal(204, (node:post "/api/v1/admin/tsdb/clean_tombstones"))
    node:stop()
  end)

  it("makes snapshots that another moonwatch can serve", function()
    local node = start()
    node:push(("kept 3 %d000\n"):format(now))
    local answer = node:json("/api/v1/admin/tsdb/snapshot", { method = "POST", body = "" })
    assert.equal("success", answer.status)
    node:push(("later 4 %d000\n"):format(now))
    local copy = proc.scratch()
    os.execute(("cp -r '%s/data/snapshots/%s' '%s/data'"):format(node.dir, answer.data.name, copy))
    local other = start { dir = copy }
    assert.equal(3, other:value "kept")
    assert.is_nil(other:value "later")
    other:stop()
    node:stop()
  end)

  it("keeps native histograms and gives them back", function()
    local node = start()
    local h = { schema = 0, first = 0, counts = { 1, 2 }, count = 3, sum = 4.5 }
    assert.equal(204, (remote.write(node, { { labels = { __name__ = "latency" }, remote.histogram(now * 1000, h) } })))
    node:kill()
    node = again(node)
    local row = node:query "latency"[1]
    assert.same({ count = "3", sum = "4.5", buckets = { { 0, "0.5", "1", "1" }, { 0, "1", "2", "2" } } }, row.histogram[2])
    node:stop()
    node = again(node)
    local range = node:json(("/api/v1/query_range?query=latency&start=%d&end=%d&step=15"):format(now, now + 30))
    assert.equal("4.5", range.data.result[1].histograms[1][2].sum)
    node:stop()
  end)

  it("says what is wrong with settings of durability and retention", function()
    local dir = proc.scratch()
    local function check(settings)
      proc.write(dir .. "/moonwatch.lua", "settings { " .. settings .. " }\n")
      return proc.run { server.binary(), "check", dir .. "/moonwatch.lua" }
    end
    for _, good in ipairs { 'durability = "always"', 'durability = "1s"', 'retention = { metrics = "30d", { match = "{__name__=~\\"debug_.*\\"}", keep = "1d" } }' } do
      local status, output = check(good)
      assert.equal(0, status, output)
    end
    for _, bad in ipairs { 'durability = "sometimes"', 'retention = { { match = "{__name__=", keep = "1d" } }', 'retention = { { keep = "1d" } }' } do
      local status, output = check(bad)
      assert.equal(1, status, bad)
      assert.truthy(output:find "moonwatch.lua:1:", output)
    end
  end)

  it("waits for the disk with every commit when told so", function()
    local node = start { config = 'settings { durability = "always" }' }
    local before = own(node, "moonwatch_tsdb_journal_syncs_total")
    for i = 1, 5 do node:push(("synced %d %d\n"):format(i, now * 1000 + i)) end
    assert.is_true(own(node, "moonwatch_tsdb_journal_syncs_total") >= before + 5)
    node:stop()
  end)

  it("does not run wild when it is out of file handles, and serves again when there are some", function()
    local dir = proc.scratch()
    local port = proc.free_port()
    proc.write(dir .. "/few.sh", ("ulimit -n 60\nexec %s run --listen 127.0.0.1:%d --data %s/data\n"):format(server.binary(), port, dir))
    local node = proc.spawn({ "sh", dir .. "/few.sh" }, dir .. "/log")
    local url = "http://127.0.0.1:" .. port
    proc.eventually(function() return net.request(url .. "/-/ready") == 200 end, 20, "it is ready")
    local function cpu()
      local fields = {}
      for field in proc.read(("/proc/%d/stat"):format(node.pid)):match("%) (.*)"):gmatch "%S+" do fields[#fields + 1] = field end
      return (tonumber(fields[12]) + tonumber(fields[13])) / 100
    end
    local held = {}
    for i = 1, 90 do
      held[i] = require("socket").tcp()
      held[i]:settimeout(1)
      held[i]:connect("127.0.0.1", port)
      held[i]:send "GET / HTTP/1.1\r\n" -- and never the rest
    end
    proc.eventually(function() return node:output():find "no new connection can be taken" end, 10, "it says so")
    local before = cpu()
    require("socket").sleep(1)
    assert.is_true(cpu() - before < 0.5)
    for _, s in ipairs(held) do s:close() end
    proc.eventually(function() return net.request(url .. "/-/ready") == 200 end, 10, "it serves again")
    assert.equal(0, node:stop())
  end)
end)

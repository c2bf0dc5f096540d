--- audit_spec.lua - the chain of who did what, with a real server: written, verified, tampered with, exported.
local json_of = require "dkjson"
local proc = require "proc"
local server = require "server"

local RULE = 'alert "Down" { expr = "up == 0" }\n'

local function run(...)
  local status, out = proc.run { server.binary(), ... }
  return status, out
end

local function chain_of(s)
  local found = {}
  for line in proc.read(s.dir .. "/data/audit/00000000000000000001.log"):gmatch "[^\n]+" do found[#found + 1] = line end
  return found
end

local function entries(s)
  local out = {}
  local _, text = s:get "/api/mw/v1/audit/export"
  for line in text:gmatch "[^\n]+" do out[#out + 1] = json_of.decode(line) end
  return out
end

local function last_of(s, what)
  local last
  for _, e in ipairs(entries(s)) do
    if e.what == what then last = e end
  end
  return last
end

local function own(s, name)
  local _, page = s:get "/metrics"
  return tonumber(page:match("\n" .. name .. " (%S+)"))
end

local function silence(s, author)
  local status, body = s:post("/api/mw/v1/silences",
    '{"matchers":[{"name":"a","value":"b","isRegex":false}],"for":"1h","comment":"x","createdBy":"' .. author .. '"}')
  assert(status < 300, body)
end

describe("the audit chain of a server", function()
  local s
  before_each(function() s = server.start { rules = { ["web.lua"] = RULE } } end)
  after_each(function() s:stop() end)

  it("fits, also by nothing but sha256sum", function()
    silence(s, "ana")
    local status, out = run("audit", "verify", s.dir .. "/data/audit")
    assert.equal(0, status, out)
    assert.match("%d entries fit, from 1", out)
    local before, n = ("0"):rep(64), 0
    for i, line in ipairs(chain_of(s)) do
      if i > 1 then
        local hash, json = line:match "^(%x+) (.*)$"
        proc.write(s.dir .. "/one", before .. " " .. json)
        local _, sum = proc.run { "sha256sum", s.dir .. "/one" }
        assert.equal(hash, sum:sub(1, 64))
        before, n = hash, n + 1
      end
    end
    assert.is_true(n >= 3)
  end)

  it("says which files a reload changed, by hash, and who asked", function()
    local first = last_of(s, "config.loaded")
    assert.equal("start", first.details.reason)
    s:write("web.lua", RULE .. "-- more\n")
    s:post("/-/reload", "", nil, { ["x-forwarded-user"] = "bea" })
    local e = last_of(s, "config.loaded")
    assert.same({ "bea", "127.0.0.1", "POST /-/reload", 1 }, { e.who, e.from, e.details.reason, e.details.changed })
    local row
    for name, text in pairs(e.details) do
      if name:find "web.lua" then row = text end
    end
    assert.match("^%x+ %-> %x+$", row)
    s:write("web.lua", "alert {")
    s:post("/-/reload", "")
    assert.equal(1, last_of(s, "config.refused").details.problems)
    s:write("web.lua", RULE)
    s.proc:signal "HUP"
    proc.eventually(function() return last_of(s, "config.loaded").who == "signal" end, 10, "the reload by a signal is there")
    assert.match("^pid %d+ of user %d+$", last_of(s, "config.loaded").from)
  end)

  it("knows what was changed while it was not there, and shows what it did before", function()
    silence(s, "ana")
    s:stop()
    s:write("web.lua", RULE .. "-- changed at night\n")
    s = server.start { dir = s.dir, port = s.port }
    local e = last_of(s, "config.loaded")
    assert.same({ "start", 1, 0 }, { e.details.reason, e.details.changed, e.details.added })
    local whats = {}
    for _, row in ipairs(s:json("/api/mw/v1/audit").audit) do whats[row.what] = row.seq end
    assert.is_truthy(whats["silence.made"])
    assert.is_truthy(whats["server.stopped"])
    assert.equal(0, (run("audit", "verify", s.dir .. "/data/audit")))
  end)

  it("is seen to be changed, by the folder and by the server", function()
    silence(s, "ana")
    silence(s, "bea")
    local path = s.dir .. "/data/audit/00000000000000000001.log"
    local text = proc.read(path)
    local seq = text:match '"seq":(%d+)[^\n]*"who":"ana"'
    proc.write(path, (text:gsub('"who":"ana"', '"who":"eve"')))
    local status, out = run("audit", "verify", s.dir .. "/data/audit")
    assert.equal(1, status)
    assert.match("does not fit at entry " .. seq .. ":.*was changed", out)
    status, out = run("audit", "verify", "--url", s.url)
    assert.equal(1, status)
    assert.match("entry " .. seq, out)
    proc.write(path, text)
    assert.equal(0, (run("audit", "verify", "--url", s.url)))
  end)

  it("is seen to be cut off by who remembers its head, as the metrics and the log say it", function()
    silence(s, "ana")
    local head = s:json "/api/mw/v1/audit/head"
    assert.equal(head.seq, own(s, "moonwatch_audit_head_seq"))
    assert.equal(tonumber(head.hash:sub(1, 13), 16), own(s, "moonwatch_audit_head_hash"))
    local _, page = s:get "/metrics"
    local infos = {}
    for line in page:gmatch "moonwatch_audit_head_info(%b{}) 1" do infos[#infos + 1] = line end
    assert.equal(1, #infos)
    assert.is_truthy(infos[1]:find(('hash="%s"'):format(head.hash), 1, true) and infos[1]:find(('seq="%d"'):format(head.seq), 1, true))
    local path = s.dir .. "/data/audit/00000000000000000001.log"
    local text = proc.read(path)
    proc.write(path, (text:gsub("[^\n]+\n$", "")))
    assert.match("its end was cut off", select(2, run("audit", "verify", s.dir .. "/data/audit")))
    os.remove(s.dir .. "/data/audit/head")
    assert.equal(0, (run("audit", "verify", s.dir .. "/data/audit")))
    local status, out = run("audit", "verify", s.dir .. "/data/audit", "--head", ("%d:%s"):format(head.seq, head.hash:sub(1, 13)))
    assert.equal(1, status)
    assert.match("its end was cut off", out)
    proc.write(path, text)
  end)

  it("says itself that it was cut off, when the server starts behind it", function()
    silence(s, "ana")
    s.proc:stop()
    local path = s.dir .. "/data/audit/00000000000000000001.log"
    proc.write(path, (proc.read(path):gsub("[^\n]+\n[^\n]+\n$", "")))
    s = server.start { dir = s.dir, port = s.port }
    local status, out = run("audit", "verify", s.dir .. "/data/audit")
    assert.equal(0, status, out)
    assert.match("it tells of damage itself: entry %d+, %S+: audit.cut", out)
    local e = last_of(s, "audit.cut")
    assert.equal(e.seq + 1, e.details.remembered)
    assert.equal(2, (run("audit", "verify", s.dir .. "/rules")))
  end)

  it("is exported as JSON and CSV, of a time, by a server and by a folder, and as it is", function()
    silence(s, "=HYPERLINK(1)")
    local _, json = run("audit", "export", s.dir .. "/data/audit")
    local rows = json_of.decode(json)
    assert.equal("server.started", rows[1].what)
    assert.equal(64, #rows[#rows].hash)
    local _, again = run("audit", "export", "--url", s.url)
    assert.equal(json, again)
    local _, csv = run("audit", "export", "--csv", "--url", s.url)
    assert.match("^seq,time,node,what,who,from,details,hash\r\n1,", csv)
    assert.match(",'=HYPERLINK%(1%),", csv)
    local _, none = run("audit", "export", "--to", "1h", "--url", s.url)
    assert.equal("[]\n", none)
    local _, chain = s:get "/api/mw/v1/audit/chain"
    proc.write(s.dir .. "/chain.txt", chain)
    assert.equal(0, (run("audit", "verify", s.dir .. "/chain.txt")))
    assert.equal(2, (run("audit", "export", "--json", "--csv")))
    assert.equal(2, (run("audit", "verify", "/nowhere")))
  end)

  it("has who deleted series, and how many samples left the disk with them", function()
    s:push 'a_total{x="1"} 1\na_total{x="2"} 2\n'
    s:post("/api/v1/admin/tsdb/snapshot", "") -- seals what is in memory
    s:post('/api/v1/admin/tsdb/delete_series?match[]=a_total%7Bx%3D%221%22%7D', "", nil, { ["x-forwarded-user"] = "dpo" })
    local e = last_of(s, "data.deleted")
    assert.same({ "dpo", "127.0.0.1", 'a_total{x="1"}' }, { e.who, e.from, e.details.match1 })
    local proof = last_of(s, "retention.deleted").details
    assert.same({ "metrics", "wish", 1 }, { proof.signal, proof.why, proof.samples })
    assert.is_truthy(last_of(s, "data.snapshot").details.name)
    local shown = {}
    for _, row in ipairs(s:json("/api/mw/v1/audit?what=data").audit) do shown[#shown + 1] = row.what end
    assert.same({ "data.deleted", "data.snapshot" }, shown)
  end)
end)

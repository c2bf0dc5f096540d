--- marks_spec.lua - marks are kept, found by time and service, and never more than there is room for.
local book = require "moonwatch.marks.book"
local marks_api = require "moonwatch.api.marks"
local fake_host = require "fake_host"

local NOW = 1700000000

describe("marks", function()
  local host, engine
  before_each(function()
    host = fake_host.new()
    engine = { host = host, marks = book.new { host = host, journal = host.journal "marks" } }
  end)
  local function ask(method, body, query, id)
    local f = id and marks_api["/api/mw/v1/marks/*"] or marks_api["/api/mw/v1/marks"]
    local values = {}
    for k, v in pairs(query or {}) do values[k] = { v } end
    local answer = f(engine, { method = method, body = body and host.json.encode(body) or "", query = values, headers = {} }, NOW, id)
    return answer.status, host.json.decode(answer.body)
  end
  local function titles(query)
    local out = {}
    for i, m in ipairs(select(2, ask("GET", nil, query)).marks) do out[i] = m.title end
    return out
  end

  it("are there for those who ask for their time and service, in order", function()
    assert.equal(200, (ask("POST", { kind = "deploy", service = "shop", version = "1.2", time = NOW - 60 })))
    ask("POST", { kind = "deploy", service = "cart", time = NOW - 120 })
    ask("POST", { text = "moon is full", time = NOW - 7200, ["until"] = NOW - 3000 })
    ask("POST", { kind = "experiment", time = NOW - 9000 })
    assert.same({ "note: moon is full", "deploy cart", "deploy shop 1.2" }, titles())
    assert.same({ "note: moon is full", "deploy shop 1.2" }, titles { service = "shop" })
    assert.same({ "deploy cart", "deploy shop 1.2" }, titles { kind = "deploy" })
    assert.same({ "experiment", "note: moon is full" }, titles { from = tostring(NOW - 10000), to = tostring(NOW - 5000) })
    assert.same({ "deploy shop 1.2" }, titles { limit = "1" })
  end)
  it("can end later, be corrected and be taken away", function()
    local id = select(2, ask("POST", { kind = "deploy", time = NOW - 60 })).id
    local _, mark = ask("POST", { ["until"] = NOW, text = "rolled back" }, nil, id)
    assert.same({ NOW, "deploy: rolled back" }, { mark["until"], mark.title })
    assert.equal(400, (ask("POST", { ["until"] = NOW - 100 }, nil, id)))
    assert.equal(400, (ask("POST", { kind = "note" }, nil, id)))
    assert.equal(200, (ask("DELETE", nil, nil, id)))
    assert.equal(404, (ask("GET", nil, nil, id)))
  end)
  it("are refused when they make no sense, with what to do", function()
    local function refused(body, pattern)
      local status, answer = ask("POST", body)
      assert.equal(400, status)
      assert.matches(pattern, answer.error.message)
    end
    refused({ tiem = 5 }, 'unknown field "tiem"')
    refused({ time = "yesterday" }, "expected unix seconds")
    refused({ time = NOW, ["until"] = NOW - 1 }, "ends before it begins")
    refused({ kind = "two words" }, 'a word such as "deploy"')
    refused({ labels = { ["a-b"] = "x" } }, '"a%-b" is not a label name')
    refused({ labels = { a = 5 } }, "labels: a: expected a text")
    refused({ text = ("x"):rep(2001) }, "text: longer than 2000")
    refused({ time = NOW + 1e9 }, "expected unix seconds")
    assert.equal(400, (ask("GET", nil, { from = "soon" })))
  end)
  it("are there after a restart, as they were last", function()
    local a = select(2, ask("POST", { kind = "deploy", labels = { team = "web" } })).id
    local b = select(2, ask("POST", { kind = "deploy" })).id
    ask("POST", { text = "done" }, nil, a)
    ask("DELETE", nil, nil, b)
    engine.marks = book.new { host = host, journal = host.journal "marks" }
    assert.same({ "deploy: done" }, titles())
    assert.same({ team = "web" }, engine.marks:get(a).labels)
    assert.is_nil(engine.marks:get(b))
  end)
  it("are not said to be kept when the disk does not take them", function()
    host.disk_full = true
    local status, answer = ask("POST", { kind = "deploy" })
    assert.equal(503, status)
    assert.matches("No space left", answer.error.message)
    assert.same({}, titles())
  end)
  it("make room: the oldest goes, and the journal stays as long as what is in it", function()
    local most = book.MOST
    finally(function() book.MOST = most end)
    book.MOST = 10
    for i = 1, 3000 do engine.marks:put { kind = "note", time = NOW - 3000 + i, labels = {}, text = tostring(i) } end
    assert.same({ "note: 2991", "note: 3000" }, { titles()[1], titles()[10] })
    assert.equal(10, #engine.marks.list)
    assert.truthy(host.journal("marks"):bytes() < 2100 * 150)
    assert.equal(10, #book.new({ host = host, journal = host.journal "marks" }).list)
  end)
  it("reach the other nodes, and are not told again by them", function()
    local told = {}
    engine.marks = book.new { host = host, share = function(id, value) told[#told + 1] = { id, value } end }
    local id = select(2, ask("POST", { kind = "deploy" })).id
    local other = book.new { host = host, share = function() error "it tells it again" end }
    other:shared(told[1][1], told[1][2])
    assert.equal("deploy", other:get(id).kind)
    ask("DELETE", nil, nil, id)
    other:shared(told[2][1], told[2][2])
    assert.is_nil(other:get(id))
    other:shared("x", { id = "y", time = 5, kind = "note" })
    other:shared("z", { id = "z" })
    assert.equal(0, #other.list)
  end)
end)

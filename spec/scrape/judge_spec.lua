--- judge_spec.lua - what functions of `scrape` are given, and what counts of what they give back.
local fake_host = require "fake_host"
local scrape = require "moonwatch.config.scrape"

local DISCOVERED = {
  __address__ = "a:1", __metrics_path__ = "/metrics", __scheme__ = "http", __scrape_interval__ = "15s", __scrape_timeout__ = "10s",
  __param_module = "http", __meta_rack = "7", job = "j",
}

local function set_of(fields)
  local rule = { name = "j", headers = {}, labels = {}, params = {}, targets = { "a:1" } }
  for name, fn in pairs(fields) do rule[name] = { ["@fn"] = 1, guest = "g.lua", f = fn } end
  return { scrapes = { rule }, sources = { ["g.lua"] = "text" }, modules = {} }
end

local function call(fn, args)
  local ok, value = pcall(fn.f, args[1])
  return { ok = ok, error = not ok and value or nil, values = { value } }
end

-- The verdict of FN on LABELS.
local function judged(what, fn, labels)
  local s = scrape.new(fake_host.new(), call)
  local field = what == "targets" and "relabel" or "keep"
  local row = s:jobs(set_of { [field] = fn })[1]
  return s:judge({ what = what, job = "j", rule = row[field], labels = { labels } }).verdicts[1]
end

local function relabelled(change)
  return judged("targets", function(target) return change(target) or target end, DISCOVERED)
end

local function with(changes, base)
  local out = {}
  for k, v in pairs(base or DISCOVERED) do out[k] = v end
  for k, v in pairs(changes) do out[k] = v or nil end
  return out
end

describe("relabel", function()
  it("is given everything that is known of a target", function()
    local seen
    judged("targets", function(target) seen = target return target end, DISCOVERED)
    assert.same({ address = "a:1", path = "/metrics", scheme = "http", params = { module = "http" }, labels = DISCOVERED }, seen)
  end)
  it("changes a target in its fields or in its labels, as Prometheus names them", function()
    assert.same(DISCOVERED, relabelled(function() end))
    assert.same(with { __address__ = "b:2", __metrics_path__ = "/x", __scheme__ = "https" }, relabelled(function(t)
      t.address, t.path, t.scheme = "b:2", "/x", "https"
    end))
    assert.same(with { __address__ = "b:2", __param_module = "icmp" }, relabelled(function(t)
      t.labels.__address__, t.labels.__param_module = "b:2", "icmp"
    end))
    assert.same(with { __param_target = "x", __param_module = false, n = "5" }, relabelled(function(t)
      t.params, t.labels.n = { target = "x" }, 5
    end))
  end)
  it("may give other labels: what a target cannot be without comes back", function()
    local labels = relabelled(function(t) t.labels = { team = "web" } end)
    assert.same({ "a:1", "15s", "web", nil }, { labels.__address__, labels.__scrape_interval__, labels.team, labels.job })
  end)
  it("leaves a target out with nil or false, and as it is with true", function()
    assert.equal(false, judged("targets", function() return nil end, DISCOVERED))
    assert.equal(false, judged("targets", function() return false end, DISCOVERED))
    assert.equal(true, judged("targets", function() return true end, DISCOVERED))
  end)
  it("fails with words when it raises, or gives what is no target", function()
    assert.matches("no idea", judged("targets", function() error "no idea" end, DISCOVERED))
    assert.equal("it must give back the target or nil", judged("targets", function() return 7 end, DISCOVERED))
    assert.equal('labels: "a" must be a text', relabelled(function(t) t.labels.a = {} end))
    assert.equal("params must be a table", relabelled(function(t) t.params = "x" end))
    assert.equal("address must be a text", relabelled(function(t) t.address = {} end))
  end)
end)

describe("keep", function()
  local SERIES = { __name__ = "up", job = "j" }
  it("is given the name and the labels of a series, and may change both", function()
    local seen
    judged("series", function(sample) seen = sample return sample end, SERIES)
    assert.same({ name = "up", labels = { job = "j" } }, seen)
    assert.same({ __name__ = "down", job = "k" }, judged("series", function(s) s.name, s.labels.job = "down", "k" return s end, SERIES))
    assert.same({ __name__ = "x", job = "j" }, judged("series", function(s) s.labels.__name__ = "x" return s end, SERIES))
  end)
  it("drops with nil, and refuses a series without a name", function()
    assert.equal(false, judged("series", function() end, SERIES))
    assert.equal("a sample must have a name", judged("series", function(s) s.name = nil return s end, SERIES))
    assert.equal("name must be a text", judged("series", function(s) s.name = 7 return s end, SERIES))
  end)
end)

describe("the address of a list that is a secret", function()
  it("is asked whole, and shown without what may be secret in it", function()
    local host = fake_host.new()
    host.secret = function(name) return name == "SD" and "https://me:pw@sd.test/list?token=x" or nil end
    local set = set_of {}
    set.scrapes[1].http = { { url = { ["@secret"] = "SD" }, every = 60, headers = {} }, { url = "http://sd.test/?a=b", every = 60, headers = {} } }
    local rows = scrape.new(host, call):jobs(set)[1].http
    assert.same({ "https://me:pw@sd.test/list?token=x", "https://sd.test/list" }, { rows[1].url, rows[1].shown })
    assert.is_nil(rows[2].shown)
  end)
end)

describe("a function of a job", function()
  it("goes by a name that changes with its file and its modules, and with nothing else", function()
    local host = fake_host.new()
    local function name(set) return scrape.new(host, call):jobs(set)[1].relabel end
    local set = set_of { relabel = function() end }
    local before = name(set)
    assert.equal(before, name(set_of { relabel = function() end }))
    set.sources["other.lua"] = "x"
    assert.equal(before, name(set))
    set.modules["lib/a.lua"] = "x"
    assert.is_not.equal(before, name(set))
    local other = set_of { relabel = function() end }
    other.sources["g.lua"] = "another text"
    assert.is_not.equal(before, name(other))
  end)
  it("that was stopped at its budget is not called for the rest of a question", function()
    local calls = 0
    local s = scrape.new(fake_host.new(), function(fn, args)
      calls = calls + 1
      if args[1].name == "b" then return { ok = false, error = "stopped", over = true } end
      return call(fn, args)
    end)
    local row = s:jobs(set_of { keep = function(sample) return sample end })[1]
    local labels = { { __name__ = "a" }, { __name__ = "b" }, { __name__ = "c" }, { __name__ = "d" } }
    assert.same({ { __name__ = "a" }, "stopped", "stopped", "stopped" },
                s:judge({ what = "series", job = "j", rule = row.keep, labels = labels }).verdicts)
    assert.equal(2, calls)
  end)
  it("that is not there any more has the question asked again", function()
    local s = scrape.new(fake_host.new(), call)
    s:jobs(set_of { relabel = function() end })
    assert.same({ again = true }, s:judge { what = "targets", job = "j", rule = "older", labels = {} })
    assert.same({ again = true }, s:judge { what = "targets", job = "k", rule = "older", labels = {} })
    assert.same({ again = true }, s:judge { what = "series", job = "j", rule = "older", labels = {} })
  end)
end)

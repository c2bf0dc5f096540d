--- outbox_spec.lua - the queue of each receiver: its order, its bounds, and that nothing in it gets lost.
local Deliver = require "moonwatch.route.deliver"
local heap = require "moonwatch.route.heap"
local priority = require "moonwatch.route.priority"

-- An outbox whose receivers answer when `say` is called; `sent` are the keys of what left, `ended` what became of each.
local function box_of(targets, more)
  local t = { sent = {}, ended = {}, flying = {}, jobs = {} }
  local o = {
    send = function(target, note, now, done)
      t.sent[#t.sent + 1] = note.key
      local flight = { target = target.key, note = note, done = done }
      t.flying[#t.flying + 1] = flight
      if t.at_once then t.flying[#t.flying] = nil; done(t.at_once(note, now), now) end
    end,
    before_send = function() end, attempt = function() end,
    finish = function(job, result, why) t.ended[job.serial or job] = { key = job.key, result = result, why = why } end,
  }
  for k, v in pairs(more or {}) do o[k] = v end
  t.box = Deliver.new(o)
  for key, target in pairs(targets) do target.key, target.receiver, target.kind = key, target.receiver or key, target.kind or "webhook" end
  t.box:configure(targets, 0)
  function t.put(key, severity, now, extra)
    local job = { key = key, target = next(targets), group_key = key, view = { firing = {}, resolved = {}, muted = {} }, how = {},
      note = { key = key, alerts = { { labels = {}, severity = severity, status = "firing" } } } }
    for k, v in pairs(extra or {}) do job[k] = v end
    return t.box:put(job, now)
  end
  return t
end
local function yes() return { ok = true, status = 200 } end

describe("a heap", function()
  it("gives the first, whatever was put in and taken out between", function()
    local state = 7
    local function random(n) state = (state * 1103515245 + 12345) % 2147483648; return math.floor(state / 65536) % n + 1 end
    local h, model = heap.new(function(a, b) return a.v < b.v or a.v == b.v and a.id < b.id end), {}
    for id = 1, 3000 do
      if random(3) > 1 or #model == 0 then
        local thing = { v = random(100), id = id }
        h:put(thing)
        model[#model + 1] = thing
      else
        assert.is_true(h:remove(table.remove(model, random(#model))))
      end
      table.sort(model, function(a, b) return a.v < b.v or a.v == b.v and a.id < b.id end)
      assert.equal(model[1], h:first())
      assert.equal(#model, h.n)
    end
  end)
end)

describe("how urgent a message is", function()
  it("is that of the most urgent alert it tells of, ended or not", function()
    assert.equal(1, priority.of { { severity = "info" }, { severity = "page", status = "resolved" } })
    assert.equal(1, priority.of { { labels = { severity = "Critical" } } })
    assert.equal(2, priority.of { { severity = "warning" }, { severity = "info" } })
    assert.equal(3, priority.of { { severity = "info" } })
    assert.equal(2, priority.of { { severity = "purple" } })
    assert.equal(2, priority.of { { labels = {} } })
  end)
end)

describe("the queue of a receiver", function()
  local rate = { n = 1, per = 10 }

  it("lets pages go before tickets and tickets before what is only to be known, the oldest first", function()
    local t = box_of { r = { rate = rate } }
    t.at_once = yes
    t.put("i", "info", 0); t.put("t1", "warning", 1); t.put("t2", "error", 2); t.put("p", "page", 3); t.put("c", "critical", 4)
    for now = 5, 60, 5 do t.box:pump(now) end
    assert.same({ "p", "c", "t1", "t2", "i" }, t.sent)
  end)

  it("lets nobody wait for ever: of four messages one is the oldest that waited five minutes", function()
    local t = box_of { r = { rate = rate } }
    t.at_once = yes
    t.put("i", "info", 0)
    for now = 0, 600, 10 do
      t.put("p" .. now, "page", now); t.put("q" .. now, "page", now)
      t.box:pump(now)
    end
    local at
    for n, key in ipairs(t.sent) do at = key == "i" and n or at end
    assert.is_truthy(at)
    assert.is_true((at - 1) * 10 >= 300 and (at - 1) * 10 <= 340, "it left at " .. (at - 1) * 10)
  end)

  it("turns tickets away when it holds very many, and takes pages all the same", function()
    local t = box_of({ r = { rate = { n = 1, per = 1e6 } } }, { most = 3 })
    t.put("a", "page", 0); t.put("b", "warning", 0); t.put("c", "warning", 0)
    local job, why = t.put("d", "warning", 0)
    assert.is_nil(job)
    assert.is_truthy(why:find "will ask again")
    assert.is_truthy(t.put("e", "page", 0))
    assert.is_truthy(t.put("b", "warning", 1)) -- news of one that waits takes its place
  end)

  it("keeps a message's place when newer news takes over what it says", function()
    local t = box_of { r = { rate = rate } }
    t.at_once = yes
    t.put("x", "page", 0)
    t.box:pump(0)
    t.put("a", "warning", 1); t.put("b", "warning", 2); t.put("a", "warning", 3)
    t.box:pump(10); t.box:pump(20)
    assert.same({ "x", "a", "b" }, t.sent)
  end)

  it("knows what it owes to a group", function()
    local t = box_of { r = {} }
    t.put("a", "page", 0, { group_key = "g" }); t.put("b", "page", 0, { group_key = "g" })
    assert.is_true(t.box:owes "g")
    t.box:cancel("a", "no", 0)
    assert.is_true(t.box:owes "g")
    t.at_once = yes
    t.box:pump(0)
    assert.is_false(t.box:owes "g")
    assert.same({}, t.box:of_group "g")
  end)
end)

describe("whatever happens to an outbox", function()
  -- Random puts, cancels, answers and restarts beside a model that only knows what is owed.
  local function run(seed)
    local state = seed
    local function random(n) state = (state * 1103515245 + 12345) % 2147483648; return math.floor(state / 65536) % n + 1 end
    local targets = { r = { rate = { n = 5, per = 10 }, breaker = { failures = 3, open = 20 }, digest = { over = 12, after = 40 } } }
    local severities = { "page", "warning", "info" }
    local t
    local now, owed, ends = 0, {}, {}
    local function finish(job, result, why)
      assert.is_truthy(owed[job.key] or job.digest, "an end of what nobody owes: " .. job.key)
      ends[result] = (ends[result] or 0) + 1
      if result ~= "sent" then assert.is_truthy(why, result .. " without a reason") end
      if job.digest then return end
      assert.is_true(owed[job.key] == job.serial or result == "superseded", "the end of another message")
      if result ~= "superseded" then owed[job.key] = nil end
    end
    local function digest(_, jobs) return { id = "d", key = "digest", alerts = {}, jobs = #jobs } end
    local more = { finish = finish, digest = digest }
    t = box_of(targets, more)
    local steps = {
      function()
        local key = "g" .. random(60)
        local old = t.box:get(key)
        if old and old.flying then return end
        local was = owed[key]
        local job = t.put(key, severities[random(3)], now)
        owed[key] = job.serial
        assert.is_true(was == nil or was == job.serial, "a message lost its place")
      end,
      function()
        local key = "g" .. random(60)
        t.box:cancel(key, "not needed any more", now)
      end,
      function()
        if #t.flying == 0 then return end
        local flight = table.remove(t.flying, random(#t.flying))
        local n = random(10)
        flight.done(n <= 5 and { ok = true, status = 200 } or n == 6 and { retry = false, status = 400, error = "answered 400" }
          or n == 7 and { retry = true, status = 429, after = random(30), error = "answered 429" } or { retry = true, status = 500, error = "answered 500" }, now)
      end,
      function() now = now + random(20) end,
      function()
        if random(20) > 1 then return end
        local breakers, jobs = t.box:breakers(), {}
        for _, job in pairs(t.box.jobs) do
          local copy = {}
          for name, value in pairs(job) do copy[name] = value end
          copy.flying, copy.tries = nil, nil
          jobs[#jobs + 1] = copy
        end
        table.sort(jobs, function(a, b) return a.serial < b.serial end)
        t = box_of(targets, more)
        t.box:configure(targets, now, breakers)
        for _, job in ipairs(jobs) do
          assert.equal(owed[job.key], job.serial)
          t.box:put(job, now)
          owed[job.key] = job.serial
        end
      end,
    }
    local function check()
      local n = 0
      for key, serial in pairs(owed) do
        n = n + 1
        local job = t.box:get(key)
        assert.is_truthy(job, "lost: " .. key)
        assert.equal(serial, job.serial)
      end
      assert.equal(n, t.box:lanes_list(0)[1].queued)
      local waiting = t.box:lanes_list(0)[1].waiting
      local flying = 0
      for key in pairs(owed) do flying = flying + (t.box:get(key).flying and 1 or 0) end
      assert.equal(n, waiting[1] + waiting[2] + waiting[3] + flying)
    end
    for _ = 1, 1500 do
      steps[random(#steps)]()
      t.box:pump(now)
      check()
    end
    -- In the end, when all is well, all of it is told.
    t.at_once = yes
    for _, flight in ipairs(t.flying) do flight.done(yes(), now) end
    t.flying = {}
    for _ = 1, 500 do
      now = now + 10
      t.box:pump(now)
    end
    assert.same({}, owed)
    return ends
  end

  it("nothing it took is lost, and each message has one end", function()
    local all = {}
    for seed = 1, 12 do
      for result, n in pairs(run(seed)) do all[result] = (all[result] or 0) + n end
    end
    for _, result in ipairs { "sent", "failed", "superseded", "cancelled", "digested" } do assert.is_true((all[result] or 0) > 0, result) end
  end)
end)

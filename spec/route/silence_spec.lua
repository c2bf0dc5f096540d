--- silence_spec.lua - silences by themselves: states, what keeps an id, matching by an index, limits.
local fake = require "fake_host"
local Silence = require "moonwatch.route.silence"
local Window = require "moonwatch.route.window"

local NOW = 1780000000 -- a Thursday, 2026-05-28 20:26:40 UTC

local function m(name, value, op)
  op = op or "="
  return { name = name, value = value, isRegex = op:find "~" ~= nil, isEqual = op:sub(1, 1) == "=" }
end

local function silence(fields)
  local s = { matchers = { m("a", "b") }, starts_at = NOW, ends_at = NOW + 3600, created_by = "ana", comment = "" }
  for k, v in pairs(fields) do s[k] = v end
  return s
end

describe("silences", function()
  local silences
  before_each(function() silences = Silence.new(fake.new { now = NOW }) end)

  local function set(fields, at)
    local id, code, why = silences:set(silence(fields), at or NOW)
    return id or code, why
  end

  it("mute what any of their sets of matchers fits", function()
    local id = set { others = { { m("c", "d"), m("e", "f.*", "=~") } } }
    assert.same({ id }, silences:muting({ a = "b" }, NOW))
    assert.same({ id }, silences:muting({ c = "d", e = "fg" }, NOW))
    assert.same({}, silences:muting({ c = "d", e = "g" }, NOW))
    assert.same({ id }, silences:muting({ a = "b", c = "d", e = "f" }, NOW))
  end)

  it("are refused as Alertmanager refuses them", function()
    assert.same({ "bad", "invalid silence: at least one matcher required" }, { set { matchers = {} } })
    assert.same({ "bad", "invalid silence: at least one matcher must not match the empty string" }, { set { matchers = { m("a", ".*", "=~") } } })
    assert.same({ "bad", "invalid silence: matcher set 1 is empty" }, { set { others = { {} } } })
    assert.equal("bad", (set { ends_at = NOW }))
    assert.equal("bad", (set({ starts_at = NOW - 20, ends_at = NOW - 10 })))
    assert.equal("missing", (set { id = "x" }))
    assert.equal("bad", (set { matchers = { m("a", "(", "=~") } }))
    -- what is negated counts as something that is asked for
    assert.equal(36, #set { matchers = { m("a", "b", "!=") } })
    assert.equal(36, #set { matchers = { m("a", "x.*", "!~") } })
  end)

  it("keep their id as long as their history stays true", function()
    local id = set {}
    assert.equal(id, set { id = id, ends_at = NOW + 60, comment = "shorter" })
    assert.equal(id, set { id = id, remind = 900, until_resolved = true, annotations = { ticket = "X-1" } })
    local half = set {}
    assert.equal(half, set { id = half, starts_at = NOW + 0.5 })
    local other = set { id = id, starts_at = NOW + 100 }
    assert.are_not.equal(id, other)
    assert.equal("expired", Silence.state(silences:get(id), NOW))
    assert.equal(other, set { id = other, starts_at = NOW + 200 })
    assert.are_not.equal(other, set { id = other, starts_at = NOW })
    local again = set({ id = id })
    assert.are_not.equal(id, again)
    assert.are_not.equal(again, set { id = again, receivers = { "pager" } })
  end)

  it("begin no earlier than now", function()
    assert.equal(NOW, silences:get(set { starts_at = NOW - 500 }).starts_at)
  end)

  it("keep what a change does not name, and lose what it takes away", function()
    local id = set { others = { { m("c", "d") } }, receivers = { "pager" }, annotations = { ticket = "X-1" } }
    assert.equal(id, set { id = id, ends_at = NOW + 7200 })
    assert.same({ "pager" }, silences:get(id).receivers)
    assert.same({ id }, silences:muting_for({ c = "d" }, { receiver = "pager", kind = "webhook", key = "pager/webhook/1" }, NOW))
    local all = set { id = id, receivers = false }
    assert.same({ all }, silences:muting({ a = "b" }, NOW))
    local other = set { id = all, matchers = { m("x", "y") } }
    assert.is_nil(silences:get(other).others)
  end)

  it("of one receiver mute nobody else", function()
    local id = set { receivers = { "pager/webhook" } }
    assert.same({}, silences:muting({ a = "b" }, NOW))
    assert.same({ id }, silences:muting_for({ a = "b" }, { receiver = "pager", kind = "webhook", key = "pager/webhook/2" }, NOW))
    assert.same({}, silences:muting_for({ a = "b" }, { receiver = "pager", kind = "slack", key = "pager/slack/1" }, NOW))
    assert.same({}, silences:muting_for({ a = "b" }, { receiver = "hook", kind = "webhook", key = "hook/webhook/1" }, NOW))
  end)

  it("that recur mute inside their times only, and say when they next begin and stop", function()
    local id = set { ends_at = NOW + 30 * 86400, recurring = { days = "mon-fri", times = "22:00-23:00", zone = "UTC" } }
    local s = silences:get(id)
    assert.equal("pending", silences:shown_state(s, NOW))
    local begins = silences:next_change(s, NOW)
    assert.equal("2026-05-28T22:00:00.000Z", silences.host.rfc3339(begins))
    assert.same({ id }, silences:muting({ a = "b" }, begins))
    assert.equal("active", silences:shown_state(s, begins))
    assert.equal(begins + 3600, silences:next_change(s, begins))
    assert.same({}, silences:muting({ a = "b" }, begins + 3600))
    assert.equal(id, set({ id = id, ends_at = NOW + 40 * 86400 }, NOW + 60))
  end)

  it("that go by a named window follow what the window says, and mute nothing when it is gone", function()
    local windows = { night = Window.new({ times = "20:00-06:00" }, silences.host) }
    silences:configure(windows, {})
    local id = set { window = "night" }
    assert.same({ id }, silences:muting({ a = "b" }, NOW))
    assert.same({ "bad", 'there is no window "day"' }, { set { window = "day" } })
    silences:configure({}, {})
    assert.same({}, silences:muting({ a = "b" }, NOW))
    assert.equal("pending", silences:shown_state(silences:get(id), NOW))
  end)

  it("are limited in number and size", function()
    silences:configure({}, { limits = { silences = 2, silence_bytes = 1000 } })
    local id = set {}
    set { matchers = { m("c", "d") } }
    assert.same({ "bad", "exceeded maximum number of silences: 2 (limit: 2)" }, { set { matchers = { m("e", "f") } } })
    assert.equal(id, set { id = id, ends_at = NOW + 10 })
    local what, why = set { id = id, comment = ("x"):rep(2000) }
    assert.equal("bad", what)
    assert.is_truthy(why:find "^silence exceeded maximum size: %d+ bytes %(limit: 1000 bytes%)$")
    assert.equal(NOW + 10, silences:get(id).ends_at)
  end)

  it("are listed active by end, pending by start, expired with the latest first", function()
    local function ends(d, from) return set { matchers = { m("a", tostring(d)) }, starts_at = NOW + (from or 0), ends_at = NOW + d } end
    local short, long, far, near = ends(100), ends(1000), ends(5000, 400), ends(6000, 300)
    local over, before = ends(50), ends(40)
    local ids = {}
    for i, s in ipairs(silences:list(NOW + 60)) do ids[i] = s.id end
    assert.same({ short, long, near, far, over, before }, ids)
  end)

  it("are forgotten after the time that the settings say", function()
    silences:configure({}, { silence = { retention = 3600 } })
    local id = set { ends_at = NOW + 10 }
    assert.same({}, silences:gc(NOW + 3600))
    assert.same({ id }, silences:gc(NOW + 3610))
  end)
end)

describe("the index of silences", function()
  -- What asking every silence would say.
  local function by_hand(silences, labels)
    local matchers = require "moonwatch.route.matchers"
    local out = {}
    for id, s in pairs(silences.by_id) do
      local fits = false
      for _, compiled in ipairs(silences.compiled[id].sets) do fits = fits or matchers.match(compiled, labels) end
      if fits and silences:active(s, NOW) then out[#out + 1] = id end
    end
    table.sort(out)
    return out
  end

  it("finds what asking each of them finds, however they come and go", function()
    local silences = Silence.new(fake.new { now = NOW })
    math.randomseed(7)
    local function pick(list) return list[math.random(#list)] end
    local names, values = { "a", "b", "c" }, { "x", "y", "z", "x.y", "" }
    local patterns = { "x|y", "x.*", ".+", "x\\.y|z", "(x|y)", "z|", "" }
    local sets = {}
    for _ = 1, 60 do
      local labels = {}
      for _, name in ipairs(names) do
        local value = pick(values)
        if value ~= "" then labels[name] = value end
      end
      sets[#sets + 1] = labels
    end
    local ids = {}
    for turn = 1, 400 do
      local list = {}
      for i = 1, math.random(2) do
        local op = pick { "=", "=", "=~", "!=", "!~" }
        list[i] = m(pick(names), op:find "~" and pick(patterns) or pick(values), op)
      end
      local id = silences:set(silence { matchers = list, others = turn % 5 == 0 and { { m(pick(names), pick(values)) } } or nil }, NOW)
      ids[#ids + 1] = id
      if turn % 3 == 0 and #ids > 0 then
        silences:remove(table.remove(ids, math.random(#ids)))
      elseif turn % 7 == 0 and #ids > 0 then
        silences:expire(pick(ids), NOW)
        silences:gc(NOW)
      end
      if turn == 200 then silences.index:rebuild() end
      for _ = 1, 5 do
        local labels = pick(sets)
        assert.same(by_hand(silences, labels), silences:muting(labels, NOW))
      end
    end
  end)
end)

describe("a window", function()
  it("says when it next begins or ends, over a change of the clocks too", function()
    local host = fake.new { now = NOW }
    local lisbon = assert(io.open("/usr/share/zoneinfo/Europe/Lisbon", "rb"))
    host.files["/usr/share/zoneinfo/Europe/Lisbon"] = lisbon:read "*a"
    lisbon:close()
    local window = Window.new({ times = "02:30-04:00", zone = "Europe/Lisbon" }, host)
    -- 2026-10-25 01:00 UTC the clocks go back there: 02:30 is 02:30 UTC from then on, and 01:30 UTC before.
    local at = host.parse_time "2026-10-24T12:00:00Z"
    assert.equal("2026-10-25T02:30:00.000Z", host.rfc3339(window:next_change(at)))
    assert.equal("2026-10-24T03:00:00.000Z", host.rfc3339(window:next_change(host.parse_time "2026-10-24T01:40:00Z")))
    assert.is_nil(Window.new({ years = "1999" }, host):next_change(at))
  end)
end)

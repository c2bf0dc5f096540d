--- corrections_spec.lua - time that does not count: maintenance that was announced, an incident of somebody else.
local corrections = require "moonwatch.slo.corrections"
local slo = require "slo_world"

local WEB = 'slo "web" { bad = "bad_total", total = "all_total", objective = 99, window = "1d" }\n'
local DOOR = "/api/mw/v1/slos/web/corrections"

-- An hour in which all is well, half an hour in which half fails, an hour in which all is well.
local function incident(rules)
  local world = slo.new(rules or WEB, { at = "2026-03-02T10:00:00Z" })
  world:series("all_total", "0+60x300", { every = "1m" }):series("bad_total", "0x60 0+30x30 900x200", { every = "1m" })
  return world:advance "150m"
end

local function correct(world, body, headers) return slo.ask(world, "POST", DOOR, { body = body, headers = headers }) end

local MAINTENANCE = { from = "2026-03-02T10:59:00Z", to = "2026-03-02T11:32:00Z", reason = "the database moved", author = "ana" }

describe("a correction", function()
  it("takes a stretch out of the budget, and out of the burn rates", function()
    local world = incident()
    assert.equal(0, slo.about(world, "web").budget_remaining)
    local status, made = correct(world, MAINTENANCE)
    assert.equal(201, status)
    assert.equal("ana", made.author)
    world:advance "30s"
    local about = slo.about(world, "web")
    assert.near(1, about.budget_remaining, 1e-9)
    assert.equal(0, about.bad)
    assert.near((150 - 33) * 60, about.total, 130)
    assert.equal("the database moved", about.corrections[1].reason)
  end)
  it("that is announced keeps burn alerts quiet", function()
    local world = slo.new(WEB, { at = "2026-03-02T10:00:00Z" })
    world:series("all_total", "0+60x300", { every = "1m" }):series("bad_total", "0x60 0+30x30 900x200", { every = "1m" })
    correct(world, { from = "2026-03-02T10:50:00Z", ["for"] = "1h", reason = "moving", author = "ana" })
    world:advance "150m"
    assert.same({}, world:timeline "SLOErrorBudgetBurn")
  end)
  it("is kept over restarts and on every node", function()
    local world = incident()
    local _, made = correct(world, MAINTENANCE)
    world:kill()
    world:advance "1m"
    assert.near(1, slo.about(world, "web").budget_remaining, 1e-9)
    world:fail_over()
    world:advance "1m"
    assert.equal(made.id, slo.about(world, "web").corrections[1].id)
  end)
  it("stands in the audit, and so does that it was taken back", function()
    local world, noted = incident(), {}
    world.host.audit = function(entry) noted[#noted + 1] = ("%s by %s of %s"):format(entry.what, entry.who, entry.details.slo) end
    local _, made = correct(world, MAINTENANCE)
    slo.ask(world, "DELETE", DOOR .. "/" .. made.id, { query = { author = "bob" } })
    assert.same({ "slo.corrected by ana of web", "slo.correction-taken-back by bob of web" }, noted)
  end)
  it("may be taken back, and then is still told of", function()
    local world = incident()
    local _, made = correct(world, MAINTENANCE)
    local status = slo.ask(world, "DELETE", DOOR .. "/" .. made.id, { query = { author = "bob" } })
    assert.equal(200, status)
    world:advance "30s"
    local about = slo.about(world, "web")
    assert.equal(0, about.budget_remaining)
    assert.equal("bob", about.corrections[1].taken_back_by)
    assert.equal(409, (slo.ask(world, "DELETE", DOOR .. "/" .. made.id, { query = { author = "bob" } })))
    assert.equal(404, (slo.ask(world, "DELETE", DOOR .. "/nothing", { query = { author = "bob" } })))
  end)
  it("may be of the times of a window only", function()
    local world = incident(WEB .. 'window "hour" { times = "11:00-11:30" }\n')
    correct(world, { from = "2026-03-01T00:00:00Z", to = "2026-04-01T00:00:00Z", reason = "each day", author = "ana", window = "hour" })
    world:advance "30s"
    local about = slo.about(world, "web")
    assert.near(150 * 60 - 1800, about.total, 130)
    assert.near(0, about.bad, 31)
  end)
  it("may stand in the rules, as windows that never count", function()
    local world = incident(WEB:gsub(' }\n', ', maintenance = "move" }\n') .. 'window "move" { times = "10:59-11:32" }\n')
    assert.near(1, slo.about(world, "web").budget_remaining, 1e-9)
    assert.error_matches(function() slo.new(WEB:gsub(' }\n', ', maintenance = "mov" }\n') .. 'window "move" { times = "10:59-11:32" }') end, 'there is no window "mov"')
  end)
  it("says when, why and who, or is refused", function()
    local world = incident()
    local function refused(body, why)
      local status, answer = correct(world, body)
      assert.equal(400, status)
      assert.matches(why, answer.error.message)
    end
    refused({ from = "2026-03-02T10:59:00Z", reason = "x", author = "ana" }, "say until when")
    refused({ from = "yesterday", to = "2026-03-02T11:32:00Z", reason = "x", author = "ana" }, 'from: "yesterday" is not a time')
    refused({ from = "2026-03-02T12:59:00Z", to = "2026-03-02T11:32:00Z", reason = "x", author = "ana" }, "to must be after from")
    refused({ from = "2026-03-02T10:59:00Z", to = "2026-03-02T11:32:00Z", author = "ana" }, "reason")
    refused({ from = "2026-03-02T10:59:00Z", to = "2026-03-02T11:32:00Z", reason = "x" }, "author")
    refused({ from = "2026-03-02T10:59:00Z", to = "2026-03-02T11:32:00Z", reason = "x", author = "ana", window = "w" }, 'no window "w"')
    assert.equal(201, (correct(world, { ["for"] = "1h", reason = "x" }, { ["x-forwarded-user"] = "cai" })))
  end)
  it("is refused where only a ratio is known", function()
    local world = slo.new 'slo "web" { ratio = "x[$window]", objective = 99 }'
    assert.equal(409, (correct(world, MAINTENANCE)))
  end)
end)

describe("stretches of time", function()
  it("are merged where they overlap or touch", function()
    assert.same({ { 1, 5 }, { 7, 9 } }, corrections.merged { { 3, 5 }, { 7, 8 }, { 1, 3 }, { 8, 9 }, { 2, 3 } })
  end)
  it("leave what is outside of them", function()
    assert.same({ { 0, 1 }, { 5, 7 }, { 9, 10 } }, corrections.outside({ { 1, 5 }, { 7, 9 } }, 0, 10))
    assert.same({}, corrections.outside({ { 0, 20 } }, 5, 10))
  end)
end)

describe("the edges of a correction", function()
  -- Ten minutes in which all fails, in the first days of an SLO of a month; a sample each five minutes in all of it.
  local function old_incident(days)
    local world = slo.new('slo "web" { bad = "bad_total", total = "all_total", objective = 99, window = "30d" }', { at = "2026-03-02T00:00:00Z" })
    local rows, bad, from = {}, 0, world.now - days * 86400 + 37800 -- 10:30
    for t = world.now - days * 86400, world.now, 300 do
      if t > from and t <= from + 600 then bad = bad + 300 end
      for name, value in pairs { all_total = (t - world.now + days * 86400), bad_total = bad } do
        rows[#rows + 1] = { labels = { __name__ = name }, t = t, value = value }
      end
    end
    world.host.append(rows)
    world:advance "2m"
    return world, from
  end

  it("are as sharp as the samples, however long ago they are", function()
    for _, days in ipairs { 3, 20 } do
      local world, from = old_incident(days)
      assert.near(600, slo.about(world, "web").bad, 1e-6)
      correct(world, { from = from, ["for"] = "10m", reason = "the provider", author = "ana" })
      world:advance "1m"
      local about = slo.about(world, "web")
      assert.near(0, about.bad, 1e-6)
      assert.near(days * 86400 - 600, about.total, 1e-3)
    end
  end)

  it("are so after a restart, though the store has forgotten the samples", function()
    local world, from = old_incident(20)
    correct(world, { from = from, ["for"] = "10m", reason = "the provider", author = "ana" })
    world:advance "1m"
    local other = slo.new('slo "web" { bad = "bad_total", total = "all_total", objective = 99, window = "30d" }', { at = world.now })
    for _, entry in ipairs(world.engine.corrections.list) do other.engine.corrections:merge(entry) end
    other.engine:restore(world.host.json.decode(world.engine:snapshot(world.now, true)), world.now)
    other:advance "1m"
    assert.near(0, slo.about(other, "web").bad, 1e-6)
  end)

  it("of an SLO that is made of others take the time out of those, too", function()
    local world = slo.new('slo "web" { bad = "bad_total", total = "all_total", objective = 99, window = "30d" }\nwindow "early" { times = "10:30-10:40" }\n' ..
      'slo "sum" { of = { { slo = "web" } }, objective = 99, maintenance = { "early" } }', { at = "2026-03-02T10:00:00Z" })
    world:series("all_total", "0+60x120", { every = "1m" }):series("bad_total", "0x30 60+60x9 600x90", { every = "1m" })
    world:advance "100m"
    assert.near(0, slo.about(world, "sum").bad, 1e-6)
    assert.near(600, slo.about(world, "web").bad, 1e-6)
    correct(world, { from = "2026-03-02T10:00:00Z", to = "2026-03-02T10:50:00Z", reason = "x", author = "ana" })
    world:advance "1m"
    assert.near(0, slo.about(world, "web").bad, 1e-6)
  end)
end)

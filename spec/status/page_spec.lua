--- page_spec.lua - the public page: what it says, and what it never says.
local api = require "moonwatch.api.status"
local testing = require "moonwatch.testing"

local function settings(more)
  return ([[
settings { external_url = "https://mw.example", status_page = { title = "Shop & Co", description = "How <we> are", %s groups = {
  { name = "Shop", checks = { "web", "pay" } }, { name = "Inside", checks = { "db-17" } } } } }
window "night" { times = "02:00-04:00" }
check "web" { tcp = "10.1.2.3:80", display = "Web <shop>" }
check "pay" { tcp = "10.1.2.4:80", display = "Payments", critical = false }
check "db-17" { tcp = "10.1.2.5:80", display = "Orders", maintenance = { "night" } }
check "secret-thing" { tcp = "10.1.2.6:80" }
]]):format(more or "")
end

describe("the status page", function()
  local world, bad

  local function start(more)
    world, bad = testing.world(settings(more), { at = "2026-03-02T12:00:00Z" }), {}
    world:probe("tcp", function(arg) return bad[arg.host] and { error = "connect to " .. arg.host .. ": refused" } or { seconds = 0.01 } end)
    world:advance "10m"
  end
  before_each(function() start() end)

  local function get(path)
    local a = api[path](world.engine, { method = "GET", path = path, query = {} }, world.now)
    return a.body, a.status, a.headers
  end
  local function page() return (get "/status") end
  local function report() return world.host.json.decode((get "/status.json")) end
  local function open(said) return assert(world.engine.incidents:open(said, world.now)) end

  it("is not there unless the settings say so", function()
    world:reload 'check "web" { tcp = "h:1" }'
    for path in pairs(api) do
      local body, status = get(path)
      assert.equal(404, status)
      assert.truthy(body:find("settings { status_page", 1, true), body)
    end
  end)

  it("shows groups of checks under the names that people know", function()
    local r = report()
    assert.equal("operational", r.status)
    assert.equal("Shop", r.groups[1].name)
    assert.equal("Web <shop>", r.groups[1].checks[1].name)
    assert.equal("operational", r.groups[2].checks[1].status)
    local html = page()
    assert.truthy(html:find("All systems are operational", 1, true))
    assert.truthy(html:find("Payments", 1, true))
  end)

  it("escapes what people wrote, wherever it stands", function()
    open { title = "<script>alert(1)</script>", text = 'a "b" & <c>', checks = { "web" } }
    local html, atom = page(), (get "/status.atom")
    for _, text in ipairs { html, atom } do
      assert.is_nil(text:find("<script", 1, true))
      assert.truthy(text:find("&lt;script&gt;alert(1)&lt;/script&gt;", 1, true), text)
      assert.truthy(text:find("a &quot;b&quot; &amp; &lt;c&gt;", 1, true), text)
      assert.truthy(text:find("Shop &amp; Co", 1, true))
    end
    assert.truthy(html:find("How &lt;we&gt; are", 1, true))
    assert.truthy(html:find("Web &lt;shop&gt;", 1, true))
  end)

  it("tells nothing of the inside: no addresses, messages, inner names, authors or checks that are not on it", function()
    bad["10.1.2.3"], bad["10.1.2.6"] = true, true
    open { title = "Trouble", text = "we look", author = "ann@inside", checks = { "web", "secret-thing" } }
    world:advance "2m"
    for path in pairs(api) do
      local text = get(path)
      for _, secret in ipairs { "10.1.2", "refused", "db-17", "secret-thing", "ann@inside", "inline.lua" } do
        assert.is_nil(text:find(secret, 1, true), path .. " tells " .. secret)
      end
    end
  end)

  it("shows messages and authors when asked to", function()
    start "show_messages = true, show_authors = true,"
    bad["10.1.2.3"] = true
    open { title = "Trouble", text = "we look", author = "Ann" }
    world:advance "2m"
    assert.truthy(page():find("connect to 10.1.2.3: refused", 1, true))
    assert.truthy(page():find("(Ann)", 1, true))
  end)

  it("has no script, and forbids any", function()
    local html, _, headers = get "/status"
    assert.is_nil(html:lower():find("<script", 1, true))
    assert.is_nil(html:find(" on%a+="))
    assert.truthy(headers["content-security-policy"]:find("default-src 'none'", 1, true))
    assert.equal("text/html; charset=utf-8", headers["content-type"])
  end)

  it("says what is down, by how much it matters", function()
    bad["10.1.2.4"] = true
    world:advance "1m"
    assert.equal("degraded", report().status)
    assert.equal("outage", report().groups[1].checks[2].status)
    bad["10.1.2.3"] = true
    world:advance "1m"
    assert.equal("outage", report().status)
    assert.truthy(page():find("There is an outage", 1, true))
  end)

  it("says that people are at work in a maintenance window", function()
    bad["10.1.2.5"] = true
    world:advance_to "2026-03-03T02:10:00Z"
    assert.equal("maintenance", report().groups[2].checks[1].status)
    assert.equal("maintenance", report().status)
  end)

  it("goes by what people say when the checks see nothing", function()
    open { title = "Payments are slow", impact = "degraded" }
    assert.equal("degraded", report().status)
    open { title = "Some cannot pay", impact = "down" }
    assert.equal("outage", report().status)
  end)

  it("counts ninety days, in which unknown time is no good time", function()
    world:advance_to "2026-03-02T23:59:00Z"
    bad["10.1.2.3"] = true
    world:advance_to "2026-03-03T00:10:30Z"
    bad["10.1.2.3"] = nil
    world:advance_to "2026-03-03T12:00:00Z"
    local rows = report().groups[1].checks[1].days
    assert.equal(2, #rows)
    assert.equal("2026-03-02", rows[1].date)
    assert.is_true(math.abs(rows[1].counted_seconds - 12 * 3600) < 30, rows[1].counted_seconds)
    assert.is_true(math.abs(rows[1].down_seconds - 30) <= 10, rows[1].down_seconds)
    assert.is_true(math.abs(rows[2].down_seconds - 650) <= 20, rows[2].down_seconds)
    local html = page()
    assert.truthy(html:find '<i style="flex:88"></i>')
    assert.truthy(html:find('title="2026-03-03: 98.4', 1, true), html)
    assert.truthy(html:find("of the 24.0 h that are known", 1, true))
  end)

  it("keeps the days over a restart, and has those of before it was there from the store", function()
    world:advance "6h"
    world:restart()
    world:advance "5m"
    local row = report().groups[1].checks[1].days[1]
    assert.is_true(math.abs(row.counted_seconds - 6.25 * 3600) < 60, row.counted_seconds)
    world:reload((settings():gsub("^.-\nwindow", "window")))
    world:advance_to "2026-03-04T01:00:00Z"
    for _, runner in ipairs(world.engine.runners) do runner.days = nil end
    world:reload(settings())
    world:advance "1m"
    local rows = report().groups[1].checks[1].days
    assert.is_true(math.abs(rows[3].counted_seconds - 3660) < 30, rows[3].counted_seconds)
    assert.same({ "2026-03-02", "2026-03-03", "2026-03-04" }, { rows[1].date, rows[2].date, rows[3].date })
    assert.is_true(math.abs(rows[2].counted_seconds - 86400) < 60, rows[2].counted_seconds)
  end)

  it("is the same for a few seconds, but shows an incident at once", function()
    local before = page()
    world:advance "2s"
    assert.equal(before, page())
    open { title = "Trouble" }
    assert.truthy(page():find("Trouble", 1, true))
  end)

  it("has a feed of incidents", function()
    local incident = open { title = "Trouble", text = "we look" }
    world:advance "5m"
    assert(world.engine.incidents:close(incident, { text = "it was DNS" }, world.now))
    local atom = get "/status.atom"
    assert.truthy(atom:find("<id>urn:moonwatch:incident:" .. incident.id .. "</id>", 1, true))
    assert.truthy(atom:find("[resolved] Trouble", 1, true))
    assert.truthy(atom:find('<link href="https://mw.example/status"/>', 1, true))
  end)

  it("stays small", function()
    local groups = {}
    for i = 1, 20 do groups[i] = ('check "c%d" { tcp = "h:%d" }'):format(i, i) end
    local names = {}
    for i = 1, 20 do names[i] = ("%q"):format("c" .. i) end
    world:reload('settings { status_page = { groups = { { name = "All", checks = { ' .. table.concat(names, ", ") .. ' } } } } }\n' .. table.concat(groups, "\n"))
    for _, runner in ipairs(world.engine.runners) do
      runner.days = {}
      for day = 20420, 20509 do table.insert(runner.days, { day = day, up = 86000, degraded = 0, down = day % 9 == 0 and 400 or 0, excused = 0 }) end
    end
    local html = page()
    assert.is_true(#html < 70000, #html)
  end)

  it("is about checks that there are", function()
    local ok, why = pcall(testing.world, 'settings { status_page = { groups = { { name = "x", checks = { "wob" } } } } }\ncheck "web" { tcp = "h:1" }')
    assert.is_false(ok)
    assert.truthy(tostring(why):find('there is no check "wob" (did you mean "web"?)', 1, true), why)
    ok, why = pcall(testing.world, 'settings { status_page = { title = "x" } }')
    assert.is_false(ok)
    assert.truthy(tostring(why):find('missing field "status_page.groups"', 1, true), why)
  end)
end)

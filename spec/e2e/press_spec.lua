--- press_spec.lua - the page, as a person uses it: with a mouse, a keyboard and a real browser.
local browser = require "browser"
local json = require "dkjson"
local net = require "net"
local proc = require "proc"
local server = require "server"

local HOSTILE = [[<img id=evil src=x onerror="document.title='evil'">]]

local RULES = [[
receiver "hook" { webhook { url = "%s/hook" } }
receiver "pager" { webhook { url = "%s/pager" } }
window "nights" { times = "20:00-24:00" }
route { receiver = "hook", group_by = { "alertname" }, group_wait = "10ms", routes = { { match = { team = "db" }, receiver = "pager" } } }
alert "Stage" { expr = "stage > 5", every = "200ms", labels = { team = "web" }, summary = "stage is ${value}",
  annotations = { script = "javascript:document.title='evil'", data = "data:text/html,evil", odd = [=[%s]=] } }
alert "Idle" { expr = "stage > 50", every = "200ms", labels = { team = "db" } }
policy "silence" (function(s)
  if s.seconds > 2 * 86400 then return false, "two days at <most>" end
  if s.action == "change" and s.comment == "final" then return false, "it says final" end
  return true
end)]]

local MATCHERS, LABELS = "Matchers, one in each line; an empty line means or", "Labels of what you missed, one in each line"
local API = "/api/mw/v1/silences"

describe("the page", function()
  local sink, node, page
  local here = browser.is_there()

  setup(function()
    if not here then return end
    sink = net.sink(function() return 200 end)
    local port = proc.free_port()
    node = server.start { port = port, config = ('settings { external_url = "http://127.0.0.1:%d" }'):format(port), rules = { ["r.lua"] = RULES:format(sink.url, sink.url, HOSTILE) } }
    node:push "stage 9\n"
    proc.eventually(function() return node:state "Stage" == "firing" end, 30, "it fires")
    page = browser.start()
  end)
  teardown(function()
    if page then page:stop() end
    if sink then sink:close() end
    proc.cleanup()
  end)

  -- A promise about the page; where there is no browser nothing can be said.
  local function promise(text, fn)
    it(text, function()
      if not here then return pending "chromium is not installed" end
      fn()
    end)
  end
  -- The page at HASH, fresh.
  local function open(hash)
    page:go "about:blank"
    page:go(node.url .. "/" .. hash)
  end
  local function list(query) return node:json(API .. (query or "")).silences end
  -- The one silence there is, which FITS.
  local function one(fits, what)
    return proc.eventually(function()
      local all = list()
      return #all == 1 and (not fits or fits(all[1])) and all[1]
    end, 60, what or "there is one silence")
  end
  after_each(function()
    for _, s in ipairs(here and list() or {}) do node:json(API .. "/" .. s.id, { method = "DELETE" }) end
  end)

  local function fill(matchers, why)
    page:type(MATCHERS, matchers)
    page:type("Your name", "Ann")
    page:type("Why", why or "moving it")
  end

  promise("makes a silence: what it would mute first, then what the policy says, then it is there", function()
    open "#silences"
    fill 'alertname="Stage"'
    page:press "What would it mute?"
    page:see "It would mute 1 alert of 1 that fire now"
    page:see "Rules that it may mean: Stage"
    assert.same({}, list())
    page:set("For how long", "7d")
    page:see_no "It would mute"
    page:press("Silence", "form")
    page:see "refused by policy: two days at <most>"
    page:set("For how long", "1h")
    page:press("Silence", "form")
    page:see "It is made, and ends"
    page:see "moving it"
    page:see_no "refused by policy"
    local s = one()
    assert.same({ "Ann", "moving it", "active" }, { s.createdBy, s.comment, s.status.state })
    assert.equal("", page:value 'document.querySelector("form textarea").value')
    page:wait('[...document.querySelectorAll("td")].some((cell) => cell.innerText === "1 alert")', "it says how many it mutes")
  end)

  promise("makes one longer, says when that is refused, ends it, and begins it again", function()
    node:post(API, json.encode { matchers = { { name = "alertname", value = "Stage", isRegex = false } }, ["for"] = "1h", createdBy = "bob", comment = "quiet" })
    local first = one()
    open "#silences"
    page:press "An hour longer"
    one(function(s) return s.endsAt > first.endsAt end, "it is longer")
    page:press "End it"
    page:see "expired"
    page:press("Again for an hour", "tbody tr:first-child")
    one(function(s) return s.id ~= first.id end, "there is another one")
    page:press "End it"
    proc.eventually(function() return #list() == 0 end, 60, "it is over")
    node:post(API, json.encode { matchers = { { name = "a", value = "b", isRegex = false } }, ["for"] = "1h", createdBy = "bob", comment = "final" })
    page:see "final"
    page:press("An hour longer", "tbody tr:first-child")
    page:see "refused by policy: it says final"
    -- What was refused stays there while the list is loaded anew.
    page:value "window.asked = 0; const f = fetch; window.fetch = (...what) => { asked++; return f(...what); }; 0"
    page:wait("asked >= 2", "the list was loaded again")
    page:see "refused by policy: it says final"
  end)

  promise("makes one for some time, for one receiver, at some times, that ends when it is over", function()
    open "#silences"
    page:press "Later, only for somebody, only at times"
    fill 'alertname="Stage"\nteam=~"web|db"\n\nalertname="Idle"'
    page:set("For how long", "own")
    page:type("How long", "a while")
    page:tick "or until it is over"
    page:set("Only for", "pager")
    page:set("Mutes", "times")
    page:type("Days", "mon-fri")
    page:type("Times", "02:00-04:00")
    page:type("Time zone", "Europe/Lisbon")
    page:type("Reminds", "15m")
    page:press "What would it mute?"
    page:see "is not a duration"
    page:type("How long", "90m")
    page:press("Silence", "form")
    page:see "only for pager"
    page:see "or when it is over"
    local s = one()
    assert.same({ { "pager" }, true, "15m", "mon-fri", "02:00-04:00", "Europe/Lisbon", 2 },
      { s.receivers, s.untilResolved, s.remind, s.recurring.days, s.recurring.times, s.recurring.zone, #s.matcherSets })
    assert.equal("Idle", s.matcherSets[2][1].value)
    -- The next one begins with nothing chosen.
    assert.equal("", page:value 'document.querySelector("[name=repeats]").value + [...document.querySelector("[name=receivers]").selectedOptions].join()')
  end)

  promise("makes one that begins and ends when one says, in a window", function()
    open "#silences"
    page:press "Later, only for somebody, only at times"
    fill 'alertname="Stage"'
    page:set("For how long", "until")
    page:set("Its end", "2031-05-01T10:00")
    page:set("Begins", "2031-05-01T08:30")
    page:set("Mutes", "window")
    page:type("Name of the window", "knights")
    page:press("Silence", "form")
    page:see 'there is no window "knights"'
    page:type("Name of the window", "nights")
    page:press("Silence", "form")
    page:see "only in the window nights"
    local s = one()
    assert.same({ "nights", "pending" }, { s.window, s.status.state })
    assert.equal(90 * 60 * 1000, page:value(("new Date(%q) - new Date(%q)"):format(s.endsAt, s.startsAt)))
    page:see "from 5/1/2031"
  end)

  promise("changes one: what is not touched stays, what is taken away is gone", function()
    local _, body = node:post(API, json.encode { matcherSets = { { { name = "alertname", value = "Stage", isRegex = false } }, { { name = "team", value = "w.b", isRegex = true } } },
      ["for"] = "1h", createdBy = "bob", comment = "quiet", receivers = { "pager/webhook" }, recurring = { times = "00:00-24:00", zone = "Europe/Lisbon" }, untilResolved = true, remind = "5m" })
    local before = json.decode(body)
    open "#silences"
    page:press "Change"
    page:see "Leave it as it is"
    page:see "It would mute 1 alert" -- of what it says as it is
    assert.equal('alertname="Stage"\n\nteam=~"w.b"', page:value 'document.querySelector("form textarea").value')
    page:type("Why", "still quiet")
    page:type("Your name", "Ann")
    page:press("Change it", "form")
    page:see "still quiet"
    local after = one()
    for _, field in ipairs { "id", "startsAt", "endsAt", "receivers", "recurring", "untilResolved", "remind", "matcherSets" } do
      assert.same(before[field], after[field], field)
    end
    assert.same({ "still quiet", "Ann" }, { after.comment, after.createdBy })
    page:press "Change"
    page:see "Leave it as it is"
    page:set("Mutes", "")
    page:tick "or until it is over"
    page:set("Reminds", "")
    page:type(MATCHERS, 'alertname="Stage"')
    page:value 'document.querySelector("[name=receivers]").selectedIndex = -1'
    page:press("Change it", "form")
    after = one(function(s) return s.id ~= before.id end, "it is another one, for it means something else")
    assert.same({ nil, nil, nil, nil, before.endsAt }, { after.receivers, after.recurring, after.remind, after.matcherSets, after.endsAt })
    assert.is_not_true(after.untilResolved)
    page:see_no "Leave it as it is" -- the page knows, too
    page:press "Change"
    page:press "Leave it as it is"
    page:see_no "Leave it as it is"
    assert.equal("", page:value 'document.querySelector("form textarea").value')
  end)

  promise("finds a silence among many, and shows more of them when asked", function()
    for i = 1, 120 do
      node:post(API, json.encode { matchers = { { name = "instance", value = "host-" .. i, isRegex = false } }, ["for"] = i .. "m", createdBy = "bob", comment = "number " .. i })
    end
    open "#silences"
    local rows = 'document.querySelectorAll("tbody tr").length'
    page:wait(rows .. " === 50", "fifty are shown")
    page:press "Show more"
    page:wait(rows .. " === 100", "fifty more are shown")
    page:type("Find a silence", "number 77")
    page:wait(rows .. " === 1", "one is found")
    page:see "host-77"
    page:type("Find a silence", "nobody")
    page:see "No silence says that."
  end)

  promise("lets one say that one is on an alert, and take that back", function()
    open "#home"
    page:press "I am on it"
    page:type("Your name", "<b>Ann</b>")
    page:type("Comment", "looking")
    page:set("For how long", "1h")
    page:press("I am on it", "form")
    page:see "<b>Ann</b>"
    page:see ", until "
    local ack = node:json("/api/mw/v1/ack").acks[1]
    assert.same({ "<b>Ann</b>", "looking", "page" }, { ack.author, ack.comment, ack.way })
    page:press "Take back"
    page:wait('[...document.querySelectorAll("button")].some((b) => b.innerText === "I am on it")', "nobody is on it")
    assert.same({}, node:json("/api/mw/v1/ack").acks)
    local seen = {}
    for _, e in ipairs(node:json("/api/mw/v1/audit?what=ack").audit) do seen[#seen + 1] = e.who end
    assert.same({ "<b>Ann</b>", "<b>Ann</b>" }, seen)
  end)

  promise("opens the story of an alert: who was told, why, and by which route", function()
    proc.eventually(function()
      sink:poll()
      return (node:json("/api/mw/v1/notifications?alert=Stage").notifications[1] or {}).result == "sent"
    end, 60, "hook was told")
    open "#home"
    page:press "Stage"
    page:see "Who was told, and why"
    page:see "hook was told"
    page:see "What happened"
    page:see 'not taken: team="db" says no'
    page:press "All messages about it"
    page:see "Why it was sent"
    page:press "Stage"
    page:press "Silence it"
    page:see "It would mute 1 alert of 1 that fire now"
  end)

  promise("of a link in a message says what the policy said, and then that it is quiet", function()
    local links = proc.eventually(function()
      sink:poll()
      for _, request in ipairs(sink.requests) do
        if request.json.status == "firing" then return request.json.links end
      end
    end, 60, "hook is told")
    page:go(links.silence)
    page:see "Stage"
    page:type("Who are you?", "Ann")
    page:set("For how long?", "7d")
    page:press "Silence"
    page:see "refused by policy: two days at <most>"
    page:type("Who are you?", "Ann")
    page:set("For how long?", "4h")
    page:type("Anything to say?", "by link")
    page:press "Silence"
    page:see "Quiet until"
    assert.equal("by link", one().comment)
    page:go(links.silence)
    page:see "This link was used already"
    page:go(links.why)
    page:see "Who was told, and why"
  end)

  promise("tells somebody who was not told why: what of the rule, who would hear of it, what is like it", function()
    open "#home"
    page:press "Why?"
    page:type(LABELS, 'alertname="Idle"\nteam="db"')
    page:press("Why?", "form")
    page:see "the rule Idle is evaluated and finds nothing"
    page:see "If it fired now: pager would be told."
    page:type(LABELS, 'alertname="Stag"\nteam="web"')
    page:press("Why?", "form")
    page:see "no rule makes such an alert (did you mean Stage?)"
    page:see "Alerts that are like it"
    page:type(LABELS, 'alertname=~"Sta"')
    page:press("Why?", "form")
    page:see "write its value"
    page:type(LABELS, 'alertname="Stage"')
    page:type("Receiver", "nobody")
    page:press("Why?", "form")
    page:see 'there is no receiver "nobody"'
    page:type("Receiver", "pager")
    page:press("Why?", "form")
    page:see "pager was not told"
  end)

  promise("draws a query, with a library that is fetched only then", function()
    open "#home"
    page:see "stage is 9"
    local fetched = [[performance.getEntriesByType("resource").some((e) => e.name.includes("uplot.mjs"))]]
    assert.is_false(page:value(fetched))
    page:press "Explore"
    page:type("query", "stage")
    page:press("Run", "form")
    page:see "1 series"
    page:wait('document.querySelector(".uplot canvas") != null', "it is drawn")
    assert.is_true(page:value(fetched))
  end)

  promise("shows what is hostile as the text that it is, and what is long without losing the rest", function()
    local long = ("x"):rep(20000)
    assert.equal(200, (node:post("/api/v2/alerts", json.encode { { labels = { alertname = HOSTILE, team = HOSTILE, long = long },
      annotations = { link = "javascript:document.title='evil'", summary = HOSTILE } } })))
    node:post(API, json.encode { matchers = { { name = HOSTILE, value = long:sub(1, 4000), isRegex = false } }, ["for"] = "1h", createdBy = HOSTILE, comment = HOSTILE })
    local function harmless(hash, text)
      open(hash)
      page:see(text)
      assert.equal(0, page:value 'document.querySelectorAll("#evil, a[href^=javascript], a[href^=data]").length')
      assert.equal("moonwatch", page:value "document.title")
      assert.is_true(page:value "document.documentElement.scrollWidth <= innerWidth", hash .. " is wider than the window")
    end
    harmless("#alert?alertname=Stage&severity=warning&team=web", "javascript:document")
    harmless("#silences?match=" .. net.escape('team="' .. HOSTILE:gsub('"', '\\"') .. '"'), "It would mute 1 alert")
    harmless("#why?label=" .. net.escape("team=" .. HOSTILE), HOSTILE)
    harmless("#notifications", "hook")
    harmless("#home", "stage is 9")
    page:see(HOSTILE) -- what others posted is there, too
  end)
end)

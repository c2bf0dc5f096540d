--- api_v2_spec.lua - every answer below /api/v2 has the shape that Alertmanager's description of it promises, refusals too.
--
-- The same requests go to Debian's Alertmanager, so the shapes themselves are true.
local am_pair = require "am_pair"
local json = require "dkjson"
local net = require "net"
local proc = require "proc"
local server = require "server"
local shapes = require "am_shapes"

local CONFIG = [[
route: { receiver: web, group_by: [ alertname ], group_wait: 1s, routes: [ { matchers: [ team="db" ], receiver: db, continue: true } ] }
inhibit_rules: [ { source_matchers: [ severity="page" ], target_matchers: [ severity="warning" ], equal: [ service ] } ]
receivers: [ { name: web, webhook_configs: [ { url: '%s/web' } ] }, { name: db } ]
]]

-- The same here in our own words, which speaks as the newer one.
local RULES = [[
receiver "web" { webhook { url = "http://127.0.0.1:9/" }, labels = { owner = "me" } }
receiver "db" {}
inhibit { source = { severity = "page" }, target = { severity = "warning" }, equal = { "service" } }
route { receiver = "web", group_by = { "alertname" }, group_wait = "1s", labels = { rule = "x" }, routes = { { match = { team = "db" }, receiver = "db", continue = true } } }
]]

local ALERTS = {
  { labels = { alertname = "Down", service = "shop", severity = "page" }, annotations = { summary = "it is" }, generatorURL = "http://g/1?x=y" },
  { labels = { alertname = "Slow", service = "shop", severity = "warning" } },
  { labels = { alertname = "Quiet", team = "db" }, startsAt = "2026-01-01T00:00:00Z", endsAt = "2099-01-01T00:00:00+01:00" },
}

local function silence(changes)
  local out = { matchers = { { name = "alertname", value = "Quiet", isRegex = false } }, createdBy = "ann", comment = "c",
    startsAt = "2026-01-01T00:00:00Z", endsAt = "2099-01-01T00:00:00Z" }
  for k, v in pairs(changes or {}) do out[k] = v end
  return out
end

local GONE, NULL = "00000000-0000-0000-0000-000000000000", json.null
local READS = {
  { "/status", "status" }, { "/receivers", "receivers" }, { "/silences", "silences" }, { "/alerts", "alerts" }, { "/alerts/groups", "groups" },
  { "/silences?filter=alertname%3DQuiet", "silences" }, { "/silences?filter=a%3Db", "silences" }, { "/alerts?active=false", "alerts" },
  { "/alerts?silenced=false&inhibited=false&receiver=db", "alerts" }, { "/alerts?filter=nothing%3D%22here%22", "alerts" },
  { "/alerts/groups?receiver=nobody", "groups" }, { "/alerts/groups?filter=team%3D~%22d.%2B%22", "groups" },
}

-- method, path, body → status, shape of the body ("": there is none to rely on)
local REFUSALS = {
  { "GET", "/silence/" .. GONE, nil, 404 }, { "GET", "/silence/nonsense", nil, 422, "misshapen" }, { "DELETE", "/silence/nonsense", nil, 422, "misshapen" },
  { "GET", "/alerts?filter=a%3D~(", nil, 400, "reason" }, { "GET", "/alerts?receiver=(", nil, 400, "reason" }, { "GET", "/silences?filter=(", nil, 400, "reason" },
  { "GET", "/alerts/groups?filter=%7B", nil, 400, "reason" },
  { "POST", "/alerts", { { labels = (json.decode "{}") } }, 400, "reason" }, { "POST", "/alerts", { (json.decode "{}") }, 422, "misshapen" },
  { "POST", "/alerts", { { labels = { a = "b" }, startsAt = "2026-01-02T00:00:00Z", endsAt = "2026-01-01T00:00:00Z" } }, 400, "reason" },
  { "POST", "/silences", silence { matchers = (json.decode "[]") }, 422, "misshapen" }, { "POST", "/silences", silence { matchers = NULL }, 422, "misshapen" },
  { "POST", "/silences", silence { endsAt = NULL }, 422, "misshapen" }, { "POST", "/silences", silence { comment = NULL }, 422, "misshapen" },
  { "POST", "/silences", silence { createdBy = NULL }, 422, "misshapen" },
  { "POST", "/silences", silence { id = GONE }, 404 }, { "POST", "/silences", silence { endsAt = "2026-01-01T00:00:00Z" }, 400, "reason" },
  { "POST", "/silences", silence { matchers = { { name = "a", value = "(", isRegex = true } } }, 400, "reason" },
  { "POST", "/silences", silence { matchers = { { name = "a", value = "", isRegex = false } } }, 400, "reason" },
  { "POST", "/silences", silence { matchers = { { name = "", value = "x", isRegex = false } } }, 400, "reason" },
}

describe("an answer of /api/v2", function()
  local pair, own, sides

  local function ask(side, method, path, body)
    local status, text, headers = net.request(side.url .. "/api/v2" .. path,
      { method = method, body = body and json.encode(body), headers = { ["content-type"] = body and "application/json" or nil } })
    return status, text, headers
  end

  local function check(side, shape, text, what)
    local value, _, err = json.decode(text, 1, json.null)
    assert(err == nil, what .. ": " .. text)
    local why = shapes[shape](value, what, side.newer)
    if why then error(("%s: %s"):format(side.name, why), 0) end
  end

  setup(function()
    pair = am_pair.start(function(hook) return (CONFIG:gsub("%%s", hook)) end)
    own = server.start { rules = { ["routes.lua"] = RULES } }
    sides = { { name = "Alertmanager", url = pair.urls[1] }, { name = "as 0.25", url = pair.urls[2] }, { name = "as 0.34", url = own.url, newer = true } }
    for _, side in ipairs(sides) do
      assert.equal(200, (ask(side, "POST", "/alerts", ALERTS)))
      local status, text = ask(side, "POST", "/silences", silence())
      assert.equal(200, status, text)
      check(side, "made", text, "POST /silences")
      side.id = json.decode(text).silenceID
      for _, more in ipairs { { comment = "", matchers = { { name = "x", value = "y|z", isRegex = true, isEqual = false } } }, { startsAt = "2098-01-01T00:00:00Z" } } do
        status, text = ask(side, "POST", "/silences", silence(more))
        assert.equal(200, status, text)
      end
      local last = json.decode(text).silenceID
      assert.equal(200, (ask(side, "DELETE", "/silence/" .. last)))
    end
  end)
  teardown(function()
    if pair then pair:stop() end
    if own then own:stop() end
    proc.cleanup()
  end)

  it("has the fields, types and words that are promised", function()
    for _, side in ipairs(sides) do
      proc.eventually(function() return not select(2, ask(side, "GET", "/alerts")):find("unprocessed", 1, true) end, 10, "all alerts are looked at")
      for _, row in ipairs(READS) do
        local status, text, headers = ask(side, "GET", row[1])
        assert.equal(200, status, side.name .. row[1])
        assert.truthy(headers["content-type"]:find "^application/json")
        check(side, row[2], text, row[1])
      end
      local status, text = ask(side, "GET", "/silence/" .. side.id)
      assert.equal(200, status)
      check(side, "silence", text, "/silence/{id}")
    end
  end)

  it("that refuses has the same number and form, and says why", function()
    local found = {}
    for i, row in ipairs(REFUSALS) do
      for _, side in ipairs(sides) do
        local status, text = ask(side, row[1], row[2], row[3])
        local what = ("%s %s (row %d)"):format(row[1], row[2], i)
        if status ~= row[4] then found[#found + 1] = ("%s: %s is answered %s: %s"):format(side.name, what, status, text)
        elseif row[5] then check(side, row[5], text, what) end
      end
    end
    assert.equal("", table.concat(found, "\n"))
  end)
end)

--- hostile_bodies_spec.lua - bodies that mean harm, sent to /api/v2: each is answered as Debian's Alertmanager answers it, costs
-- little, and takes nothing with it that was accepted.
local am_pair = require "am_pair"
local net = require "net"
local proc = require "proc"
local server = require "server"

local CONFIG = [[
route: { receiver: web, group_by: [ alertname ] }
receivers: [ { name: web } ]
]]

local function labels(inner) return '[{"labels":' .. inner .. "}]" end
local function with(field) return '[{"labels":{"alertname":"x"},' .. field .. "}]" end

local function many(n)
  local out = {}
  for i = 1, n do out[i] = ('"l%d":"v"'):format(i) end
  return "{" .. table.concat(out, ",") .. "}"
end

-- What it is, the body.
local ALERTS = {
  { "nothing", "" }, { "null", "null" }, { "a number", "1" }, { "a text", '"x"' }, { "an object", "{}" }, { "an empty list", "[]" },
  { "an alert that is no list", '{"labels":{"a":"b"}}' }, { "half a list", "[" }, { "half an object", "[{" }, { "half an alert", '[{"labels":{"a":"b"}' },
  { "half a text", '[{"labels":{"a":"b' }, { "more behind it", '[{"labels":{"alertname":"behind"}}] x' }, { "a comma too many", '[{"labels":{"alertname":"comma"}},]' },
  { "single quotes", "[{'labels':{'a':'b'}}]" }, { "a list of null", "[null]" }, { "a list of numbers", "[1]" }, { "a list of lists", "[[]]" }, { "a list of texts", '["x"]' },
  { "a deep list", ("["):rep(100000) }, { "a deep list that ends", ("["):rep(9000) .. ("]"):rep(9000) }, { "deep labels", labels(('{"a":'):rep(5000) .. "1" .. ("}"):rep(5000)) },
  { "labels that are a number", labels "1" }, { "labels that are a list", labels "[]" }, { "labels that are a text", labels '"a"' }, { "labels that are null", labels "null" },
  { "no labels", labels "{}" }, { "a value that is a number", labels '{"a":1}' }, { "a value that is null", labels '{"a":null}' }, { "a value that is a list", labels '{"a":["b"]}' },
  { "a value that is true", labels '{"a":true}' }, { "a name that is nothing", labels '{"":"x"}' }, { "only empty values", labels '{"a":"","b":""}' },
  { "an empty value beside others", labels '{"alertname":"empty","b":""}' }, { "a name with blanks", labels '{"a b":"x"}' }, { "a name that begins with a digit", labels '{"1a":"x"}' },
  { "bad UTF-8 in a value", labels '{"alertname":"bad\255"}' }, { "bad UTF-8 in a name", labels '{"a\255":"x"}' }, { "an overlong form", labels '{"alertname":"\192\128"}' },
  { "half a pair", labels '{"alertname":"\\ud800"}' }, { "a NUL that is escaped", labels '{"alertname":"nul\\u0000"}' }, { "a NUL that is not", labels '{"alertname":"nul\0"}' },
  { "a line break in a text", labels '{"alertname":"a\nb"}' }, { "an escape that is none", labels '{"alertname":"\\x41"}' },
  { "a start that is a number", with '"startsAt":1' }, { "a start that is a word", with '"startsAt":"yesterday"' }, { "a start in a month that is none", with '"startsAt":"2026-13-01T00:00:00Z"' },
  { "a start after year 9999", with '"startsAt":"10000-01-01T00:00:00Z"' }, { "a start before all", with '"startsAt":"-0001-01-01T00:00:00Z"' },
  { "a start without a zone", with '"startsAt":"2026-01-01T00:00:00"' }, { "a start without seconds", with '"startsAt":"2026-01-01T00:00Z"' },
  { "a start with a blank", with '"startsAt":"2026-01-01 00:00:00"' },  { "an end before the start", with '"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"' },
  { "the end of time", '[{"labels":{"alertname":"end of time"},"endsAt":"9999-12-31T23:59:59.999999999Z"}]' },
  { "the beginning of time", '[{"labels":{"alertname":"long ago"},"startsAt":"0001-01-01T00:00:00Z"}]' },
  { "annotations that are a list", with '"annotations":["a"]' }, { "annotations of a number", with '"annotations":{"a":1}' }, { "an address that is a number", with '"generatorURL":1' },
  { "the same name twice", labels '{"alertname":"first","alertname":"second"}' }, { "labels twice", '[{"labels":{"alertname":"one"},"labels":{"alertname":"two"}}]' },
  { "fields that nobody knows", with '"more":{"and":["more"]}' }, { "a number beyond all", with '"more":1e999999' }, { "a long number", with('"more":' .. ("9"):rep(100000)) },
  { "a good one beside bad ones", '[{"labels":{}},{"labels":{"alertname":"beside"}},{"labels":{"1a":"x"}}]' },
  { "a good one beside a misshapen one", '[{"labels":{"alertname":"spoiled"}},{"labels":1}]' },
  { "a value of a megabyte", labels('{"alertname":"large","v":"' .. ("x"):rep(1e6) .. '"}') }, { "a name of a megabyte", labels('{"alertname":"long","' .. ("x"):rep(1e6) .. '":"v"}') },
  { "a hundred thousand labels", labels(many(1e5)) }, { "blanks", (" "):rep(4e6) }, { "a byte order mark", "\239\187\191" .. labels '{"alertname":"mark"}' },
  { "noise", ("\1\2\255\254"):rep(1e5) },
}

local S = '"createdBy":"a","comment":"c","startsAt":"2026-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z"'
local function matching(list, rest) return ('{"matchers":%s,%s}'):format(list, rest or S) end
local function one(fields) return matching("[{" .. fields .. "}]") end
local GOOD = '{"name":"a","value":"b","isRegex":false}'
local SILENCES = {
  { "nothing", "" }, { "null", "null" }, { "a list", "[]" }, { "an empty object", "{}" }, { "half of one", '{"matchers":[' }, { "a deep list", ("["):rep(100000) },
  { "deep matchers", matching(("["):rep(5000) .. ("]"):rep(5000)) }, { "no matchers", matching "[]" }, { "matchers that are an object", matching "{}" }, { "a matcher that is null", matching "[null]" },
  { "a matcher without a name", one '"value":"b","isRegex":false' }, { "a matcher without a value", one '"name":"a","isRegex":false' },
  { "a matcher that does not say what it is", one '"name":"a","value":"b"' }, { "an empty name", one '"name":"","value":"b","isRegex":false' },
  { "an empty value", one '"name":"a","value":"","isRegex":false' }, { "a value that matches nothing", one '"name":"a","value":".*","isRegex":true' },
  { "a name that is a number", one '"name":1,"value":"b","isRegex":false' }, { "isRegex that is a text", one '"name":"a","value":"b","isRegex":"yes"' },
  { "an expression that is none", one '"name":"a","value":"(","isRegex":true' }, { "an expression that repeats itself", one '"name":"a","value":"((a{1000}){1000}){1000}","isRegex":true' },
  { "bad UTF-8", one '"name":"a","value":"\255","isRegex":false' }, { "a NUL that is not escaped", one '"name":"a","value":"\0","isRegex":false' },
  { "an end before the start", matching("[" .. GOOD .. "]", S:gsub("2099", "2025")) }, { "an end that is a number", matching("[" .. GOOD .. "]", S:gsub('"2099[^"]*"', "1")) },
  { "an end after year 9999", matching("[" .. GOOD .. "]", S:gsub("2099", "99999")) }, { "an end that is null", matching("[" .. GOOD .. "]", S:gsub('"2099[^"]*"', "null")) },
  { "no comment", matching("[" .. GOOD .. "]", (S:gsub('"comment":"c",', ""))) }, { "an id that is none", matching("[" .. GOOD .. "]", S .. ',"id":"x"') },
  { "an id that is a number", matching("[" .. GOOD .. "]", S .. ',"id":1') }, { "more behind it", matching("[" .. GOOD .. "]") .. "x" },
}

describe("a body that means harm", function()
  local pair
  setup(function() pair = am_pair.start(function() return CONFIG end) end)
  teardown(function()
    if pair then pair:stop() end
    proc.cleanup()
  end)

  local function send(i, path, body)
    return net.request(pair.urls[i] .. path, { method = "POST", body = body, headers = { ["content-type"] = "application/json" }, timeout = 30 })
  end

  -- OTHERWISE: what we answer where Alertmanager answers something else, and reads on.
  local function told(path, rows, otherwise)
    local found = {}
    for _, row in ipairs(rows) do
      local theirs, said = send(1, path, row[2])
      local ours, why = send(2, path, row[2])
      local expected = otherwise[row[1]] or theirs
      if ours ~= expected then
        found[#found + 1] = ("%s: expected %s (%s), is %s (%s)"):format(row[1], tostring(expected), tostring(said):sub(1, 150), tostring(ours), tostring(why):sub(1, 150))
      end
      if ours and ours >= 400 and #why > 1000 then found[#found + 1] = row[1] .. ": a reason of " .. #why .. " bytes" end
    end
    return table.concat(found, "\n")
  end

  -- What side I has now: fingerprints of alerts, and matchers of silences.
  local function kept(i)
    local out = {}
    for _, alert in ipairs(net.json(pair.urls[i] .. "/api/v2/alerts", { timeout = 30 })) do
      if alert.labels.alertname ~= "behind" then out[#out + 1] = alert.fingerprint end
    end
    for _, s in ipairs(net.json(pair.urls[i] .. "/api/v2/silences")) do
      local m = s.matchers[1]
      out[#out + 1] = m.name .. (m.isRegex and "=~" or "=") .. m.value .. " " .. s.comment
    end
    table.sort(out)
    return out
  end

  local function resident()
    return tonumber(proc.read(("/proc/%d/status"):format(pair.ours.proc.pid)):match "VmRSS:%s*(%d+)") / 1024
  end

  it("of alerts is answered as Alertmanager answers it", function()
    assert.equal("", told("/api/v2/alerts", ALERTS, {
      ["more behind it"] = 400, -- Alertmanager takes what is before it, and says nothing of the rest
      ["a list of null"] = 400, ["a deep list"] = 400, ["noise"] = 400, -- it cuts the line
      ["a list of lists"] = 422, -- an empty list is an empty object here
      ["a number beyond all"] = 400, ["a long number"] = 400, -- it does not look at fields that it does not know
    }))
  end)

  it("of a silence, too", function()
    assert.equal("", told("/api/v2/silences", SILENCES, {
      ["more behind it"] = 400, ["matchers that are an object"] = 422, ["a matcher that is null"] = 400, ["a deep list"] = 400, ["deep matchers"] = 400,
    }))
  end)

  it("takes nothing with it of what was accepted, nor does a restart after it", function()
    for i = 1, 2 do assert.equal(200, (send(i, "/api/v2/alerts", labels '{"alertname":"last"}'))) end
    -- The one that has more behind it Alertmanager took.
    local theirs, ours, more = kept(1), kept(2), 0
    for _, line in ipairs(theirs) do
      if line == "a=b c" then more = more + 1 end
    end
    for _, line in ipairs(ours) do
      if line == "a=b c" then more = more - 1 end
    end
    assert.equal(1, more)
    for at, line in ipairs(theirs) do
      if line == "a=b c" then table.remove(theirs, at) break end
    end
    assert.same(theirs, ours)
    pair.ours:kill()
    pair.ours = server.start { dir = pair.ours.dir, port = pair.ours.port }
    assert.same(ours, kept(2))
  end)

  it("costs little, however large and however often", function()
    local before = resident()
    for _, body in ipairs { ("["):rep(8e6), '[{"labels":{"a":"' .. ("x"):rep(8e6), "[" .. ("{},"):rep(2e6), '[{"labels":{"a":"' .. ("\255"):rep(8e6), ("[1,"):rep(2e6), "[" .. ("1,"):rep(4e6),
      "[" .. ("{},"):rep(2e6) .. "{}]", '[{"labels":1},' .. ('{"labels":{"a":"b"}},'):rep(4e5) .. "{}]" } do
      for _ = 1, 3 do
        for _, path in ipairs { "/api/v2/alerts", "/api/v2/silences" } do
          local status, why = send(2, path, body)
          assert.equal(400, status, why)
        end
      end
    end
    local after = resident()
    assert.truthy(after - before < 256, ("%d MB became %d MB"):format(before, after))
    -- The largest are refused before they are read.
    local status = send(2, "/api/v2/alerts", (" "):rep(70e6))
    assert.truthy(status == 413 or status == nil)
    assert.equal(200, (send(2, "/api/v2/alerts", labels '{"alertname":"still here"}')))
    assert.is_true(pair.ours.proc:alive())
  end)
end)

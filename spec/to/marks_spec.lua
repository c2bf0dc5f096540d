--- marks_spec.lua - whatever kind of receiver: a test is seen to be one, a fallback says why it is told, a digest has its counts.
local fake = require "fake_host"
local to = require "moonwatch.to"

-- Enough for any kind.
local FIELDS = { url = "http://x", channel = "#x", routing_key = "k", api_key = "k", token = "t", user_key = "u", user = "u", project = "P",
  issue_type = "Bug", api_url = "http://x", username = "u", chat = "1", chat_id = "1", bot_token = "t", room = "r", command = { "x" }, topic_arn = "arn:aws:sns:eu-west-1:1:t", region = "eu-west-1", access_key = "a", secret_key = "b", to = { "a@b" }, from = "a@b", smarthost = "x:25",
  host = "x:25", server = "x:25" }

local function note_of(more)
  local alert = { fp = "0123456789abcdef", labels = { alertname = "HighLatency", severity = "page" }, status = "firing", severity = "page",
    annotations = { summary = "requests are slow" }, starts_at = 1780000000, updated_at = 1780000000 }
  local out = { id = "0011223344556677", time = 1780000000, receiver = "r", integration = "i", group_key = "g", group_labels = {}, reason = "new",
    alerts = { alert }, status = "firing", common_labels = alert.labels, common_annotations = alert.annotations, external_url = "http://mw" }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

-- Every text in VALUE, however deep.
local function texts(value, out)
  if type(value) == "string" then out[#out + 1] = value end
  for _, inner in pairs(type(value) == "table" and value or {}) do texts(inner, out) end
  return out
end

-- All that a kind puts into its request; nil when it asks several, sends by itself, or wants fields that are not here: those have
-- their own specs.
local function said(kind, note)
  if not kind.build then return nil end
  local ok, request = pcall(kind.build, note, FIELDS, fake.new(), 1780000000)
  return ok and table.concat(texts(request, {}), "\n") or nil
end

describe("every kind of receiver", function()
  local function each(note, wanted)
    local n = 0
    for name, kind in pairs(to.kinds) do
      local text = said(kind, note)
      if text then
        local found = false
        n = n + 1
        for _, what in ipairs(wanted) do found = found or text:find(what, 1, true) ~= nil end
        assert.is_true(found, name .. " says: " .. text)
      end
    end
    assert.is_true(n >= 5, "only " .. n .. " kinds were asked")
  end

  it("marks a test message", function()
    local note = note_of { test = true }
    note.alerts[1].annotations = { summary = "This is a test message, sent by hand. Nothing is wrong." }
    note.common_annotations = note.alerts[1].annotations
    each(note, { "[TEST]", "test message", "test%20message", "test+message", '"test":true' })
  end)

  it("says why a fallback is told", function()
    each(note_of { remark = "because chat cannot be reached since noon" }, { "because chat", "because%20chat", "because+chat" })
  end)

  it("shows the counts of a digest, unless it never gets one", function()
    local jobs = {}
    for i = 1, 37 do jobs[i] = { created = 1780000000, note = note_of() } end
    for name, kind in pairs(to.kinds) do
      local target = { key = "r/" .. name .. "/1", receiver = "r", kind = name, digest = { alerts = kind.digests == "alerts" } }
      local note = require("moonwatch.to.digest").note(target, jobs, "too many waited", fake.new(), "http://mw", 1780000000)
      local text = kind.digests ~= "never" and said(kind, note)
      if text then
        local counts = text:find("37 groups", 1, true) or text:find("37%20groups", 1, true) or text:find('"groups":37', 1, true)
        assert.is_truthy(counts, name .. " says: " .. text)
      end
    end
  end)
end)

--- message_templates_spec.lua - what a text with {{ }} says is what Debian's amtool makes of it.
local chance = require "am_chance"
local gotemplate = require "moonwatch.gotemplate"
local json = require "dkjson"
local proc = require "proc"
local templates = require "am_texts"

local NOTE = {
  receiver = "team.x", status = "firing", external_url = "http://am:9093", group_labels = { alertname = "Disk full" },
  common_labels = { alertname = "Disk full", job = "node-1", team = "ünï" }, common_annotations = { summary = 'it\'s <90%> & "more"' },
  alerts = {
    { status = "firing", labels = { alertname = "Disk full", job = "node-1", team = "ünï", instance = "10.0.0.1:9100", severity = "page" }, fp = "a1",
      annotations = { summary = 'it\'s <90%> & "more"', runbook = "http://wiki/a b" }, starts_at = 1780000000, generator_url = "http://p/graph?a=b&c" },
    { status = "resolved", labels = { alertname = "Disk full", job = "node-1", team = "ünï", instance = "10.0.0.2:9100" }, fp = "b2",
      annotations = { summary = 'it\'s <90%> & "more"' }, starts_at = 1780000030, ends_at = 1780003661, generator_url = "" },
  },
}

local function iso(t) return t and os.date("!%Y-%m-%dT%H:%M:%SZ", t) or "0001-01-01T00:00:00Z" end

local function data()
  local alerts = {}
  for i, a in ipairs(NOTE.alerts) do
    alerts[i] = { status = a.status, labels = a.labels, annotations = a.annotations, startsAt = iso(a.starts_at), endsAt = iso(a.ends_at),
      generatorURL = a.generator_url, fingerprint = a.fp }
  end
  return json.encode { receiver = NOTE.receiver, status = NOTE.status, alerts = alerts, groupLabels = NOTE.group_labels, commonLabels = NOTE.common_labels,
    commonAnnotations = NOTE.common_annotations, externalURL = NOTE.external_url }
end

describe("a text as Alertmanager's", function()
  local folder
  setup(function()
    folder = proc.scratch()
    proc.write(folder .. "/data.json", data())
    proc.write(folder .. "/none.tmpl", "")
  end)
  teardown(proc.cleanup)

  -- Either both say the same, or both refuse.
  local function compare(text)
    local status, said = proc.run { "amtool", "template", "render", "--template.glob=" .. folder .. "/none.tmpl", "--template.text=" .. text,
      "--template.data=" .. folder .. "/data.json" }
    local ours = gotemplate.say(text, NOTE)
    if status ~= 0 then return assert.truthy(ours:find("^<error expanding template: "), text .. "\n" .. said .. "\n" .. ours) end
    assert.equal(said, ours, text)
  end

  it("says the same", function()
    for _, text in ipairs(templates.known) do compare(text) end
  end)

  it("says the same by chance", function()
    local c = chance.new(tonumber(os.getenv "SEED") or 1)
    for _ = 1, tonumber(os.getenv "TEXTS") or 100 do compare(templates.text(c)) end
  end)
end)

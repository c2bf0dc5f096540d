--- texts_spec.lua - labels and annotations of posted alerts are one block of bytes, and look like a table where it matters.
local host = require "moonwatch.host"
local labels = require "moonwatch.route.labels"

-- The labels and annotations of an alert that is posted with them.
local function posted(set, annotations)
  local body = host.json.encode(host.json.array { { labels = set, annotations = annotations } })
  local alert = assert(host.read_alerts(body, {}, 1780000000, false))[1]
  return alert.labels, alert.annotations
end

local function walked(set)
  local out, order = {}, {}
  for name, value in labels.each(set) do
    out[name] = value
    order[#order + 1] = name
  end
  return out, order
end

describe("the labels of a posted alert", function()
  local PLAIN = { job = "api", alertname = "Down", ["é"] = "ü\n", j = "x", jobs = "y" }

  it("are asked for one by one as those of a table", function()
    local set = posted(PLAIN)
    for name, value in pairs(PLAIN) do assert.equal(value, set[name]) end
    for _, name in ipairs { "", "a", "alertnam", "alertname\0", "jo", "zz", "__index" } do assert.is_nil(set[name]) end
    assert.is_nil(set[1])
    assert.is_nil(set[false])
    assert.is_false(pcall(function() set.job = "other" end))
  end)

  it("are walked over in the order of their names", function()
    local out, order = walked(posted(PLAIN))
    assert.same(PLAIN, out)
    assert.same({ "alertname", "j", "job", "jobs", "é" }, order)
    local _, none = posted({ a = "b" }, {})
    assert.same({}, (walked(none)))
    assert.same(PLAIN, (walked(PLAIN)))
  end)

  it("are a table for whoever needs one", function()
    local set, annotations = posted(PLAIN, { summary = "", text = '"quoted"' })
    local table_of_it = labels.plain(set)
    assert.same(PLAIN, table_of_it)
    assert.is_true(labels.is(set, table_of_it))
    assert.is_false(labels.is(set, labels.plain(posted(PLAIN)) or nil))
    assert.same({ summary = "", text = '"quoted"' }, labels.plain(annotations))
    assert.equal(PLAIN, labels.plain(PLAIN))
    assert.is_nil(labels.plain(nil))
  end)

  it("leave as a map", function()
    local set = posted(PLAIN, { text = '"quoted"' })
    assert.same({ { labels = PLAIN } }, host.json.decode(host.json.encode { { labels = set } }))
    assert.same("{}", host.json.encode((select(2, posted({ a = "b" }, {})))))
  end)

  it("are the same as others, or as a table, with the same names and texts", function()
    local set = posted(PLAIN)
    assert.is_true(labels.same(set, posted(PLAIN)))
    assert.is_true(labels.same(PLAIN, set))
    for _, other in ipairs { {}, { job = "api" }, { job = "api", alertname = "Down", ["é"] = "ü\n", j = "xy", jobs = "" } } do
      assert.is_false(labels.same(set, other))
    end
    assert.is_true(labels.same({}, {}))
    assert.is_false(pcall(labels.same, set, { job = 1 }))
    assert.is_false(pcall(labels.same, set, nil))
  end)

  it("have in common what all of them have, tables or not", function()
    local a, b = posted { a = "1", b = "2", c = "3" }, posted { a = "1", b = "3", c = "3" }
    assert.same({ a = "1", c = "3" }, labels.common { a, b })
    assert.same({ a = "1" }, labels.common { a, b, { a = "1", b = "2" } })
    assert.same({ a = "1", b = "2" }, labels.common { { a = "1", b = "2" }, a })
  end)
end)

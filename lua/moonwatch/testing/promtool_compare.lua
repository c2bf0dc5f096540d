--- promtool_compare.lua - what a test expects and what there was: equal, or how they differ, for a person.
local keys_of = require "moonwatch.keys"
local metric = require "moonwatch.testing.metric"
local notation = require "moonwatch.testing.notation"

local M = {}

-- -- numbers -----------------------------------------------------------------------------------

local function next_up(x)
  if x == 0 then return 2 ^ -1074 end
  local m, e = math.frexp(x)
  return x + 2 ^ math.max(e - (m == -0.5 and 54 or 53), -1074)
end

local function same_number(a, b, fuzzy)
  if a == b or (a ~= a and b ~= b) then return true end
  return fuzzy and (next_up(a) == b or next_up(b) == a) or false
end

-- -- texts that tell everything apart, also the order of what is shown -------------------------

local function alert_text(alert)
  local out = { metric.text(alert.labels) }
  for _, name in ipairs(keys_of(alert.annotations)) do out[#out + 1] = ("    %s: %s"):format(name, (alert.annotations[name]:gsub("\n", "\n      "))) end
  return table.concat(out, "\n")
end

local function sample_text(sample)
  return metric.text(sample.labels) .. " " .. (sample.histogram and notation.histogram_text(sample.histogram) or metric.number(sample.value))
end

local function listed(what, texts)
  if #texts == 0 then return ("  %s: nothing"):format(what) end
  return ("  %s:\n    %s"):format(what, (table.concat(texts, "\n"):gsub("\n", "\n    ")))
end

local function texts_of(list, text)
  local out = {}
  for i, item in ipairs(list) do out[i] = text(item) end
  table.sort(out)
  return out
end

local function difference(expected, got)
  return listed("expected", expected) .. "\n" .. listed("got", got)
end

-- -- alerts ------------------------------------------------------------------------------------

--- Lists of { labels=, annotations= }, in any order: nil when equal, else the difference.
function M.alerts(expected, got)
  local a, b = texts_of(expected, alert_text), texts_of(got, alert_text)
  if table.concat(a, "\1") == table.concat(b, "\1") then return nil end
  return difference(a, b)
end

-- -- samples -----------------------------------------------------------------------------------

local function by_labels(list)
  local out = {}
  for i, item in ipairs(list) do out[i] = { key = metric.text(item.labels), sample = item, place = i } end
  table.sort(out, function(a, b)
    if a.key ~= b.key then return a.key < b.key end
    return a.place < b.place
  end)
  return out
end

-- That a counter was not reset is known of samples that share a chunk in Prometheus: a matter of how they are stored.
local function histogram_key(histogram) return (notation.histogram_text(histogram):gsub(" counter_reset_hint:not_reset}}$", "}}")) end

local function same_sample(a, b, fuzzy)
  if (a.histogram ~= nil) ~= (b.histogram ~= nil) then return false end
  if a.histogram then return histogram_key(a.histogram) == histogram_key(b.histogram) end
  return same_number(a.value, b.value, fuzzy)
end

--- Lists of { labels=, value= or histogram= }, in any order: nil when equal, else the difference.  FUZZY: up to the last bit.
function M.samples(expected, got, fuzzy)
  local a, b = by_labels(expected), by_labels(got)
  local same = #a == #b
  for i = 1, same and #a or 0 do same = same and a[i].key == b[i].key and same_sample(a[i].sample, b[i].sample, fuzzy) end
  if same then return nil end
  return difference(texts_of(expected, sample_text), texts_of(got, sample_text))
end

return M

--- labels.lua - small things one does with a set of labels.
--
-- A set is a table, or of a posted alert a block of bytes (host.texts), of which one asks for a label as of a table: set.job.
local keys_of = require "moonwatch.keys"
local matchers = require "moonwatch.route.matchers"
local texts = require("moonwatch.host").texts

local M = {}

--- `for name, value in each(set)`.
function M.each(set)
  if type(set) == "table" then return pairs(set) end
  return texts.next, set
end

local made_of = setmetatable({}, { __mode = "k" })

--- SET as a table.
function M.plain(set)
  if type(set) ~= "userdata" then return set end
  local out = texts.plain(set)
  made_of[out] = set
  return out
end

--- Is OTHER SET itself, or the table that was made of it?
function M.is(set, other) return set == other or other ~= nil and set ~= nil and made_of[other] == set end

--- Have A and B the same names and values?
M.same = texts.same

--- `{a="b", c="d"}`, sorted by name: the form in group keys.
function M.text(labels)
  local out = {}
  for i, name in ipairs(keys_of(labels)) do out[i] = name .. "=" .. matchers.quote(labels[name]) end
  return "{" .. table.concat(out, ", ") .. "}"
end

--- A table of the names and values that a list of sets has in common; what one of them does not have is empty there.
M.common = texts.common

--- Does A come before B?  Fewer labels first, then by name and value.
function M.before(a, b)
  local na, nb = keys_of(M.plain(a)), keys_of(M.plain(b))
  if #na ~= #nb then return #na < #nb end
  for i = 1, #na do
    -- The set that has the smaller name of the two holds a label that the other lacks.
    if na[i] ~= nb[i] then return nb[i] < na[i] end
    if a[na[i]] ~= b[nb[i]] then return a[na[i]] < b[nb[i]] end
  end
  return false
end

-- A text for each job and instance that compares as they do; what is missing comes last.
local function key_of(job, instance)
  if job and instance then return "\1" .. job .. "\0\1" .. instance end
  return (job and "\1" .. job or "\2") .. "\0" .. (instance and "\1" .. instance or "\2")
end

--- LIST of things that have `labels`, put into the order of alerts in a message: by job, by instance, then by all labels.
function M.put_in_order(list)
  local keys, first, others, n = {}, {}, {}, 0
  for i, thing in ipairs(list) do
    local set = thing.labels
    local key = key_of(set.job, set.instance)
    if not first[key] then
      n = n + 1
      first[key], keys[n] = thing, key
    else
      others[key] = others[key] or { first[key] }
      table.insert(others[key], thing)
    end
    list[i] = nil
  end
  table.sort(keys) -- texts alone are sorted without a call for each two of them
  local k = 0
  for i = 1, n do
    local key = keys[i]
    local same = others[key]
    if same then table.sort(same, function(a, b) return M.before(a.labels, b.labels) end) end
    for j = 1, same and #same or 1 do
      k = k + 1
      list[k] = same and same[j] or first[key]
    end
  end
  return list
end

return M

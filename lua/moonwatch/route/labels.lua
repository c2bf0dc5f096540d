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
M.before = texts.before

--- LIST of things that have `labels`, put into the order of alerts in a message: by job, by instance, then by all labels.
M.put_in_order = texts.in_order

return M

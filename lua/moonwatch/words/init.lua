--- init.lua - the words of the language, in the order in which the manual tells of them.
local keys_of = require "moonwatch.keys"

local M = {}

local NAMES = { "settings", "include", "scrape", "record", "alert", "expect", "slo", "check", "breaker", "receiver", "person",
                "canary", "experiment",
                "route", "inhibit", "enrich", "window", "escalation", "oncall", "drill", "policy", "every", "pipeline", "sample", "sink" }

M.list, M.by_name = {}, {}
for i, name in ipairs(NAMES) do
  M.list[i] = require("moonwatch.words." .. name)
  M.by_name[name] = M.list[i]
end
M.kinds = require "moonwatch.words.kinds"

--- Word -> shape, as host.guest wants it.
function M.shapes()
  local out = {}
  for _, def in ipairs(M.list) do out[def.word] = def.shape end
  return out
end

--- Names of the receiver kinds.
function M.kind_names()
  return keys_of(M.kinds)
end

return M

--- outbox.lua - what the outbox costs: puts and takes of a storm, and the questions that a flush asks.
--
--     ./moonwatch lua bench/outbox.lua [MESSAGES] [GROUPS at once]
--
-- With the JIT off, as it is in the server.  Answers CPU microseconds for a message.
local Deliver = require "moonwatch.route.deliver"

local MESSAGES, GROUPS = tonumber(arg and arg[1]) or 100000, tonumber(arg and arg[2]) or 1000
local SEVERITIES = { "page", "warning", "warning", "info" }

local waiting = {}
local box = Deliver.new {
  send = function(_, _, _, done) waiting[#waiting + 1] = done end, before_send = function() end, attempt = function() end,
  finish = function() end, most = 1e9,
}
box:configure({ t = { key = "t", receiver = "r", kind = "pagerduty" } }, 0)

local function storm(now)
  for i = 1, GROUPS do
    local key = "group" .. i
    box:put({ key = key .. "|t", target = "t", group_key = key, view = {}, how = {},
      note = { alerts = { { labels = {}, severity = SEVERITIES[i % 4 + 1] } } } }, now + i / 1e6)
  end
end

local function drain(now)
  local owed = 0
  repeat
    box:pump(now + 1)
    local answers = waiting
    waiting = {}
    for _, done in ipairs(answers) do
      done({ ok = true, status = 200 }, now + 1)
      owed = owed + (box:owes("group" .. owed + 1) and 1 or 0)
    end
  until #answers == 0
end

collectgarbage()
local begun, rounds = os.clock(), math.floor(MESSAGES / GROUPS)
local put = 0
for round = 1, rounds do
  local before = os.clock()
  storm(round * 10)
  put = put + os.clock() - before
  drain(round * 10)
end
local took = os.clock() - begun
print(("%d messages, %d groups at once: %.2f us each (put %.2f, take and answer %.2f), %.2f s of CPU"):format(rounds * GROUPS, GROUPS,
  took / (rounds * GROUPS) * 1e6, put / (rounds * GROUPS) * 1e6, (took - put) / (rounds * GROUPS) * 1e6, took))

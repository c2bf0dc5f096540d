--- receiver_notes.lua - messages and a way to send them, for specs of receiver kinds.
--
--   local told = notes.tell("jira", notes.note(), fields, { { status = 200, body = "..." }, ... })
--   told.outcome, told.requests
local fake = require "fake_host"
local to = require "moonwatch.to"

local M = { NOW = 1780000100 }

function M.alert(more)
  local out = { fp = "00ff", status = "firing", starts_at = 1780000000, value = 0.98765, threshold = 0.9, updated_at = 1780000000,
    severity = "critical", labels = { alertname = "Busy", severity = "critical", instance = "a:1" },
    annotations = { summary = "a is busy" } }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

function M.note(more)
  local out = { group_key = '{}:{alertname="Busy"}', receiver = "r", status = "firing", reason = "new", time = M.NOW, group_labels = { alertname = "Busy" },
    common_labels = { alertname = "Busy", instance = "a:1" }, common_annotations = { summary = "a is busy" },
    external_url = "http://mw", alerts = { M.alert() } }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

function M.resolved(more)
  local out = M.note { status = "resolved", reason = "resolved", alerts = { M.alert { status = "resolved", ends_at = 1780000060 } } }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

function M.acknowledged()
  return M.note { status = "acknowledged", reason = "acknowledged", ack = { author = "ann", comment = "looking" } }
end

--- Send NOTE through KIND; ANSWERS are given to its requests one after the other (the last again and again), or are
-- function(request, nth) → answer.
function M.tell(kind, note, fields, answers)
  local host = fake.new { now = M.NOW, env = { KEY = "k3y/x" } }
  local out = { host = host, requests = {} }
  host.on.http = function(request)
    out.requests[#out.requests + 1] = request
    local answer = type(answers) == "function" and answers(request, #out.requests) or type(answers) == "table" and answers[math.min(#out.requests, #answers)]
    answer = answer or { status = 200, body = "" }
    answer.headers, answer.seconds = answer.headers or {}, answer.seconds or 0.1
    return answer
  end
  host.on_ask.rules = function(msg) return { ok = true, values = { out.function_gives and out.function_gives(msg) or { text = #msg.args[1].alerts .. " alerts" } } } end
  local times = 0
  to.send(host, function() return M.NOW end, { kind = kind, fields = fields, receiver = "r" }, note, function(outcome)
    times = times + 1
    out.outcome = outcome
  end)
  assert(times == 1, "the receiver was done " .. times .. " times")
  for _, request in ipairs(out.requests) do request.json = request.body and host.json.decode(request.body) end
  return out
end

--- Characters of TEXT.
function M.length(text) return #text - select(2, text:gsub("[\128-\191]", "")) end

local PIECES = { "a", "Z", " ", "0", "\n", '"', "\\", "<", "&", "ü", "Ω", "漢", "😀", "é", "\t", "{", "}", "%", "'" }

--- A text of SIZE pieces of many kinds of characters; RANDOM(n) gives 1..n.
function M.text(random, size)
  local out = {}
  for i = 1, size do out[i] = PIECES[random(#PIECES)] end
  return table.concat(out)
end

--- Is TEXT whole UTF-8?
function M.is_utf8(text)
  local i = 1
  while i <= #text do
    local c = text:byte(i)
    local more = c < 128 and 0 or c >= 240 and 3 or c >= 224 and 2 or c >= 194 and 1 or nil
    if not more then return false end
    for k = 1, more do
      local b = text:byte(i + k)
      if not b or b < 128 or b > 191 then return false end
    end
    i = i + more + 1
  end
  return true
end

--- A message of COUNT alerts with random texts.
function M.random_note(random, count, size)
  local alerts = {}
  for i = 1, count do
    alerts[i] = M.alert { fp = ("%04x"):format(i), labels = { alertname = M.text(random, size), instance = M.text(random, size) },
      annotations = { summary = M.text(random, size), description = M.text(random, size) } }
  end
  return M.note { alerts = alerts, group_key = M.text(random, 50), common_annotations = { summary = M.text(random, size) },
    common_labels = { alertname = M.text(random, size), long = M.text(random, size) }, external_url = "http://mw/" .. M.text(random, size) }
end

--- The same numbers each time.
function M.random(seed)
  local state = seed
  return function(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return math.floor(state / 65536) % n + 1
  end
end

return M

--- am_trouble.lua - receivers that fail, by chance and in the same way for both sides: each integration answers the messages of a group
-- one after the other as its list says.
--
-- What is tried again is tried at moments that Alertmanager rolls dice for, so at most two tries in a row fail: the third comes
-- before the group speaks again.  What fails longer does so until after Alertmanager has given up (10 s).
local said = require "am_said"
local socket = require "socket"

local M = {}

local WAYS = {
  ok = { 200 }, refused = { 400 }, lost = { 404 }, busy = { 429 }, gone = { "" },
  error = { 500 }, errors = { 503, 500 }, cuts = { "", "" }, half = { "HTTP/1.1 200 OK\r\nContent-Le" },
  slow = { { after = 1.2, status = 200 } }, slower = { { after = 4.1, status = 200 } }, slow_error = { { after = 0.6, status = 502 } },
  down = { 500, stays = 10.15 },
}
local OFTEN = { "ok", "ok", "ok", "ok", "error", "errors", "busy", "refused", "gone", "slow", "slower", "cuts", "half", "lost", "slow_error", "down" }

--- How the integrations answer: path → list of ways.  PATIENT: set of paths of those who are told again after 429.
function M.plan(c, paths, patient)
  local out = {}
  for _, path in ipairs(paths) do
    out[path] = { patient = patient and patient[path] }
    for i = 1, 12 do out[path][i] = c:one(OFTEN) end
  end
  return out
end

-- What is tried again at once, and taken then.
local AGAIN = { error = true, errors = true, cuts = true, gone = true, half = true, slow_error = true }

-- The answers that the ways of NAMES are, one for each try.
local function answers(names)
  local out = {}
  for _, name in ipairs(names) do
    local way = WAYS[name]
    for _, answer in ipairs(way) do out[#out + 1] = { answer = answer, stays = way.stays } end
    if AGAIN[name] or name == "busy" and names.patient then out[#out + 1] = { answer = 200 } end
  end
  return out
end

--- The `answer` of a sink (net.lua) that follows PLAN.
function M.answer(plan)
  local at, lists = {}, {}
  for path, names in pairs(plan) do lists[path] = answers(names) end
  return function(request)
    local path = request.path:match "^/%w+/%d+"
    local key = path .. " " .. (said.of(request))
    local one = at[key] or { n = 1 }
    at[key] = one
    local list = lists[path]
    if not list then return 200 end
    local now = socket.gettime()
    local next_ = list[(one.n - 1) % #list + 1]
    if next_.stays then one.till = one.till or now + next_.stays end
    if one.till and now >= one.till then
      one.n, one.till = one.n + 1, nil
      next_ = { answer = 200 }
    end
    if not one.till then one.n = one.n + 1 end
    local answer = next_.answer
    request.taken = answer == 200 or type(answer) == "table" and answer.status == 200
    return answer
  end
end

--- PLAN as lines.
function M.told(plan)
  local out = {}
  for path, names in pairs(plan or {}) do out[#out + 1] = "\n" .. path .. " answers " .. table.concat(names, ", ") end
  table.sort(out)
  return table.concat(out)
end

return M

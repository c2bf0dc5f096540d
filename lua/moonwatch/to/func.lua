--- func.lua - a receiver that is a Lua function of a rule file; it runs in its guest, with a budget.
--
-- It took the message unless it fails or returns `false, why, { retry = true, after = seconds }`.  Only what it says itself is tried
-- again: a function that fails would fail again, and one that was stopped over budget would be stopped again.
local text = require "moonwatch.to.text"

local M = { kind = "function", digests = "alerts" }

local LONGEST, LATEST = 300, 3600

--- What a function RETURNED (a list) means → outcome.
function M.judge(returned)
  returned = returned or {}
  if returned[1] ~= false then return { ok = true } end
  local why, how = returned[2], type(returned[3]) == "table" and returned[3] or {}
  local words = (type(why) == "string" or type(why) == "number") and text.cut(tostring(why):gsub("%c+", " "), LONGEST) or "the function returned false"
  local after = tonumber(how.after)
  local waits = after and after > 0 and math.min(after, LATEST) or nil
  return { retry = how.retry == true or waits ~= nil, after = waits, error = words }
end

--- Run it; DONE(outcome).
function M.send(note, fields, host, done)
  host.ask("rules", { type = "call", fn = fields.fn, args = { note } }, function(answer)
    local outcome = answer.ok and M.judge(answer.values) or { retry = answer.ok == nil, error = answer.error or "the function failed" }
    outcome.seconds = answer.seconds
    done(outcome)
  end)
end

return M

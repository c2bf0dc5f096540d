--- answer.lua - what a receiver's HTTP answer means for the message: taken, try again, or give up.
--
-- A kind of receiver says with a row what it treats specially; everything else is common to all:
-- 2xx took it; 429 and 5xx and no answer at all are tried again, no sooner than Retry-After says;
-- any other status will not change by trying.
--
--   answers = {
--     [400] = { says = "the event is wrong" },           what this status means here, for whoever reads the error
--     [403] = { retry = true, says = "too many" },        and whether another try may help
--     body = function(answer) → nil or what is wrong,     a refusal that comes with 2xx
--     after = function(answer, now) → seconds or nil,     when to come back, if not by Retry-After
--   }
local calendar = require "moonwatch.route.calendar"

local M = {}

--- Retry-After, in seconds from NOW: a number of seconds or an HTTP date; nil when absent or nonsense.
function M.retry_after(text, now)
  if not text then return nil end
  local seconds = text:match "^%s*(%d+)%s*$"
  if seconds then return tonumber(seconds) end
  local at = calendar.http_date(text:match "^%s*(.-)%s*$")
  return at and math.max(0, at - now) or nil
end

local function again(status, row)
  local own = row[status]
  if own and own.retry ~= nil then return own.retry end
  return status == 429 or status >= 500 or (row.retry and row.retry[status]) or false
end

local function excerpt(body)
  if not body or body == "" then return "" end
  local text = body:gsub("%c+", " ")
  return ": " .. (#text > 200 and text:sub(1, 200) .. "..." or text)
end

local function refusal(row, status, body)
  local own = row[status]
  return ("answered %d%s%s"):format(status, own and own.says and " (" .. own.says .. ")" or "", excerpt(body))
end

--- ANSWER of host.call("http") → {ok, retry, after, status, error, seconds}, by ROW (above).
function M.judge(row, answer, now)
  local out = { status = answer.status, seconds = answer.seconds }
  if answer.error or not answer.status then
    out.retry, out.error = true, answer.error or "no answer"
    return out
  end
  local status = answer.status
  if status >= 200 and status < 300 then
    out.error = row.body and row.body(answer) or nil
    out.ok = out.error == nil
    return out
  end
  out.error, out.retry = refusal(row, status, answer.body), again(status, row)
  if out.retry then
    out.after = row.after and row.after(answer, now) or M.retry_after(answer.headers and answer.headers["retry-after"], now)
  end
  return out
end

return M

--- answer.lua - what a receiver's HTTP answer means for the message: taken, try again, or give up.
--
-- A kind of receiver says with a row what it treats specially; everything else is common to all:
-- 2xx took it; 429 and 5xx and no answer at all are tried again, no sooner than Retry-After says;
-- any other status will not change by trying.
--
--   answers = {
--     [400] = { says = "the event is wrong" },           what this status means here, for whoever reads the error
--     [403] = { retry = true, says = "too many" },        and whether another try may help
--     errors = { word = { retry =, says = } },            what a word of an answer means, in the same way
--     word = function(answer, host) → word, text,         the word in an answer that is not 2xx, and what it says
--     body = function(answer, host) → nil or word, text, retry     a refusal that comes with 2xx; the word may be all that is wrong
--     after = function(answer, now, host) → seconds or nil,     when to come back, if not by Retry-After; after a yes, too
--     memo = function(answer, host) → value               what the next message of the group is told of this one
--   }
local calendar = require "moonwatch.route.calendar"

local M = {}

--- Retry-After, in seconds from NOW: a number of seconds or an HTTP date; nil when absent or nonsense.
function M.retry_after(text, now)
  if not text then return nil end
  local seconds = text:match "^%s*(%d+%.?%d*)%s*$"
  if seconds then return tonumber(seconds) end
  local at = calendar.http_date(text:match "^%s*(.-)%s*$")
  return at and math.max(0, at - now) or nil
end

local function excerpt(body)
  if not body or body == "" then return "" end
  local text = body:gsub("%c+", " ")
  return ": " .. (#text > 200 and text:sub(1, 200) .. "..." or text)
end

-- TEXT with what ROW, of a status or a word, says about it; and whether another try may help, if it says that.
local function told(row, text)
  if not row then return text end
  return row.says and ("%s (%s)"):format(text, row.says) or text, row.retry
end

local function taken(row, answer, host, out)
  local word, text, passes
  if row.body then word, text, passes = row.body(answer, host) end
  out.ok = word == nil
  if out.ok then
    out.memo = row.memo and row.memo(answer, host) or nil
    return
  end
  local retry
  out.error, retry = told(row.errors and row.errors[word], text or word)
  if retry == nil then retry = passes or false end
  out.retry = retry
end

local function refused(row, answer, host, out)
  local status = answer.status
  local word, says
  if row.word then word, says = row.word(answer, host) end
  local text, retry = ("answered %d%s"):format(status, says and ": " .. says or excerpt(answer.body)), nil
  if word ~= nil then text, retry = told(row.errors and row.errors[word], text) end
  if retry == nil then text, retry = told(row[status], text) end
  out.unsure = status == 504 or nil
  if retry == nil then retry = status == 429 or status >= 500 or (row.retry and row.retry[status]) or false end
  out.ok, out.error, out.retry = false, text, retry
end

--- ANSWER of host.call("http") → {ok, retry, after, status, error, seconds, memo, unsure (no yes, but it may have been taken)}, by ROW (above).
function M.judge(row, answer, now, host)
  local out = { status = answer.status, seconds = answer.seconds }
  if answer.error or not answer.status then
    out.retry, out.error, out.unsure = true, answer.error or "no answer", answer.sent
    return out
  end
  if answer.status >= 200 and answer.status < 300 then taken(row, answer, host, out) else refused(row, answer, host, out) end
  if out.ok or out.retry then
    out.after = row.after and row.after(answer, now, host) or out.retry and M.retry_after(answer.headers and answer.headers["retry-after"], now) or nil
  end
  return out
end

--- The body of ANSWER as a table; nil when it is no JSON object.
function M.json(answer, host)
  local body = answer.body
  if not host or not body or not body:find "^%s*{" then return nil end
  local value = host.json.decode(body)
  return type(value) == "table" and value or nil
end

return M

--- sns.lua - a message to Amazon SNS: its call Publish, as a web form, signed by libcurl (Signature Version 4).
--
-- In a FIFO topic the messages of a group of alerts are one message group, so they stay in order, and what is tried again
-- is told once: the id by which Amazon finds duplicates is that of the message.
local answer = require "moonwatch.to.answer"
local filled = require "moonwatch.to.filled"
local keys_of = require "moonwatch.keys"
local letter = require "moonwatch.to.letter"
local mime = require "moonwatch.to.mime"

local M = { kind = "sns", answers = {} }

local MOST_BYTES, SMS_CHARACTERS, SUBJECT = 256 * 1024, 1600, 100
local ALERTS = 1000

-- Refusals that pass by themselves, whatever the status; all others of 4xx do not.
local PASSING = { Throttling = true, ThrottlingException = true, ThrottledException = true, Throttled = true, RequestThrottled = true,
  KMSThrottling = true, KMSThrottlingException = true, InternalError = true, InternalErrorException = true, InternalFailure = true,
  ServiceUnavailable = true, RequestExpired = true, RequestTimeTooSkewed = true }

local function form(pairs_list)
  local function escaped(text) return (text:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end)) end
  local out = {}
  for i, row in ipairs(pairs_list) do out[i] = row[1] .. "=" .. escaped(row[2]) end
  return table.concat(out, "&")
end

-- What SNS takes as a subject: ASCII that begins with something to see, no line break, fewer than 100 characters.
local function subject_of(title)
  local plain = title:gsub("[%z\1-\31\127]+", " "):gsub("[\192-\255][\128-\191]*", "?"):gsub("[\128-\191]", "?"):gsub("^%s+", "")
  return plain:sub(1, SUBJECT - 1):gsub("%s+$", "")
end

local function characters(text, most)
  local at, n = 1, 0
  while at <= #text do
    n = n + 1
    if n > most then return text:sub(1, at - 1), true end
    at = text:match("^[\128-\191]*()", at + 1)
  end
  return text, false
end

local function message_of(note, fields, host)
  local whole = not note.digest and letter.filled(fields.message, note) or letter.text(note, host, ALERTS)
  if fields.phone_number then return characters(whole, SMS_CHARACTERS) end
  local cut = mime.bytes(whole, MOST_BYTES)
  return cut, #cut < #whole
end

local function add_attributes(out, attributes, truncated)
  local n = 0
  local function add(name, value)
    n = n + 1
    local head = ("MessageAttributes.entry.%d."):format(n)
    out[#out + 1] = { head .. "Name", name }
    out[#out + 1] = { head .. "Value.DataType", "String" }
    out[#out + 1] = { head .. "Value.StringValue", value }
  end
  for _, name in ipairs(keys_of(attributes)) do
    if attributes[name] ~= "" and not (truncated and name == "truncated") then add(name, attributes[name]) end
  end
  if truncated then add("truncated", "true") end
end

--- The form of NOTE: list of { name, value }.
function M.parameters(note, fields, host)
  local out = { { "Action", "Publish" }, { "Version", "2010-03-31" } }
  local text, truncated = message_of(note, fields, host)
  for name, field in pairs { TopicArn = "topic_arn", PhoneNumber = "phone_number", TargetArn = "target_arn" } do
    if fields[field] then out[#out + 1] = { name, fields[field] } end
  end
  if not fields.phone_number then
    local subject = subject_of(letter.title(note, fields.subject))
    if subject ~= "" then out[#out + 1] = { "Subject", subject } end
  end
  out[#out + 1] = { "Message", text == "" and "(no text)" or text }
  if fields.topic_arn and fields.topic_arn:find "%.fifo$" then
    out[#out + 1] = { "MessageGroupId", host.sha256(note.group_key) }
    out[#out + 1] = { "MessageDeduplicationId", host.sha256(note.group_key .. "/" .. note.id) }
  end
  add_attributes(out, filled.deep(fields.attributes or {}, note), truncated)
  return out
end

-- The keys of the configuration, else those of the environment.
local function credentials(fields, host)
  if fields.access_key then return fields.access_key, fields.secret_key, fields.session_token end
  return host.secret "AWS_ACCESS_KEY_ID", host.secret "AWS_SECRET_ACCESS_KEY", fields.session_token or host.secret "AWS_SESSION_TOKEN"
end

local function region_of(fields, host)
  local arn = fields.topic_arn or fields.target_arn
  return fields.region or arn and arn:match "^arn:[^:]*:sns:([%w%-]+):" or host.secret "AWS_REGION"
end

--- NOTE as what host.call("http") takes; nil, why.
function M.build(note, fields, host)
  local key, secret, token = credentials(fields, host)
  local region = region_of(fields, host)
  if not key or not secret then return nil, "no keys: give access_key and secret_key, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (roles are not asked for)" end
  if not region then return nil, "no region: give region, or set AWS_REGION" end
  local domain = region:find "^cn%-" and "amazonaws.com.cn" or "amazonaws.com"
  local headers = { ["content-type"] = "application/x-www-form-urlencoded; charset=utf-8" }
  if token and token ~= "" then headers["x-amz-security-token"] = token end
  return { url = fields.url or ("https://sns.%s.%s/"):format(region, domain), method = "POST", headers = headers, timeout = fields.timeout or 10,
    tls = fields.tls, proxy = fields.proxy, body = form(M.parameters(note, fields, host)), sign = { region = region, service = "sns", key = key, secret = secret } }
end

--- REPLY of host.call("http") → outcome: the code of Amazon's XML says more than the status.
function M.judge(reply)
  local outcome = answer.judge(M.answers, reply, 0)
  local body = reply.body or ""
  local code = not outcome.ok and body:match "<Code>%s*([%w%.]+)%s*</Code>"
  if not code then return outcome end
  local says = body:match "<Message>%s*(.-)%s*</Message>"
  outcome.error = ("answered %d %s%s"):format(reply.status, code, says and ": " .. mime.bytes(says:gsub("%s+", " "), 300) or "")
  outcome.retry = PASSING[code] or reply.status >= 500 or reply.status == 429
  return outcome
end

function M.send(note, fields, host, done)
  local request, why = M.build(note, fields, host)
  if not request then return done { retry = false, error = why } end
  host.call("http", request, function(reply) done(M.judge(reply)) end)
end

return M

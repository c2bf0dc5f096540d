--- sns_spec.lua - what Amazon SNS is sent, and what its answers mean.
local fake = require "fake_host"
local note = require("notes").note
local alert = require("notes").alert
local sns = require "moonwatch.to.sns"
local to = require "moonwatch.to"

local host = fake.new { env = { AWS_ACCESS_KEY_ID = "AKIDENV", AWS_SECRET_ACCESS_KEY = "s", AWS_SESSION_TOKEN = "t", AWS_REGION = "eu-west-1" } }
local TOPIC = "arn:aws:sns:us-east-2:123:ops"

local function map(n, fields)
  local out = {}
  for _, row in ipairs(sns.parameters(n, fields, host)) do out[row[1]] = row[2] end
  return out
end

describe("a message to Amazon SNS", function()
  it("publishes subject, message and attributes to its topic", function()
    local p = map(note(), { topic_arn = TOPIC, attributes = { team = "web", empty = "" } })
    assert.same({ "Publish", "2010-03-31", TOPIC, "[FIRING:1] Busy" }, { p.Action, p.Version, p.TopicArn, p.Subject })
    assert.truthy(p.Message:find("a is busy", 1, true))
    assert.same({ "team", "String", "web" }, { p["MessageAttributes.entry.1.Name"], p["MessageAttributes.entry.1.Value.DataType"], p["MessageAttributes.entry.1.Value.StringValue"] })
    assert.is_nil(p["MessageAttributes.entry.2.Name"])
    assert.is_nil(p.MessageGroupId)
  end)
  it("stays in order within its group in a FIFO topic, and is told once however often it is tried", function()
    local fifo = { topic_arn = TOPIC .. ".fifo" }
    local a, b, again = map(note { id = "1" }, fifo), map(note { id = "2" }, fifo), map(note { id = "1" }, fifo)
    assert.equal(a.MessageGroupId, b.MessageGroupId)
    assert.not_equal(a.MessageDeduplicationId, b.MessageDeduplicationId)
    assert.equal(a.MessageDeduplicationId, again.MessageDeduplicationId)
    assert.not_equal(a.MessageGroupId, map(note { group_key = "x" }, fifo).MessageGroupId)
  end)
  it("is cut at 256 KB between characters, and says so", function()
    local p = map(note(), { topic_arn = TOPIC, message = "x" .. ("ü"):rep(200000) })
    assert.is_true(#p.Message <= 256 * 1024)
    assert.truthy(p.Message:find "ü$")
    assert.same({ "truncated", "true" }, { p["MessageAttributes.entry.1.Name"], p["MessageAttributes.entry.1.Value.StringValue"] })
  end)
  it("is at most 1600 characters for a phone, and has no subject there", function()
    local p = map(note(), { phone_number = "+351900000000", message = ("ü"):rep(5000) })
    assert.equal(("ü"):rep(1600), p.Message)
    assert.is_nil(p.Subject)
  end)
  it("has a subject that Amazon takes: ASCII, one line, fewer than 100 characters", function()
    local p = map(note(), { topic_arn = TOPIC, subject = " Störung\nin " .. ("x"):rep(200) })
    assert.truthy(p.Subject:find "^St%?rung in x+$")
    assert.equal(99, #p.Subject)
  end)
  it("goes to the region of its topic with the keys of the configuration, else those of the environment", function()
    local r = sns.build(note(), { topic_arn = TOPIC }, host)
    assert.same({ "https://sns.us-east-2.amazonaws.com/", "t" }, { r.url, r.headers["x-amz-security-token"] })
    assert.same({ region = "us-east-2", service = "sns", key = "AKIDENV", secret = "s" }, r.sign)
    assert.equal("Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-2%3A123%3Aops&", r.body:sub(1, 83))
    r = sns.build(note(), { phone_number = "+1", access_key = "A", secret_key = "B", region = "cn-north-1" }, host)
    assert.same({ "https://sns.cn-north-1.amazonaws.com.cn/", "A" }, { r.url, r.sign.key })
    assert.is_nil(r.headers["x-amz-security-token"])
    assert.equal("https://sns.eu-west-1.amazonaws.com/", sns.build(note(), { phone_number = "+1" }, host).url)
  end)
  it("without keys or region is not sent, and says what to do", function()
    local bare = fake.new()
    to.send(bare, function() return 0 end, { kind = "sns", fields = { topic_arn = TOPIC } }, note(), function(o)
      assert.is_false(o.retry)
      assert.truthy(o.error:find "AWS_ACCESS_KEY_ID")
    end)
    local _, why = sns.build(note(), { phone_number = "+1", access_key = "A", secret_key = "B" }, bare)
    assert.truthy(why:find "region")
  end)
  it("a thousand alerts still make one message", function()
    local many = {}
    for i = 1, 3000 do many[i] = alert { annotations = { summary = ("y"):rep(400) } } end
    assert.is_true(#map(note { alerts = many }, { topic_arn = TOPIC }).Message <= 256 * 1024)
  end)
end)

describe("the answer of Amazon", function()
  local function xml(code) return ("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>because</Message></Error></ErrorResponse>"):format(code) end
  it("is read for its code: throttling passes, a wrong key does not", function()
    for code, again in pairs { Throttling = true, ThrottledException = true, RequestExpired = true, InvalidClientTokenId = false, SignatureDoesNotMatch = false,
                               AuthorizationError = false, NotFound = false, InvalidParameter = false } do
      local o = sns.judge { status = 400, body = xml(code), headers = {} }
      assert.equal(again, o.retry, code)
      assert.equal("answered 400 " .. code .. ": because", o.error)
    end
    assert.is_true(sns.judge({ status = 500, body = xml "InternalError", headers = {} }).retry)
    assert.is_true(sns.judge({ status = 200, body = "<PublishResponse/>", headers = {} }).ok)
    assert.is_true(sns.judge({ error = "no route" }).retry)
  end)
end)

--- receivers_spec.lua - what is refused of mails, Amazon SNS and programs when they are loaded.
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"

local function problem_of(source)
  local set, problems = load.load { host = host, config = "w.lua", source = source }
  if set then
    for _, guest in pairs(set.guests) do guest:close() end
    return nil
  end
  return problems[1].text
end

local function refused(fields, why)
  local text = problem_of(('receiver "r" { %s }'):format(fields))
  assert.truthy(text and text:find(why, 1, true), ("%s\n%s"):format(fields, tostring(text)))
end

describe("a receiver", function()
  it("by mail has addresses, a server and headers that can be", function()
    local function mail(more) return ('email { to = "a@b.c", from = "d@e.f", smarthost = "m:25", %s }'):format(more) end
    assert.is_nil(problem_of(('receiver "r" { %s }'):format(mail 'headers = { ["Reply-To"] = "x@y.z" }')))
    refused('email { to = "a@b.c", from = "d@e.f" }', 'missing field "[1].smarthost"')
    refused('email { to = "a b", from = "d@e.f", smarthost = "m:25" }', '"a b" is no mail address')
    refused('email { to = "a@b.c", from = "d@e.f, g@h.i", smarthost = "m:25" }', "from: one address")
    refused('email { to = "a@b.c", from = "d@e.f", smarthost = "m" }', "write host:port")
    refused(mail 'headers = { Subject = "x" }', "headers: Subject is written by moonwatch; give subject")
    refused(mail 'headers = { ["X Y"] = "x" }', '"X Y" is no name of a header')
    refused(mail 'headers = { X = "a\\nBcc: b" }', "headers: X has a line break")
    refused(mail 'auth = { user = "u", password = "p", mechanism = "NTLM" }', '"NTLM" is not one of')
  end)
  it("whose address is none hears of it, and its log does not tell the key in it", function()
    local bad = 'webhook { url = "htps://h/sesame" }'
    refused(bad, "url: expected an address that starts with http:// or https://")
    assert.falsy(problem_of(('receiver "r" { %s }'):format(bad)):find "sesame")
    refused('alertmanager { urls = { "http://a", "sesame@b" } }', "urls: item 2: expected an address")
    assert.falsy(problem_of('receiver "r" { alertmanager { urls = { "http://a", "sesame@b" } } }'):find "sesame")
  end)
  it("by Amazon SNS has one place to go and both keys or none", function()
    refused("sns {}", "give one of topic_arn, phone_number, target_arn")
    refused('sns { topic_arn = "a", phone_number = "+1" }', "give one of")
    refused('sns { topic_arn = "a", access_key = "k" }', "access_key and secret_key go together")
  end)
  it("by a program names one, and the root file allows that", function()
    refused("exec { command = {} }", "which program?")
    refused('exec { command = "p", timeout = "1h" }', "at most 5m")
    refused('exec { command = "p", env = { ["A-B"] = "c" } }', '"A-B" is no name of a variable')
    local both = 'settings { %s }\nreceiver "r" { exec { command = "p" } }'
    assert.truthy(problem_of(both:format ""):find("no program may be run here", 1, true))
    assert.is_nil(problem_of(both:format 'programs = "/etc/moonwatch/bin"'))
  end)
end)

--- person.lua - the word `person`: how somebody is told, and what others call them.
local kinds = require "moonwatch.words.kinds"
local receiver = require "moonwatch.words.receiver"

local fields = { { "also", "texts", default = {},
  help = "other names of the person: in calendars, in Slack (member id or name), in PagerDuty; mail addresses" } }
for _, row in ipairs(receiver.fields) do fields[#fields + 1] = row end

return {
  word = "person", shape = "named",
  help = "Somebody who can be on call, be told and take things over: a receiver with a name of a person. It may stand wherever a receiver may.",
  example = [[
person "ann" {
  slack { url = secret "SLACK_URL", channel = "@ann" }, webhook { url = "http://127.0.0.1:5001/ann" },
  also = { "Ann Example", "ann@example.com", "U024BE7LH" },
}]],
  items = { says = receiver.items.says, kinds = kinds, fn = true },
  fields = fields, after = receiver.after,
}

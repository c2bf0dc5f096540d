--- payload_types_spec.lua - what receivers are sent has the types that their makers, or those who write clients for them, publish.
--
-- The packages are of npm, each in one version; TypeScript (tsc) compares, and Microsoft's own renderer reads cards.  Without tsc or without
-- the registry there is nothing to compare with.
local fake = require "fake_host"
local notes = require "chat_notes"
local proc = require "proc"
local to = require "moonwatch.to"

local REGISTRY = os.getenv "NPM_REGISTRY" or "https://registry.npmjs.org"
local PACKAGES = { ["@slack/types"] = "3.2.0", ["@slack/web-api"] = "8.2.0", ["discord-api-types"] = "0.38.57", ["@grammyjs/types"] = "5.0.0",
  ["@pagerduty/pdjs"] = "2.2.4", ["@mattermost/types"] = "11.9.0", ["@rocket.chat/core-typings"] = "8.8.1", adaptivecards = "3.0.6" }

local TYPES = [[
import type { KnownBlock, MessageAttachment } from "@slack/types";
import type { ChatPostMessageArguments, ChatUpdateArguments } from "@slack/web-api/dist/types/request/chat";
import type { APIAllowedMentions, AllowedMentionsTypes, RESTPostAPIWebhookWithTokenJSONBody } from "discord-api-types/v10";
import type { ApiMethods } from "@grammyjs/types";
import type { EventPayloadV2 } from "@pagerduty/pdjs/build/src/events";
import type { MessageAttachment as MattermostAttachment } from "@mattermost/types/message_attachments";
import type { MessageAttachmentDefault as RocketChatAttachment } from "@rocket.chat/core-typings/dist/IMessage/MessageAttachment/MessageAttachmentDefault";
type SlackWebhook = { text: string; attachments?: MessageAttachment[]; blocks?: KnownBlock[]; channel?: string; username?: string };
type SlackPost = ChatPostMessageArguments;
type SlackUpdate = ChatUpdateArguments;
type Mentions = Omit<APIAllowedMentions, "parse"> & { parse: `${AllowedMentionsTypes}`[] };
type Discord = Omit<RESTPostAPIWebhookWithTokenJSONBody, "allowed_mentions"> & { allowed_mentions: Mentions };
type Telegram = Parameters<ApiMethods<unknown>["sendMessage"]>[0];
type PagerDuty = EventPayloadV2 & { client?: string; client_url?: string };
type PagerDutyLater = Omit<PagerDuty, "payload"> & { event_action: "acknowledge" | "resolve"; payload?: Partial<EventPayloadV2["payload"]> };
type Mattermost = { text: string; attachments?: MattermostAttachment[]; channel?: string; username?: string; icon_url?: string; icon_emoji?: string };
type RocketChat = { text: string; attachments?: RocketChatAttachment[]; channel?: string; alias?: string; avatar?: string; emoji?: string };
]]

local SHAPES = {
  one = notes.note { links = notes.links },
  bare = notes.note { alerts = { notes.alert { annotations = {}, labels = { alertname = "Busy" }, value = nil, threshold = nil } } },
  many = notes.note { links = notes.links, alerts = (function()
    local list = {}
    for i = 1, 40 do list[i] = notes.alert { fp = ("%04d"):format(i), labels = { alertname = "Busy", instance = "ü:" .. i } } end
    return list
  end)() },
  resolved = notes.note { status = "resolved", reason = "resolved", alerts = { notes.alert { status = "resolved", ends_at = 1780000060 } } },
}
local LATER = { acknowledged = notes.note { status = "acknowledged", reason = "acknowledged", ack = { author = "ann", comment = "looking" } },
  resolved = SHAPES.resolved }
local CHANGED = { changed = notes.note { reason = "changed", memo = { ts = "1.2", channel = "C1" } } }

local WEBHOOK = "https://hooks.example/x"
local SENT = {
  { "slack", { url = WEBHOOK, channel = "#ops", username = "m" }, "SlackWebhook", SHAPES },
  { "slack", { url = WEBHOOK, actions = true, buttons = { { text = "Wiki", url = "https://wiki/" } } }, "SlackWebhook", SHAPES },
  { "slack", { token = "xoxb", channel = "C1", icon = ":moon:", link_names = true }, "SlackPost", SHAPES },
  { "slack", { token = "xoxb", channel = "C1" }, "SlackUpdate", CHANGED },
  { "discord", { url = WEBHOOK, username = "m", silent = true, content = "@here" }, "Discord", SHAPES },
  { "telegram", { token = "1:x", chat_id = "-100", message_thread_id = 7, disable_notification = true }, "Telegram", SHAPES },
  { "telegram", { token = "1:x", chat_id = "-100", parse_mode = "MarkdownV2" }, "Telegram", SHAPES },
  { "pagerduty", { routing_key = "k", class = "c", component = "d", group = "g", links = { { href = "https://wiki/", text = "Wiki" } } }, "PagerDuty",
    { one = SHAPES.one, many = SHAPES.many, bare = SHAPES.bare } },
  { "pagerduty", { routing_key = "k" }, "PagerDutyLater", LATER },
  { "mattermost", { url = WEBHOOK, channel = "ops", username = "m", icon = "moon" }, "Mattermost", SHAPES },
  { "rocketchat", { url = WEBHOOK, channel = "#ops" }, "RocketChat", SHAPES },
}

local READ_CARD = [[
const { AdaptiveCard, SerializationContext } = require("adaptivecards/dist/adaptivecards.js");
for (const card of JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"))) {
  const context = new SerializationContext(), read = new AdaptiveCard();
  read.parse(card, context);
  for (let i = 0; i < context.eventCount; i++) console.log(context.getEventAt(i).message);
  for (const one of read.validateProperties().validationEvents) console.log(one.message);
  if (read.getItemCount() === 0) console.log("the card is empty");
}
]]

local function has(program) return os.execute(("command -v %s >/dev/null"):format(program)) == 0 end

describe("what is sent", function()
  local folder, why_not
  local host = fake.new { now = 1780000100 }

  local function unpacked(name, version)
    local at, file = folder .. "/node_modules/" .. name, folder .. "/package.tgz"
    local url = ("%s/%s/-/%s-%s.tgz"):format(REGISTRY, name, name:match "[^/]+$", version)
    return (proc.run({ "curl", "-sSf", "--retry", "2", "-m", "60", "-o", file, url }, 200)) == 0 and (proc.run({ "mkdir", "-p", at }, 10)) == 0
      and (proc.run({ "tar", "xzf", file, "-C", at, "--strip-components=1" }, 60)) == 0
  end

  setup(function()
    folder = proc.scratch()
    if not has "tsc" then why_not = "tsc is not installed" end
    for name, version in pairs(why_not and {} or PACKAGES) do
      if not unpacked(name, version) then why_not = name .. " cannot be had from " .. REGISTRY end
    end
  end)
  teardown(function() proc.cleanup() end)

  local function bodies(kind, fields, shapes)
    local out = {}
    for name, note in pairs(shapes) do out[#out + 1] = { name = name, body = to.kinds[kind].build(note, fields, host).body } end
    return out
  end

  -- What tsc says of DECLARATIONS, lines of `const x: T = ...`.
  local function complaints(declarations)
    proc.write(folder .. "/sent.ts", TYPES .. table.concat(declarations, "\n") .. "\nexport {};\n")
    local _, said = proc.run({ "tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2020", "--moduleResolution", "node", folder .. "/sent.ts" }, 120)
    return said
  end

  it("has the types of Slack, Discord, Telegram, PagerDuty, Mattermost and Rocket.Chat", function()
    if why_not then return pending(why_not) end
    local lines = {}
    for i, row in ipairs(SENT) do
      for _, sent in ipairs(bodies(row[1], row[2], row[4])) do lines[#lines + 1] = ("const %s_%d_%s: %s = %s;"):format(row[1], i, sent.name, row[3], sent.body) end
    end
    assert.equal("", complaints(lines))
    local said = complaints { 'const a: Discord = { contents: "x" };', 'const b: PagerDuty = { routing_key: "k", event_action: "fire", payload: { summary: "s", source: "s", severity: "bad" } };' }
    assert.matches("'contents' does not exist", said)
    assert.matches("\"bad\"' is not assignable", said)
  end)

  it("is a card that Teams can show", function()
    if why_not then return pending(why_not) end
    local cards = {}
    for _, sent in ipairs(bodies("teams", { url = WEBHOOK }, SHAPES)) do
      for _, attachment in ipairs(host.json.decode(sent.body).attachments) do cards[#cards + 1] = host.json.encode(attachment.content) end
    end
    proc.write(folder .. "/cards.json", "[" .. table.concat(cards, ",") .. "]")
    proc.write(folder .. "/read.js", READ_CARD)
    local status, said = proc.run({ "node", folder .. "/read.js", folder .. "/cards.json" }, 60)
    assert.same({ 0, "" }, { status, said })
    proc.write(folder .. "/cards.json", '[{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlok","text":"x"}]}]')
    local _, refused = proc.run({ "node", folder .. "/read.js", folder .. "/cards.json" }, 60)
    assert.matches("TextBlok", refused)
  end)
end)

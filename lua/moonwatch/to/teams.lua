--- teams.lua - a card in a channel of Microsoft Teams, through the webhook of a workflow.
--
-- It is an adaptive card.  What alerts say stands in text runs, which know no markup; only texts of the configuration are Markdown.
-- Teams takes 28 KB, less of what is not ASCII, and says so only by 413: then a card with little more than names is sent.
local chat = require "moonwatch.to.chat"
local markup = require "moonwatch.to.markup"

local M = { kind = "teams", at_once = 1 }

local DIALECT = markup.teams
local ROOM, SMALL, TITLE, LINES, ACTIONS = 20000, 4000, 256, 20, 6
local COLOURS = { good = "Good", warning = "Warning", danger = "Attention" }
local STYLES = { good = "good", warning = "warning", danger = "attention" }

M.answers = {
  [400] = { says = "the workflow does not take the card: it must begin with \"When a Teams webhook request is received\"" },
  [401] = { says = "the address lacks its signature: copy it anew" }, [403] = { says = "the workflow does not let us in" },
  [404] = { says = "the workflow was removed or turned off" }, [413] = { says = "the card is too large" },
}

-- Addresses of the old connectors answer 200 and say in the text that Teams did not take it.
function M.answers.body(answer)
  local status = tonumber((answer.body or ""):match "returned HTTP error (%d+)")
  if status then return "refused", "Teams refused: " .. answer.body:sub(1, 200), status == 429 or status >= 500 end
end

local function run(text, more)
  local out = { type = "TextRun", text = text }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

local function block(host, text, more)
  return { type = "RichTextBlock", inlines = host.json.array { run(markup.write({}, text, 1500, { line = true }), more) } }
end

local function add_lines(out, host, text, more)
  local n = 0
  for line in text:gmatch "[^\n]+" do
    n = n + 1
    if n > LINES then break end
    out[#out + 1] = block(host, line, more)
  end
end

local function container(item, level, host)
  local out = {}
  if not item.of_all then out[1] = block(host, item.name, { weight = "Bolder", color = COLOURS[item.badness] }) end
  if item.own then out[#out + 1] = { type = "TextBlock", text = markup.cut(item.own, 2 * level.text), wrap = true } end
  if item.says then add_lines(out, host, markup.write({}, item.says, level.text)) end
  local facts = chat.facts(item, DIALECT, level)
  for _, fact in ipairs(facts) do fact.short = nil end
  if #facts > 0 then out[#out + 1] = { type = "FactSet", facts = host.json.array(facts) } end
  if level.facts then
    if item.labels then out[#out + 1] = block(host, item.labels, { isSubtle = true }) end
    for _, line in ipairs(item.lines) do out[#out + 1] = block(host, line, { fontType = "Monospace" }) end
  end
  if #out == 0 then out[1] = block(host, item.name) end
  local part = { type = "Container", style = STYLES[item.badness], items = host.json.array(out) }
  return part, #host.json.encode(part)
end

local function actions_of(note, items, host)
  local out = {}
  local function add(title, url)
    if url and #out < ACTIONS then out[#out + 1] = { type = "Action.OpenUrl", title = title, url = url } end
  end
  for _, row in ipairs(chat.links(note)) do add(row[1], row[2]) end
  local first = items[1]
  add("Runbook", first.runbook)
  if first.url and not (note.links and note.links.why) then add("Source", first.url) end
  return #out > 0 and host.json.array(out) or nil
end

local function heading(note, fields, host)
  local look = { size = "Medium", weight = "Bolder", color = COLOURS[chat.badness(note)] }
  local title = chat.title(note, fields, fields.title and not note.digest and DIALECT.text or {}, TITLE)
  if not fields.title or note.digest then return block(host, title, look), title end
  look.type, look.text, look.wrap = "TextBlock", title, true
  return look, title
end

--- SMALL_ONE: the card that is sent when Teams says that the other was too large.
function M.build(note, fields, host, _, small_one)
  local items, left_out = chat.items(note, fields, host, DIALECT.text)
  local body
  body, left_out = chat.parts(items, left_out, small_one and SMALL or ROOM, function(item, level) return container(item, level, host) end)
  local head, title = heading(note, fields, host)
  table.insert(body, 1, head)
  if left_out > 0 then body[#body + 1] = block(host, chat.more(left_out)) end
  local card = { ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json", type = "AdaptiveCard", version = "1.2",
    body = host.json.array(body), actions = actions_of(note, items, host), msteams = { width = "full" } }
  return chat.post(fields.url, { type = "message", summary = title, attachments = host.json.array {
    { contentType = "application/vnd.microsoft.card.adaptive", content = card } } }, fields, host)
end

function M.steps(note, fields, host, ask)
  local outcome = ask.each({ M.build(note, fields, host) })[1]
  if outcome.status == 413 then outcome = ask.each({ M.build(note, fields, host, nil, true) })[1] end
  return outcome
end

return M

--- chat.lua - what a message in a chat says, before it is written in the markup of one program.
--
-- A message is a title and items, firing ones first: an item is an alert with its text, facts, evidence and addresses, or the text
-- that the configuration has for all of them together.  What does not fit is counted: "and 12 more".
local evidence = require "moonwatch.to.evidence"
local expand = require "moonwatch.alert.text"
local filled = require "moonwatch.to.filled"
local markup = require "moonwatch.to.markup"
local text = require "moonwatch.to.text"

local M = {}

M.MOST = 20
local LONGEST_PLACE, LONGEST_LABELS, FACTS = 2000, 300, 25

--- How bad it is, as colours go: "good", "warning" or "danger".
local BADNESS = { critical = "danger", page = "danger", error = "danger", warning = "warning", ticket = "warning", info = "good" }

local function severity_of(alert) return alert.severity or alert.labels.severity end

local function badness(alert)
  return alert.status == "resolved" and "good" or BADNESS[severity_of(alert)] or "warning"
end

local WORSE = { good = 1, warning = 2, danger = 3 }
local function worst(alerts)
  local out = "good"
  for _, alert in ipairs(alerts) do
    local b = badness(alert)
    if WORSE[b] > WORSE[out] then out = b end
  end
  return out
end

-- -- texts of the configuration -----------------------------------------------------

--- TEMPLATE filled in from ALERT (the first, when nil) of NOTE.  What stands in its places is escaped as MAP says; the rest is
-- markup that its author wrote.
function M.filled(template, note, alert, map)
  return filled.text(template, note, map and function(place) return markup.write(map, place, LONGEST_PLACE) end, alert)
end

--- BODY with the fields of ROWS, { its name there, ours }, filled in from NOTE: addresses and names, which are no markup.  What comes
-- out empty is left out.
function M.named(body, rows, fields, note, alert)
  for _, row in ipairs(rows) do
    local said = M.filled(fields[row[2]], note, alert)
    body[row[1]] = said ~= "" and said or nil
  end
  return body
end

local function of_alert(template)
  local compiled = expand.compile(template)
  return compiled and expand.of_alert(compiled)
end

--- The title of NOTE, escaped.  A digest has a title of its own, and a test stays marked whatever the title says.
function M.title(note, fields, map, most)
  local own = not note.digest and M.filled(fields.title, note, nil, map)
  if own then return markup.cut((note.test and "[TEST] " or "") .. own, most) end
  return markup.write(map, text.title(note), most, { line = true })
end

-- -- items ---------------------------------------------------------------------------

local function facts_of(alert, note, fields, host, map)
  local out = {}
  if fields.fields then
    for i, row in ipairs(fields.fields) do
      if i > FACTS then break end
      out[i] = { title = M.filled(row.title, note, alert, map), value = M.filled(row.value, note, alert, map), short = row.short ~= false, own = true }
    end
    return out
  end
  local function fact(title, value)
    if value ~= nil then out[#out + 1] = { title = title, value = value, short = true } end
  end
  fact("Severity", severity_of(alert) or "none")
  fact("Value", text.number(alert.value))
  fact("Threshold", text.number(alert.threshold))
  fact("Time", host.rfc3339(alert.status == "resolved" and alert.ends_at or alert.starts_at))
  return out
end

-- The labels that tell ALERT from its neighbours: instance="a:1" job="x".
local function labels_of(alert, note)
  local names, out = {}, {}
  for name in pairs(alert.labels) do
    if name ~= "alertname" and name ~= "severity" and not (note.group_labels or {})[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do out[i] = ('%s="%s"'):format(name, alert.labels[name]) end
  return #out > 0 and text.cut(table.concat(out, " "), LONGEST_LABELS) or nil
end

local function item_of(alert, note, fields, host, map)
  local annotations, resolved = alert.annotations or {}, alert.status == "resolved"
  local own = fields.text and not note.digest and M.filled(fields.text, note, alert, map)
  return {
    alert = alert, badness = badness(alert), name = (resolved and "Resolved: " or "") .. (alert.labels.alertname or "alert"),
    own = own or nil, says = not own and (annotations.description or annotations.summary) or nil,
    lines = not resolved and evidence.lines(alert, text.cut) or {}, labels = labels_of(alert, note),
    facts = note.digest and {} or facts_of(alert, note, fields, host, map),
    url = markup.url(alert.generator_url) or note.links and markup.url(note.links.why) or markup.url(note.external_url),
    runbook = markup.url(annotations.runbook_url) or markup.url(annotations.runbook),
  }
end

local function in_order(note)
  local out = {}
  for _, status in ipairs { "firing", "resolved" } do
    for _, alert in ipairs(note.alerts) do
      if alert.status == status then out[#out + 1] = alert end
    end
  end
  return out
end

--- The items of NOTE, each with its texts as they are (`own` and own facts are markup already), and how many alerts they leave out.
function M.items(note, fields, host, map)
  local most = fields.max_alerts or M.MOST
  if fields.text and not note.digest and not of_alert(fields.text) then
    local first = note.alerts[1]
    local item = item_of(first, note, fields, host, map)
    item.badness, item.lines, item.labels, item.of_all = worst(note.alerts), {}, nil, true
    if not fields.fields then item.facts = {} end
    return { item }, 0
  end
  local out = {}
  local alerts = in_order(note)
  for i = 1, math.min(#alerts, most) do out[i] = item_of(alerts[i], note, fields, host, map) end
  return out, #alerts - #out
end

function M.badness(note) return worst(note.alerts) end

--- Where to go from NOTE: list of {text, url}.
function M.links(note)
  local out, links = {}, note.links or {}
  for _, row in ipairs { { "Acknowledge", links.ack }, { "Silence", links.silence }, { "Why", links.why } } do
    local url = markup.url(row[2])
    if url then out[#out + 1] = { row[1], url } end
  end
  return out
end

-- -- as parts of limited size -----------------------------------------------------------

--- The links of NOTE on one line, as many as there is room for.
function M.link_line(note, dialect, room, bytes)
  local out, used = {}, 0
  for _, row in ipairs(M.links(note)) do
    local link = dialect.link(row[1], row[2])
    used = used + markup.size(link, bytes) + 4
    if used <= (room or 3000) then out[#out + 1] = link end
  end
  return table.concat(out, " · ")
end

-- How much an item says: all of it, less, or only its name and the beginning of its text.
local FULL, SHORT, BARE = { text = 1500, facts = true }, { text = 200, facts = true }, { text = 150 }
local LINE, NAME = 400, 200
M.FULL = FULL

--- The name of ITEM, escaped.
function M.name(item, dialect, most) return markup.write(dialect.text, item.name, most or NAME, { line = true }) end

--- Each fact of ITEM as {title, value, short}, escaped.
function M.facts(item, dialect, level, most)
  local out = {}
  for i, fact in ipairs(level.facts and item.facts or {}) do
    local value = fact.own and markup.cut(fact.value, most or LINE) or markup.write(dialect.text, fact.value, most or LINE, { line = true })
    out[i] = { title = fact.own and markup.cut(fact.title, NAME) or fact.title, value = value, short = fact.short }
  end
  return out
end

--- What ITEM says below its name, as lines: its text, what made it fire, where to read on.
function M.lines(item, dialect, level)
  local out = {}
  if item.own then out[#out + 1] = markup.cut(item.own, 2 * level.text) end
  if item.says then out[#out + 1] = markup.write(dialect.text, item.says, level.text) end
  if #item.lines > 0 and level.facts then
    out[#out + 1] = dialect.fence[1] .. markup.write(dialect.code, table.concat(item.lines, "\n"), level.text) .. dialect.fence[2]
  end
  if item.runbook and level.facts then out[#out + 1] = dialect.link("Runbook", item.runbook) end
  return out
end

--- BUILD(item, level) → part, size: of ITEMS as many as fit into ROOM, the last one perhaps shorter.  Answers the parts and how many
-- alerts they leave out; LEFT_OUT are left out already.
function M.parts(items, left_out, room, build)
  local out, used = {}, 0
  for i, item in ipairs(items) do
    local part, size
    for _, level in ipairs { FULL, SHORT, BARE } do
      part, size = build(item, level)
      if used + size <= room then break end
    end
    if used + size > room and i > 1 then return out, left_out + #items - i + 1 end
    out[i], used = part, used + size
  end
  return out, left_out
end

-- -- as one text ---------------------------------------------------------------------

local function paragraph(item, dialect, level, named)
  local lines = M.lines(item, dialect, level)
  if named and not item.of_all then table.insert(lines, 1, dialect.bold(M.name(item, dialect))) end
  local list = {}
  for i, fact in ipairs(M.facts(item, dialect, level)) do list[i] = fact.title .. ": " .. fact.value end
  if #list > 0 then lines[#lines + 1] = table.concat(list, " · ") end
  if item.labels and level.facts then lines[#lines + 1] = markup.write(dialect.text, item.labels, LINE, { line = true }) end
  return table.concat(lines, "\n")
end

local MORE = 40

--- All of NOTE as one text of at most MOST (bytes, or characters): title, items, how many more, links.
function M.text(note, fields, host, dialect, most, bytes)
  local title = dialect.bold(M.title(note, fields, dialect.text, 256))
  local tail = M.link_line(note, dialect, math.floor(most / 3), bytes)
  local items, left_out = M.items(note, fields, host, dialect.text)
  local named = #items > 1 or left_out > 0
  local room = most - markup.size(title, bytes) - markup.size(tail, bytes) - MORE - 4
  local parts
  parts, left_out = M.parts(items, left_out, room, function(item, level)
    local part = paragraph(item, dialect, level, named)
    return part, markup.size(part, bytes) + 2
  end)
  table.insert(parts, 1, title)
  if left_out > 0 then parts[#parts + 1] = M.more(left_out) end
  if tail ~= "" then parts[#parts + 1] = tail end
  return markup.cut(table.concat(parts, "\n\n"), most, bytes)
end

function M.more(left_out) return ("and %d more"):format(left_out) end

--- The headers of a request with JSON.
M.JSON = { ["content-type"] = "application/json" }

--- A POST of BODY to URL.
function M.post(url, body, fields, host, headers)
  return { url = url, method = "POST", headers = headers or M.JSON, timeout = fields.timeout or 10, body = host.json.encode(body) }
end

--- The text of a message whose alerts are attachments, and these as a JSON list: O = {most=, title= (the longest), attachment=function(item,
-- level, note, fields, host) → attachment, its size}.
function M.with_attachments(note, fields, host, dialect, o)
  local items, left_out = M.items(note, fields, host, dialect.text)
  local attachments
  attachments, left_out = M.parts(items, left_out, o.most, function(item, level) return o.attachment(item, level, note, fields, host) end)
  local lines = { M.title(note, fields, dialect.text, o.title) }
  if left_out > 0 then lines[#lines + 1] = M.more(left_out) end
  local links = M.link_line(note, dialect)
  if links ~= "" then lines[#lines + 1] = links end
  return table.concat(lines, "\n"), host.json.array(attachments)
end

return M

--- html.lua - a message as HTML for mail programs: tables and inline styles only, no image, no script, nothing fetched.
local evidence = require "moonwatch.to.evidence"
local letter = require "moonwatch.to.letter"
local text = require "moonwatch.to.text"

local M = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- TEXT as it may stand anywhere in HTML, between quotes too.
function M.escape(plain) return (tostring(plain):gsub("[&<>\"']", ESCAPES)) end
local escape = M.escape

local COLOURS = { critical = "#b3261e", page = "#b3261e", error = "#b3261e", warning = "#b06000", ticket = "#b06000", info = "#1a5fb4" }
local GREEN, GREY = "#1e7d34", "#5f6368"

local function colour(alert)
  if alert.status == "resolved" then return GREEN end
  return COLOURS[letter.severity(alert)] or COLOURS.warning
end

local function link(url, words)
  if not url:find "^https?://" then return escape(words) end
  return ('<a href="%s" style="color:#1a5fb4">%s</a>'):format(escape(url), escape(words))
end

local function lines(plain) return (escape(plain):gsub("\r?\n", "<br>")) end

local function of_text(row)
  local says = row.url and link(row.text, row.text) or lines(row.text)
  if row.name == "summary" then return ('<div style="font-size:15px">%s</div>'):format(says) end
  if row.name == "description" then return ("<div>%s</div>"):format(says) end
  return ('<div><span style="color:%s">%s:</span> %s</div>'):format(GREY, escape(row.name), says)
end

local function of_alert(alert, host)
  local tone, severity = colour(alert), letter.severity(alert)
  local out = { ('<tr><td style="border-left:4px solid %s;padding:8px 12px">'):format(tone),
    ('<div style="font-weight:bold;color:%s">%s: %s%s</div>'):format(tone, alert.status:upper(), escape(alert.labels.alertname or "alert"),
      severity and (" (%s)"):format(escape(severity)) or "") }
  for _, row in ipairs(letter.texts(alert)) do out[#out + 1] = of_text(row) end
  for _, plain in ipairs { letter.labels(alert), letter.facts(alert, host) } do
    if plain ~= "" then out[#out + 1] = ('<div style="color:%s;font-size:12px">%s</div>'):format(GREY, escape(plain)) end
  end
  local why = alert.status == "firing" and evidence.lines(alert, text.cut) or {}
  if #why > 0 then
    out[#out + 1] = ('<pre style="background:#f1f3f4;padding:6px;font-size:12px;white-space:pre-wrap">%s</pre>'):format(escape(table.concat(why, "\n")))
  end
  if alert.generator_url and alert.generator_url ~= "" then out[#out + 1] = ("<div>%s</div>"):format(link(alert.generator_url, "Source")) end
  out[#out + 1] = '</td></tr><tr><td style="height:8px"></td></tr>'
  return table.concat(out)
end

--- NOTE as a page.
function M.page(note, host)
  local tone = note.status == "firing" and colour { status = "firing", labels = {}, severity = letter.severity(note.alerts[1]) } or GREEN
  local out = { "<!DOCTYPE html>", '<html><head><meta charset="utf-8"></head>',
    '<body style="margin:0;padding:12px;font-family:Helvetica,Arial,sans-serif;font-size:14px;color:#202124">',
    ('<div style="background:%s;color:#ffffff;padding:10px 12px;font-size:17px;font-weight:bold">%s</div>'):format(tone, escape(text.title(note))),
    '<table cellpadding="0" cellspacing="0" style="width:100%;margin-top:12px">' }
  local shown, more = letter.alerts(note)
  for _, alert in ipairs(shown) do out[#out + 1] = of_alert(alert, host) end
  out[#out + 1] = "</table>"
  if more > 0 then out[#out + 1] = ("<p>and %d more</p>"):format(more) end
  local links = {}
  for i, row in ipairs(letter.links(note)) do links[i] = link(row.url, row.name) end
  if #links > 0 then out[#out + 1] = "<p>" .. table.concat(links, " &middot; ") .. "</p>" end
  out[#out + 1] = ('<p style="color:%s;font-size:12px">Sent by moonwatch to the receiver %s</p></body></html>'):format(GREY, escape(note.receiver))
  return table.concat(out, "\n") .. "\n"
end

return M

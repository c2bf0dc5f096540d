--- letter.lua - a message as plain text that is read without knowing anything: for mails and for Amazon SNS.
local evidence = require "moonwatch.to.evidence"
local filled = require "moonwatch.to.filled"
local text = require "moonwatch.to.text"

local M = {}

local MOST, LONGEST = 100, 2000

function M.severity(alert) return alert.severity or alert.labels.severity end

--- TEMPLATE of the configuration filled in from NOTE; what stands in its places passes THROUGH.  nil when there is none.
function M.filled(template, note, through) return filled.text(template, note, through) end

--- The first line of NOTE, TEMPLATE being what the configuration says for it.
function M.title(note, template) return filled.title(template, note) end

--- Names and values of the labels of ALERT, without its name.
function M.labels(alert)
  local names, out = {}, {}
  for name in pairs(alert.labels) do
    if name ~= "alertname" then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do out[i] = ('%s="%s"'):format(name, alert.labels[name]) end
  return table.concat(out, " ")
end

--- What was measured, and since when: "value 0.99, threshold 0.90, since 2026-...".
function M.facts(alert, host)
  local out = {}
  if alert.value ~= nil then out[#out + 1] = "value " .. text.number(alert.value) end
  if alert.threshold ~= nil then out[#out + 1] = "threshold " .. text.number(alert.threshold) end
  local ended = alert.status == "resolved" and alert.ends_at
  if alert.starts_at then out[#out + 1] = "since " .. host.rfc3339(alert.starts_at) end
  if ended then out[#out + 1] = "ended " .. host.rfc3339(ended) end
  return table.concat(out, ", ")
end

--- Texts of ALERT a person wants to read, in that order: summary, description, then the others but addresses.
function M.texts(alert)
  local a, out, names = alert.annotations or {}, {}, {}
  for _, name in ipairs { "summary", "description" } do
    if a[name] and a[name] ~= "" then out[#out + 1] = { name = name, text = text.cut(a[name], LONGEST) } end
  end
  for name in pairs(a) do
    if name ~= "summary" and name ~= "description" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local plain = tostring(a[name])
    if plain ~= "" then out[#out + 1] = { name = name, text = text.cut(plain, LONGEST), url = plain:find "^https?://[^%s%c\"'<>]+$" ~= nil } end
  end
  return out
end

local LINKS = { { "ack", "Acknowledge" }, { "silence", "Silence" }, { "why", "Why this was sent" } }

--- Where one can go from NOTE: list of { name=, url= }.
function M.links(note)
  local out = {}
  for _, row in ipairs(LINKS) do
    local url = note.links and note.links[row[1]]
    if url then out[#out + 1] = { name = row[2], url = url } end
  end
  return out
end

--- The first alerts of NOTE, those that fire before those that ended, and how many there are besides.
function M.alerts(note, most)
  local out, more = {}, 0
  for _, status in ipairs { "firing", "resolved" } do
    for _, alert in ipairs(note.alerts) do
      if alert.status == status then
        if #out < (most or MOST) then out[#out + 1] = alert else more = more + 1 end
      end
    end
  end
  return out, more
end

local function add_alert(out, alert, host)
  local severity = M.severity(alert)
  out[#out + 1] = ""
  out[#out + 1] = ("%s: %s%s"):format(alert.status:upper(), alert.labels.alertname or "alert", severity and (" (%s)"):format(severity) or "")
  for _, row in ipairs(M.texts(alert)) do
    local main = row.name == "summary" or row.name == "description"
    out[#out + 1] = "  " .. (main and "" or row.name .. ": ") .. row.text:gsub("\r?\n", "\n  ")
  end
  for _, line in ipairs { M.labels(alert), M.facts(alert, host) } do
    if line ~= "" then out[#out + 1] = "  " .. line end
  end
  for _, line in ipairs(alert.status == "firing" and evidence.lines(alert, text.cut) or {}) do out[#out + 1] = "  | " .. line end
  if alert.generator_url and alert.generator_url ~= "" then out[#out + 1] = "  " .. alert.generator_url end
end

--- NOTE as plain text; at most MOST alerts of it.
function M.text(note, host, most)
  local out = { text.title(note) }
  local shown, more = M.alerts(note, most)
  for _, alert in ipairs(shown) do add_alert(out, alert, host) end
  if more > 0 then
    out[#out + 1] = ""
    out[#out + 1] = ("and %d more"):format(more)
  end
  local links = M.links(note)
  if #links > 0 then out[#out + 1] = "" end
  for _, link in ipairs(links) do out[#out + 1] = ("%s: %s"):format(link.name, link.url) end
  return table.concat(out, "\n") .. "\n"
end

return M

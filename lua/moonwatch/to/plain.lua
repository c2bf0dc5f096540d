--- plain.lua - a message as lines of plain text, for receivers that take one long text.
local evidence = require "moonwatch.to.evidence"
local keys_of = require "moonwatch.keys"
local text = require "moonwatch.to.text"

local M = {}

local KNOWN = { summary = true, description = true }

local function characters(s) return #s - select(2, s:gsub("[\128-\191]", "")) end

local function labels_of(alert, common)
  local out = {}
  for _, name in ipairs(keys_of(alert.labels)) do
    if name ~= "alertname" and common[name] ~= alert.labels[name] then out[#out + 1] = ("%s=%s"):format(name, alert.labels[name]) end
  end
  return table.concat(out, ", ")
end

local function measured(alert)
  if alert.value == nil then return "" end
  return (" value %s"):format(text.number(alert.value)) .. (alert.threshold ~= nil and (" (threshold %s)"):format(text.number(alert.threshold)) or "")
end

local function lines_of(alert, note, host)
  local own = labels_of(alert, note.common_labels)
  local out = { ("%s %s%s%s, since %s"):format(alert.status == "resolved" and "[resolved]" or "[firing]", alert.labels.alertname or "alert",
    own ~= "" and " {" .. own .. "}" or "", measured(alert), host.rfc3339(alert.starts_at)) }
  for _, name in ipairs(keys_of(alert.annotations or {})) do
    local says = alert.annotations[name]
    if note.common_annotations[name] ~= says then out[#out + 1] = ("  %s%s"):format(KNOWN[name] and "" or name .. ": ", says) end
  end
  for _, line in ipairs(alert.status == "firing" and evidence.lines(alert, text.cut) or {}) do out[#out + 1] = "  " .. line end
  if alert.generator_url and alert.generator_url ~= "" then out[#out + 1] = "  " .. alert.generator_url end
  return table.concat(out, "\n")
end

-- What all alerts share.
local function head_of(note)
  local out = { note.remark }
  for _, name in ipairs(keys_of(note.common_annotations)) do
    out[#out + 1] = (KNOWN[name] and "" or name .. ": ") .. note.common_annotations[name]
  end
  local shared = {}
  for _, name in ipairs(keys_of(note.common_labels)) do shared[#shared + 1] = ("%s=%s"):format(name, note.common_labels[name]) end
  if #shared > 0 then out[#out + 1] = table.concat(shared, ", ") end
  return out
end

local ROOM = 40 -- characters, for the line that counts the rest

--- NOTE in at most MOST characters: what the alerts share, then one after the other, whole; the last line counts those left out.
function M.body(note, host, most)
  local out = head_of(note)
  if #out > 0 then out[#out + 1] = "" end
  local used = characters(table.concat(out, "\n"))
  for i, alert in ipairs(note.alerts) do
    local said = lines_of(alert, note, host)
    local size = characters(said) + 1
    if used + size > most - (i < #note.alerts and ROOM or 0) then
      if i == 1 then out[#out + 1] = text.cut(said, math.max(1, most - used - ROOM)) end
      local left = #note.alerts - (i == 1 and 1 or i - 1)
      if left > 0 then out[#out + 1] = ("... and %d more"):format(left) end
      break
    end
    out[#out + 1], used = said, used + size
  end
  return text.cut(table.concat(out, "\n"), most)
end

local GRAVE = { "critical", "page", "error", "warning", "ticket", "info" }
local RANK = {}
for i, name in ipairs(GRAVE) do RANK[name] = i end

--- The gravest severity among the alerts of NOTE that fire (or all, when none does); nil when none has one we know.
function M.severity(note)
  local best
  local any = text.count(note, "firing") > 0
  for _, alert in ipairs(note.alerts) do
    local severity = alert.severity or alert.labels.severity
    if RANK[severity] and (not any or alert.status == "firing") and (not best or RANK[severity] < RANK[best]) then best = severity end
  end
  return best
end

return M

--- text.lua - pieces of messages that several kinds of receivers share.
local digest = require "moonwatch.to.digest"

local M = {}

local CONTINUES = "[\128-\191]"

--- At most MOST characters of TEXT, cut between characters, not between bytes.
function M.cut(text, most)
  local count, i = 0, 1
  while i <= #text do
    count = count + 1
    if count > most then
      local keep = text:sub(1, i - 1)
      return (keep:gsub("[^\128-\191]" .. CONTINUES .. "*$", "")) .. "…"
    end
    i = i + 1
    while text:sub(i, i):find(CONTINUES) do i = i + 1 end
  end
  return text
end

--- The names of the alerts in a message, each once: "HighLatency, DiskFull".
function M.names(note)
  local out, seen = {}, {}
  for _, alert in ipairs(note.alerts) do
    local name = alert.labels.alertname or "alert"
    if not seen[name] then
      seen[name] = true
      out[#out + 1] = name
    end
  end
  return table.concat(out, ", ")
end

local function count(note, status)
  local n = 0
  for _, alert in ipairs(note.alerts) do
    if alert.status == status then n = n + 1 end
  end
  return n
end
M.count = count

-- Why this receiver hears of it, when that is not plain: "because chat cannot be reached since ...".
local function remarked(note, text)
  local remark = note.remark or note.ack and (note.ack.author or "somebody") .. " is on it"
  return remark and ("%s (%s)"):format(text, remark) or text
end

--- "[FIRING:2] HighLatency" or "[RESOLVED] HighLatency"; of a digest "[DIGEST] 37 groups, 412 firing, 20 resolved".
function M.title(note)
  if note.digest then return "[DIGEST] " .. digest.counts(note.digest) end
  local mark = note.status == "firing" and ("FIRING:%d"):format(count(note, "firing")) or note.status:upper()
  return remarked(note, ("%s[%s] %s"):format(note.test and "[TEST] " or "", mark, M.names(note)))
end

--- OWN, a title of the configuration (or nil), which a test message must not hide behind.
function M.own_title(note, own)
  return own and (note.test and "[TEST] " or "") .. own or nil
end

--- One line that says what is wrong: the summary all alerts share, or the first one's, or the name.
function M.summary(note)
  local first = note.alerts[1]
  local says = note.common_annotations.summary or first and first.annotations and first.annotations.summary
  return says and remarked(note, says) or M.title(note)
end

--- The receiver of NOTE as Alertmanager names it in messages: as a regular expression that matches the name.
function M.receiver(note)
  local name = note.receiver or ""
  return note.compat and name:gsub("[\\.+*?()|%[%]{}^$]", "\\%0") or name
end

--- A measured number as people read it.
function M.number(v)
  if v == nil then return nil end
  return type(v) == "number" and ("%.2f"):format(v) or tostring(v)
end

return M

--- chat_notes.lua - notifications for specs of chat receivers, plain ones and hostile ones.
local M = {}

local function with(out, more)
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

function M.alert(more)
  return with({ fp = "00ff", status = "firing", starts_at = 1780000000, value = 0.98765, threshold = 0.9, severity = "critical",
    labels = { alertname = "Busy", severity = "critical", instance = "a:1" },
    annotations = { summary = "a is busy", runbook_url = "https://wiki/busy" } }, more)
end

function M.note(more)
  return with({ id = "1", time = 1780000001, group_key = '{}:{alertname="Busy"}', receiver = "r", status = "firing", reason = "new",
    group_labels = { alertname = "Busy" }, common_labels = { alertname = "Busy", instance = "a:1" },
    common_annotations = { summary = "a is busy" }, external_url = "http://mw", alerts = { M.alert() } }, more)
end

M.links = { ack = "http://mw/ack/1.ack.x", silence = "http://mw/ack/1.silence.x", why = "http://mw/#/alert?a=b", token = "1.ack.x", silence_token = "1.silence.x" }

-- A generator of its own, so that a failure comes again.
local seed = 42
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n + 1
end

local PIECES = { "a", "Z", "9", " ", "\n", "*", "_", "`", "```", "<", ">", "&", '"', "'", "@", "@channel", "<!everyone>", "<@U123>", "<@all>", "@here",
  "[x](http://evil)", "</b>", "<b>", "\\", "|", "~", "#", "ü", "漢", "😀", "👨‍👩‍👧", "\0", "\27", "\128", "\255", "\226\130", "\240\159", "e\204\129", "{{DATE(x)}}", "${value}", "]", "(", ")" }

--- Any text of at most N pieces, with everything that markup knows in it.
function M.hostile(n)
  local out = {}
  for i = 1, random(n) do out[i] = PIECES[random(#PIECES)] end
  return table.concat(out)
end

local function hostile_alert(n)
  return M.alert { status = random(4) == 1 and "resolved" or "firing", ends_at = 1780000060, generator_url = "http://g/" .. M.hostile(10),
    labels = { alertname = M.hostile(n), severity = ({ "critical", "warning", M.hostile(5) })[random(3)], instance = M.hostile(n), x = M.hostile(n) },
    annotations = { summary = M.hostile(n), description = random(2) == 1 and M.hostile(n * 4) or nil, runbook_url = "https://w/" .. M.hostile(10) },
    evidence = { logs = { { message = M.hostile(n), level = "error" } }, facts = { [M.hostile(3)] = M.hostile(n) } } }
end

--- A notification of random size that is as bad as it gets.
function M.hostile_note(size)
  local alerts = {}
  for i = 1, random(size) do alerts[i] = hostile_alert(random(400)) end
  return M.note { alerts = alerts, links = random(2) == 1 and M.links or nil, common_annotations = {} }
end

--- Is TEXT proper UTF-8?
function M.is_utf8(text)
  local i = 1
  while i <= #text do
    local lead = text:byte(i)
    local length = lead < 128 and 1 or lead >= 194 and lead < 224 and 2 or lead >= 224 and lead < 240 and 3 or lead >= 240 and lead < 245 and 4
    if not length or not text:sub(i, i + length - 1):find("^.[\128-\191]*$") or i + length - 1 > #text then return false end
    i = i + length
  end
  return true
end

return M

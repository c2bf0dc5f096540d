--- notes.lua - messages for specs of receivers.
local M = {}

local function with(out, more)
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

function M.alert(more)
  return with({ fp = "00ff", status = "firing", starts_at = 1780000000, value = 0.98765, threshold = 0.9, severity = "critical",
    labels = { alertname = "Busy", severity = "critical", instance = "a:1" }, annotations = { summary = "a is busy" } }, more)
end

function M.note(more)
  return with({ id = "0011223344556677", time = 1780000000, group_key = '{}:{alertname="Busy"}', receiver = "r", status = "firing",
    group_labels = { alertname = "Busy" }, common_labels = { alertname = "Busy", instance = "a:1" }, common_annotations = { summary = "a is busy" },
    external_url = "http://mw", links = { ack = "http://mw/ack" }, alerts = { M.alert() } }, more)
end

return M

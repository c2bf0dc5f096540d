--- evidence.lua - what made an alert fire, in a few lines for a person.
local keys_of = require "moonwatch.keys"

local M = {}

local LINES, TRACES, LONGEST = 3, 3, 160

local function line_of(record, cut)
  return ("%s%s"):format(record.level and record.level .. " " or "", cut((record.message:gsub("[%c]+", " ")), LONGEST))
end

--- Lines of text about the evidence of ALERT; none when there is no log line, trace or fact in it.
function M.lines(alert, cut)
  local e, out = alert.evidence or {}, {}
  for i, record in ipairs(e.logs or {}) do
    if i > LINES then
      out[#out + 1] = ("and %d more log lines"):format(#e.logs - LINES)
      break
    end
    out[#out + 1] = line_of(record, cut)
  end
  local ids = {}
  for i = 1, math.min(#(e.traces or {}), TRACES) do ids[i] = e.traces[i].trace end
  if #ids > 0 then out[#out + 1] = "traces " .. table.concat(ids, ", ") end
  for _, name in ipairs(keys_of(e.facts or {})) do out[#out + 1] = ("%s: %s"):format(name, cut(tostring(e.facts[name]), LONGEST)) end
  return out
end

return M

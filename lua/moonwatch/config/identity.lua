--- identity.lua - what a rule is known by, over reloads, restarts and nodes: word, name and, for alerts and records, its own labels.
--
-- One alert or record name may stand several times with other labels, as in Prometheus (severity = "warning" and "page"); the
-- severity of an alert is one of them.  Labels count as they are written: "${labels.pod}" is that text, a function is "function".
--   alert/Down                                  no labels of its own, and the severity that nobody has to write
--   alert/Down{severity="page",team="web"}      in the order of the names
local M = {}

M.SHADOW = "shadow/"
M.SEVERITY = "warning" -- what `severity` is when nobody says it
local LABELLED = { alert = true, record = true }

local ESCAPES = { ["\\"] = "\\\\", ["\""] = "\\\"", ["\n"] = "\\n", ["\r"] = "\\r" }
local function quoted(value)
  if type(value) == "table" then value = "function" end
  return '"' .. tostring(value):gsub('[\\"\n\r]', ESCAPES) .. '"'
end

--- The labels of its own as "{name="value",...}", or "" when there are none.  FIELDS: of the word, also unchecked ones.
function M.labels(word, fields)
  if not LABELLED[word] then return "" end
  local out = {}
  for name, value in pairs(type(fields.labels) == "table" and fields.labels or {}) do
    out[#out + 1] = tostring(name) .. "=" .. quoted(value)
  end
  local severity = word == "alert" and fields.severity
  if severity and severity ~= M.SEVERITY then out[#out + 1] = "severity=" .. quoted(severity) end
  if fields.variant then out[#out + 1] = "variant=" .. quoted(fields.variant) end
  if #out == 0 then return "" end
  table.sort(out)
  return "{" .. table.concat(out, ",") .. "}"
end

--- The id of RULE: its fields and word, name.  A job without a name has a `key`: its file and which of its jobs it is; a shadow
-- has "shadow/" before the id of the live rule.
function M.id(rule) return rule.id or (rule.shadow and M.SHADOW or "") .. M.live(rule) end

--- "alert Name", for people.
function M.title(rule) return rule.title or ("%s%s %s"):format(rule.shadow and "shadow of " or "", rule.word, rule.name) end

--- The id under which RULE would be live.
function M.live(rule) return rule.word .. "/" .. (rule.key or rule.name) .. M.labels(rule.word, rule) end

return M

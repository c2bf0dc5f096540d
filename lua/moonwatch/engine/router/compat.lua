--- compat.lua - how a route with compat="alertmanager" waits for its receivers, and what it makes of their answers.
--
-- A flush of Alertmanager ends when each of its messages was taken or refused, or when group_interval (ten seconds at least) is
-- over.  Until then the group's next flush waits, and what is tried again is what was to be said; then all begins anew.
local M = {}

local LEAST = 10

-- Where 429 is tried again; elsewhere it is final.
local PATIENT = { pagerduty = true, opsgenie = true, jira = true, incidentio = true }

--- How long a message of a group of NODE stays what it is.
function M.patience(node)
  return node.compat == "alertmanager" and math.max(LEAST, node.group_interval) or nil
end

--- Until when the messages of GROUP that are tried again keep its next flush waiting; nil: they do not.
function M.busy_until(router, group, now)
  if group.node.compat ~= "alertmanager" then return nil end
  local at
  for job in pairs(router.outbox:of_group(group.key)) do
    local over = job.group_id == group.id and job.patience and job.begun + job.patience
    if over and over > now then at = math.max(at or over, over) end
  end
  return at
end

--- OUTCOME of a try at TARGET as Alertmanager understands it, which reads no Retry-After.
function M.outcome(target, outcome)
  local out = {}
  for name, value in pairs(outcome) do out[name] = value end
  out.after = nil
  if out.status == 429 and not PATIENT[target.kind] then out.retry = false end
  return out
end

return M

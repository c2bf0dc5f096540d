--- alertmanager.lua - alerts to other Alertmanagers, as Prometheus sends them (API v2).
--
-- Each alert for itself, at most 256 in a request, to every address at once; it is taken when one of the
-- Alertmanagers took it, since they tell each other nothing of alerts and the others hear of it with the next
-- round.  What fires carries an end four rounds ahead, so it ends by itself there when we are gone; the rounds
-- are engine/router/alive.lua's.  Requests of one target leave one after the other (`at_once`): an Alertmanager
-- takes what comes last for the truth.
local labels_of = require "moonwatch.route.labels"
local sign_in = require "moonwatch.to.sign_in"

local M = { kind = "alertmanager", digests = "never", at_once = 1, reads_sets = true }

M.answers = {
  [400] = { says = "the Alertmanager does not take some of these alerts" },
  [404] = { says = "no Alertmanager answers at this address" },
}

local BATCH, ROUNDS = 256, 4

--- Seconds between rounds for FIELDS.
function M.alive(fields) return fields.resend or 60 end

local function with(labels, more)
  if not more or not next(more) then return labels end
  local out = {}
  for name, value in labels_of.each(labels) do out[name] = value end
  for name, value in pairs(more) do out[name] = out[name] or value end
  return out
end

local function alert_of(alert, fields, host, now)
  local ends_at = alert.status == "resolved" and (alert.ends_at or now) or now + ROUNDS * M.alive(fields)
  local url = alert.generator_url
  return { labels = with(alert.labels, fields.labels), annotations = alert.annotations, startsAt = host.rfc3339(alert.starts_at),
    endsAt = host.rfc3339(ends_at), generatorURL = url ~= "" and url or nil }
end

--- NOTE as texts of JSON, each of at most 256 alerts.
function M.batches(note, fields, host, now)
  local out, batch = {}, {}
  for i, alert in ipairs(note.alerts) do
    batch[#batch + 1] = alert_of(alert, fields, host, now)
    if #batch == BATCH or i == #note.alerts then
      out[#out + 1], batch = host.json.encode(host.json.array(batch)), {}
    end
  end
  return out
end

local function address_of(base)
  base = base:gsub("/+$", "")
  return base:find "/api/v2/alerts$" and base or base .. "/api/v2/alerts"
end

-- Of the OUTCOMES at all addresses the one that counts: that of who took it; else that of who may yet take it.
local function best(outcomes)
  local out
  for _, outcome in ipairs(outcomes) do
    if outcome.ok then return outcome end
    if not out or outcome.retry and not out.retry then out = outcome end
  end
  return out
end

function M.steps(note, fields, host, ask, now)
  for _, body in ipairs(M.batches(note, fields, host, now)) do
    local requests = {}
    for i, url in ipairs(fields.urls or { fields.url }) do
      requests[i] = { url = address_of(url), method = "POST", body = body,
        headers = sign_in.headers(fields, host, { ["user-agent"] = "moonwatch/" .. host.version() }) }
    end
    local outcome = best(ask.each(requests))
    if not outcome.ok then return outcome end
  end
end

return M

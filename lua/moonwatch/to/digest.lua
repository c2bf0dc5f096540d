--- digest.lua - one message in place of many: how many groups and alerts, which names how often, where to see them.
--
-- note.digest = {groups, firing, resolved, names = {{name, firing, resolved, groups}, ...} most urgent and most frequent
-- first, more = names left out, since, why}.  For people `alerts` is one made-up alert whose texts say that, so every
-- kind of receiver shows it; programs (`digests = "alerts"` of their kind) get the alerts themselves.
local priority = require "moonwatch.route.priority"

local M = {}

local NAMES, ALERTS = 20, 1000
local SEVERITIES = { "page", "warning", "info" }

local function plural(n, what) return ("%d %s%s"):format(n, what, n == 1 and "" or "s") end

-- Each name with its counts, over the alerts of JOBS.
local function tally(jobs)
  local by, list = {}, {}
  local out = { groups = #jobs, firing = 0, resolved = 0, since = math.huge }
  for _, job in ipairs(jobs) do
    local counted = {}
    out.since = math.min(out.since, job.created)
    for _, alert in ipairs(job.note.alerts) do
      local name = alert.labels.alertname or "alert"
      local row = by[name]
      if not row then
        row = { name = name, firing = 0, resolved = 0, groups = 0, urgent = priority.INFO }
        by[name], list[#list + 1] = row, row
      end
      if not counted[name] then row.groups, counted[name] = row.groups + 1, true end
      row[alert.status], out[alert.status] = row[alert.status] + 1, out[alert.status] + 1
      row.urgent = math.min(row.urgent, priority.of_severity(alert.severity or alert.labels.severity))
    end
  end
  table.sort(list, function(a, b)
    if a.urgent ~= b.urgent then return a.urgent < b.urgent end
    if a.firing ~= b.firing then return a.firing > b.firing end
    if a.resolved ~= b.resolved then return a.resolved > b.resolved end
    return a.name < b.name
  end)
  return out, list
end

local function counts(firing, resolved)
  if firing > 0 and resolved > 0 then return ("%d firing, %d resolved"):format(firing, resolved) end
  return firing > 0 and firing .. " firing" or resolved .. " resolved"
end

--- "37 groups, 412 firing, 20 resolved".
function M.counts(digest)
  return ("%s, %s"):format(plural(digest.groups, "group"), counts(digest.firing, digest.resolved))
end

--- What a person reads below that: a line for each name, and how to see them all.
function M.lines(digest, external_url)
  local out = {}
  for i, row in ipairs(digest.names) do
    out[i] = ("%s: %s%s"):format(row.name, counts(row.firing, row.resolved), row.groups > 1 and (" in %d groups"):format(row.groups) or "")
  end
  if digest.more > 0 then out[#out + 1] = ("and %s more"):format(plural(digest.more, "name")) end
  out[#out + 1] = ("Told as one message because %s. See them all: %s"):format(digest.why,
    external_url and external_url ~= "" and external_url .. " or `moonwatch alerts`" or "`moonwatch alerts`")
  return out
end

local function made_up(digest, target, urgent, url, now)
  return { fp = "0000000000000000", status = digest.firing > 0 and "firing" or "resolved", severity = SEVERITIES[urgent],
    labels = { alertname = "Digest", receiver = target.receiver, severity = SEVERITIES[urgent] },
    annotations = { summary = M.counts(digest), description = table.concat(M.lines(digest, url), "\n") },
    starts_at = digest.since, ends_at = digest.firing == 0 and now or nil, updated_at = now }
end

local function alerts_of(jobs)
  local out, left_out = {}, 0
  for _, job in ipairs(jobs) do
    for _, alert in ipairs(job.note.alerts) do
      if #out < ALERTS then out[#out + 1] = alert else left_out = left_out + 1 end
    end
  end
  return out, left_out
end

--- The message for TARGET that stands for those of JOBS.
function M.note(target, jobs, why, host, url, now)
  local digest, list = tally(jobs)
  digest.why, digest.names, digest.more = why, {}, math.max(0, #list - NAMES)
  for i = 1, math.min(#list, NAMES) do digest.names[i] = list[i] end
  local note = { id = host.random_hex(8), time = now, receiver = target.receiver, integration = target.kind, reason = "digest",
    group_key = "digest/" .. target.key, group_labels = {}, common_labels = {}, common_annotations = {}, external_url = url,
    status = digest.firing > 0 and "firing" or "resolved", digest = digest }
  if target.digest.alerts then
    note.alerts, digest.left_out = alerts_of(jobs)
  else
    note.alerts = { made_up(digest, target, list[1] and list[1].urgent or priority.TICKET, url, now) }
  end
  return note
end

return M

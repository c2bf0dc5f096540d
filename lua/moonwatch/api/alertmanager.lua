--- alertmanager.lua - Alertmanager's API v2: what amtool, Prometheus and dashboards speak.
local keys_of = require "moonwatch.keys"
local alerts = require "moonwatch.api.alertmanager_alerts"
local intake = require "moonwatch.api.alertmanager_intake"
local params = require "moonwatch.api.alertmanager_params"
local reply = require "moonwatch.api.router_reply"
local silences = require "moonwatch.api.alertmanager_silences"
local version = require "moonwatch.api.alertmanager_version"
local yaml = require "moonwatch.api.alertmanager_yaml"

local M = {}

local function refuse(host, status, message) return reply.peer_problem(host, status, message) end

local function post_alerts(router, msg, now)
  local reports, status, problems, ready = intake.alerts(router, msg.body, now)
  if not reports then return refuse(router.host, status, problems) end
  if router.enrich and router.enrich:any() then -- none before the first configuration
    for i, report in ipairs(reports) do reports[i] = router.enrich:apply(report) end
    ready = false -- they are not what stands in the body any more
  end
  router:accept(reports, now, ready and msg.body)
  if #problems > 0 then return refuse(router.host, 400, table.concat(problems, "; ")) end
  return { status = 200, headers = {}, body = "" }
end

-- -- the rest ------------------------------------------------------------------------------

local function get_receivers(router, msg)
  local test, err = params.receivers(router, { query = { receiver_matchers = reply.params(msg, "receiver_matchers") } })
  if not test then return refuse(router.host, 400, err) end
  local out, names = {}, keys_of(router.receivers)
  for _, name in ipairs(keys_of(router.oncalls)) do names[#names + 1] = "oncall:" .. name end
  for _, name in ipairs(names) do
    local receiver = router.receivers[name]
    if test(name) then out[#out + 1] = { name = name, labels = version.shown(router, receiver and receiver.labels or {}) } end
  end
  return reply.json(router.host, 200, router.host.json.array(out))
end

local function get_status(router, _, now)
  local host = router.host
  router.started = router.started or now
  return reply.json(host, 200, {
    cluster = { name = "", peers = host.json.array {}, status = "disabled" },
    config = { original = yaml.text(router) }, uptime = host.rfc3339(router.started),
    versionInfo = { version = version.full(router), branch = "moonwatch", revision = host.version(), buildUser = "", buildDate = "", goVersion = "" },
  })
end

local ROWS = {
  { "GET", "^/api/v2/alerts/groups/?$", alerts.groups },
  { "GET", "^/api/v2/alerts/?$", alerts.list },
  { "POST", "^/api/v2/alerts/?$", post_alerts },
  { "GET", "^/api/v2/receivers/?$", get_receivers },
  { "GET", "^/api/v2/status/?$", get_status },
}

for _, row in ipairs(silences.rows) do ROWS[#ROWS + 1] = row end

--- Answer one request under /api/v2.
function M.answer(router, msg, now)
  return reply.dispatch(ROWS, router, msg, now, refuse)
end

return M

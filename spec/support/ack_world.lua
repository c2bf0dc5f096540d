--- ack_world.lua - a router whose messages can be acknowledged: by links, in Slack, in PagerDuty, along an escalation.
local world_of = require "router_world"

local M = {}

M.SECRETS = { secret = "link secret", slack = "slack secret", pagerduty = { "old pd", "new pd" } }

--- A world of router_world.lua; MORE of its configuration takes the place of what it has.
function M.new(more)
  local config = { names = { "slack", "pager", "boss", "ann" }, routes = { { receiver = "slack", escalate = "page" } },
    escalations = { page = { { after = 0, to = { "slack" } }, { after = 900, to = { "pager" } }, { after = 1800, to = { "boss" } } } },
    settings = { external_url = "https://moon.example/m/", ack = M.SECRETS } }
  for k, v in pairs(more or {}) do config[k] = v end
  return world_of.new(config)
end

function M.last_note(world) return world.notes[#world.notes].note end

--- The path that LINK leads to, as it comes to the server behind its proxy.
function M.path_of(link) return link:match "^https://moon%.example/m(/.*)$" end

--- A request as it comes in: status, body, the whole answer.
function M.raw(world, method, path, body, headers)
  local answer = world:handle { type = "http", method = method, path = path, query = {}, headers = headers or {}, body = body or "" }
  return answer.status, answer.body, answer
end

--- The links of the message about an alert that fires from now on.
function M.firing(world)
  world:fire("Down", { job = "api" }):advance "1m"
  return M.last_note(world).links
end

return M

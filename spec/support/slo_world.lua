--- slo_world.lua - worlds for specs of SLOs: steady requests, and the HTTP doors of the rules.
local answer = require "moonwatch.api.answer"
local testing = require "moonwatch.testing"

local M = {}

local TABLES = { require "moonwatch.api.slos" }

--- A world with RULES; see testing.world.
function M.new(rules, options) return testing.world(rules, options) end

--- EVENTS a minute into all_total, of which BAD of a hundred do not go into good_total but into bad_total, for so many HOURS from now on.
function M.requests(world, events, bad, hours, labels)
  local n, set = hours * 60, labels and "{" .. labels .. "}" or ""
  local function feed(name, step) world:series(name .. set, ("0+%.10gx%d"):format(step, n), { every = "1m" }) end
  feed("all_total", events)
  feed("good_total", events * (100 - bad) / 100)
  feed("bad_total", events * bad / 100)
  return world
end

--- Ask the rules of WORLD: status, body (decoded when it is JSON).  request: { query=, body= (a table), headers= }.
function M.ask(world, method, path, request)
  request = request or {}
  local query = {}
  for name, value in pairs(request.query or {}) do query[name] = { value } end
  local handler, captures = answer.find(TABLES, path)
  assert(handler, "nothing at " .. path)
  local got = handler(world.engine, { method = method, path = path, query = query, headers = request.headers or {},
    body = request.body and world.host.json.encode(request.body) or "" }, world.now, unpack(captures))
  local json = got.headers["content-type"] == "application/json"
  return got.status, json and world.host.json.decode(got.body) or got.body
end

--- What GET says of the SLO NAME.
function M.about(world, name)
  local status, body = M.ask(world, "GET", "/api/mw/v1/slos/" .. name)
  assert(status == 200, status)
  return body
end

return M

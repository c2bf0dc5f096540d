--- am_worlds.lua - which worlds there are beside a real Alertmanager: each is odd in one way.
local am_config = require "am_config"
local labels = require "am_labels"
local texts = require "am_texts"
local trouble = require "am_trouble"
local windows = require "am_windows"

local M = {}

M.kinds = { "plain", "windows", "labels", "lives", "trouble", "texts", "programs", "wild" }

local MAKE = {}

function MAKE.plain() return { words = labels.plain, windows = windows.plain() } end
function MAKE.windows(c, now) return { words = labels.plain, windows = windows.near(c, now) } end
function MAKE.labels()
  return { words = labels.odd, windows = windows.plain(), names = { r0 = "team.x", r1 = "r+1 (é)", r2 = "a|b", r3 = "[r3]" } }
end
function MAKE.lives() return { words = labels.plain, windows = windows.plain(), lively = true } end

function MAKE.trouble(c)
  local paths = {}
  for _, name in ipairs(am_config.receivers) do
    for i = 1, 2 do paths[#paths + 1] = ("/%s/%d"):format(name, i) end
  end
  return { words = labels.plain, windows = windows.plain(), trouble = trouble.plan(c, paths) }
end
function MAKE.texts(c)
  return { words = labels.plain, windows = windows.plain(), receiver = texts.receiver, files = { ["own.tmpl"] = texts.definitions(c) } }
end

-- Slack's messages do not say which group they are about, so it always answers.
function MAKE.programs(c, now)
  local plan = trouble.plan(c, { "/r1/1", "/r2/1", "/r3/1" }, { ["/r1/1"] = true, ["/r2/1"] = true })
  return { words = labels.odd, windows = windows.near(c, now), receiver = texts.receiver, trouble = plan,
    files = { ["own.tmpl"] = texts.definitions(c) } }
end

function MAKE.wild(c, now)
  local world = MAKE.labels()
  world.windows, world.lively = windows.near(c, now), true
  return world
end

--- A world of KIND at NOW.
function M.make(kind, c, now) return MAKE[kind](c, now) end

-- -- what is looked at ---------------------------------------------------------------------

local function escape(text) return (text:gsub("[^%w%-_.~]", function(ch) return ("%%%02X"):format(ch:byte()) end)) end

local function filters(c, world)
  local out = {}
  for i = 1, 1 + c:next(2) do out[i] = "filter=" .. escape(labels.text(c, labels.matcher(c, world.words))) end
  return table.concat(out, "&")
end

--- Where one may look into a server of WORLD.
function M.paths(c, world)
  local out = { "/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences" }
  out[4] = "/api/v2/alerts?" .. filters(c, world) .. "&" .. c:one { "silenced", "inhibited", "active" } .. "=" .. c:one { "true", "false" }
  out[5] = "/api/v2/alerts/groups?" .. filters(c, world) .. "&receiver=" .. escape(c:one { "r.*", ".*x.*", "r0|r1", "null", "\\[.*" })
  out[6] = "/api/v2/silences?" .. filters(c, world)
  return out
end

return M

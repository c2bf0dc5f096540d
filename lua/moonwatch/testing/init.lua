--- init.lua - tests of rules in simulated time, for busted: `require "moonwatch.testing"`.
--
--   local testing = require "moonwatch.testing"
--   local world = testing.world("rules/web.lua", { at = "2026-03-01T09:00:00Z" })
--   world:series('up{job="web"}', "1x10 0x20", { every = "15s" }):advance "6m"
--   assert.fires(world, "Down", { job = "web" })
--
-- Nothing leaves the world: HTTP requests are kept and answered by world:answer (200 when nobody says).  docs/testing.md has
-- all of it.  world.lua is what one does to a world, results.lua what one sees of it.
local World = require "moonwatch.testing.world"

local M = {}

for name, method in pairs(require "moonwatch.testing.results") do World[name] = method end

-- busted's assert is a table; in other programs that say require "moonwatch.testing" there may be none.
local function teach()
  local found, luassert = pcall(require, "luassert")
  if found and type(luassert) == "table" and not rawget(luassert, "moonwatch") then
    rawset(luassert, "moonwatch", true)
    require("moonwatch.testing.assertions").register(luassert)
  end
end

--- A world in which the rules of WHAT (a file, a folder, or the text of a file) run.
-- options: { at= (when it begins), secrets={ NAME="..." }, env={ NAME="..." } }.
function M.world(what, options)
  teach()
  return World.new(what, options)
end

--- The folder of the spec that asks, for paths of rules beside it wherever `moonwatch test` is started.
function M.folder()
  local source = debug.getinfo(2, "S").source
  return source:match "^@(.*)/[^/]*$" or "."
end

--- This spec has to touch real sockets or programs; to the end of its file it may.
function M.allow_network() require("moonwatch.testing.nonet").allow() end

return M

--- alertmanager_version.lua - which Alertmanager the API v2 is like.
--
-- A tree with compat="alertmanager" is answered for as 0.25 was, whose clients read strictly: no field is shown that it did not
-- know unless there is something in it, and names of labels are narrow.  Otherwise it is 0.34.  `speaks` of the root route says
-- otherwise.
local M = {}

local FULL = { ["0.25"] = "0.25.0", ["0.34"] = "0.34.0" }

local function spoken(router)
  return router.settings.speaks or router.tree.root.compat == "alertmanager" and "0.25" or "0.34"
end

--- "0.25.0" or "0.34.0".
function M.full(router) return FULL[spoken(router)] end

--- Is more than 0.25 knew to be shown, and taken?
function M.newer(router) return spoken(router) ~= "0.25" end

--- VALUE if clients may see it: always in the newer version, in the older one only where it is not empty.
function M.shown(router, value)
  if M.newer(router) or value ~= nil and next(value) ~= nil then return value end
end

local NARROW = "^[%a_][%w_]*$"

--- May a label be called NAME?
function M.is_name(router, name)
  return M.newer(router) and name ~= "" or name:find(NARROW) ~= nil
end

return M

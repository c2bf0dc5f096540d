--- alertmanager_params.lua - the parameters of Alertmanager's API v2: flags, filters of alerts, filters of receivers.
local matchers = require "moonwatch.route.matchers"
local reply = require "moonwatch.api.router_reply"

local M = {}

local TRUE = { ["true"] = true, ["1"] = true, yes = true, ok = true, y = true, on = true, t = true, selected = true, checked = true, enabled = true }

-- What NAME says: of several the last; nothing is as good as none.
local function last(msg, name)
  local values = reply.params(msg, name)
  local v = values[#values]
  return v ~= "" and v or nil
end

--- Flag NAME; true unless it is said, and whatever is not a yes is a no.
function M.flag(msg, name)
  local v = last(msg, name)
  if v == nil then return true end
  return TRUE[v:lower()] or false
end

--- The values of parameter NAME as one condition; nil, message.
function M.filter(router, msg, name)
  local list = {}
  for i, text in ipairs(reply.params(msg, name)) do
    local err
    list[i], err = matchers.parse_one(text)
    if not list[i] then return nil, err end
  end
  return matchers.compile(list, router.host)
end

local function by_name(router, msg)
  local text = last(msg, "receiver")
  if not text then return function() return true end end
  local re, err = router.host.regex(text)
  if not re then return nil, "failed to parse receiver param: " .. err end
  return function(name) return re:match(name) end
end

--- Which receivers are asked for: function(name), by `receiver` and `receiver_matchers`; nil, message.
function M.receivers(router, msg)
  local test, err = by_name(router, msg)
  if not test then return nil, err end
  local filter
  filter, err = M.filter(router, msg, "receiver_matchers")
  if not filter then return nil, "failed to parse receiver_matchers param: " .. err end
  return function(name)
    if not test(name) then return false end
    if #filter.list == 0 then return true end
    local receiver = router.receivers[name]
    return receiver ~= nil and matchers.match(filter, receiver.labels)
  end
end

return M

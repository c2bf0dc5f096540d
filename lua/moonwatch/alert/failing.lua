--- failing.lua - what becomes of the alerts of a rule that cannot be evaluated.
--
--   keep      they stay as they are, and are told again and again (default)
--   resolve   as if there was nothing to see
--   fire      they stay as they are, and the rule itself is an active alert that says why
local M = {}

local LONGEST = 500

local function keep_others(runner, but)
  local held = {}
  for key in pairs(runner.alerts) do held[key] = key ~= but or nil end
  return held
end

--- What the rule finds (see condition.judge) at T when it failed with FAILURE; nil: nothing changes.
function M.found(runner, failure, t)
  local policy = runner.rule.on_error
  if policy == "resolve" then return { seen = {}, clear = {} } end
  if policy ~= "fire" then return nil end
  local labels = runner:labels({ labels = {}, value = 0 }, t)
  local key, text = runner.id_of(labels), tostring(failure.error or "failed"):sub(1, LONGEST)
  local row = { labels = labels, value = 0, level = math.max(1, runner:level_of(key)), sample = {},
                notice = { error = text, summary = ("%s cannot be evaluated: %s"):format(runner.rule.name, text) } }
  return { seen = { [key] = row }, clear = {}, held = keep_others(runner, key) }
end

return M

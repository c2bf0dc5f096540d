--- priority.lua - how urgent a message is: 1 wakes somebody, 2 is for today, 3 is to be known.
local M = { PAGE = 1, TICKET = 2, INFO = 3, names = { "page", "ticket", "info" } }

local OF = {
  page = 1, critical = 1, emergency = 1, fatal = 1, disaster = 1,
  error = 2, warning = 2, ticket = 2, major = 2, minor = 2,
  info = 3, information = 3, notice = 3, debug = 3, none = 3,
}

--- Of an alert with that severity; one that says nothing we know is for today.
function M.of_severity(severity)
  return OF[severity and tostring(severity):lower()] or M.TICKET
end

--- Of a message about ALERTS: that of the most urgent one.  An end is as urgent as what it ends.
function M.of(alerts)
  local best = M.INFO
  for _, alert in ipairs(alerts) do
    local own = M.of_severity(alert.severity or alert.labels and alert.labels.severity)
    if own < best then best = own end
    if best == M.PAGE then break end
  end
  return #alerts > 0 and best or M.TICKET
end

return M

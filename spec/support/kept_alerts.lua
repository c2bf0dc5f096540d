--- kept_alerts.lua - what a router keeps of alerts, in order, with tables for their labels and annotations.
local labels = require "moonwatch.route.labels"

return function(router)
  local out = {}
  for i, alert in ipairs(router.alerts:list()) do
    out[i] = {}
    for name, value in pairs(alert) do out[i][name] = value end
    out[i].labels, out[i].annotations = labels.plain(alert.labels), labels.plain(alert.annotations)
  end
  return out
end

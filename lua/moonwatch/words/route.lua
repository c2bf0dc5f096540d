--- route.lua - the word `route`: which alerts go where, and how they are put together.
local fields = {
  { "receiver", "text", help = 'name of a receiver or person, or "oncall:NAME"; default that of the parent' },
  { "match", "matchers", default = {}, help = "alerts this route takes; none: all" },
  { "group_by", "group_by", help = 'labels that make a group, or "all"; default that of the parent' },
  { "group_wait", "duration", help = "wait before the first message of a group; root default 30s" },
  { "group_interval", "interval", help = "wait before a changed group is told again; root default 5m" },
  { "repeat_interval", "interval", help = "wait before an unchanged group is told again; root default 4h" },
  { "repeat_factor", "number", help = "each repeat waits so many times longer than the one before, until there is news; 1: none does" },
  { "repeat_most", "interval", help = "but no longer than this; default 1d" },
  { "continue", "boolean", default = false, help = "also look at the routes after this one" },
  { "mute", "texts", default = {}, help = "windows in which nothing is sent" },
  { "active", "texts", default = {}, help = "windows outside of which nothing is sent" },
  { "escalate", "text", help = "name of an escalation" },
  { "labels", "messages", default = {}, help = "told with each message and shown with its groups; those of the parent are kept" },
}
fields[#fields + 1] = { "routes", "list", default = {}, help = "children, tried in order; the first that matches wins", fields = fields }

local root = { { "compat", "text", choices = { "alertmanager" }, help = "keep exactly to Alertmanager's timing" },
  { "resolve_timeout", "interval", help = "of the root: an alert posted without an end resolves after this long; default that of settings" },
  { "speaks", "text", choices = { "0.25", "0.34" }, help = "of the root: the Alertmanager whose API is spoken; default 0.25 with compat, 0.34 without" } }
for _, row in ipairs(fields) do root[#root + 1] = row end

return {
  word = "route", shape = "table",
  help = "The routing tree. One `route` without matchers is the root; each further `route` becomes its child, in order of the files.",
  example = [[
route {
  receiver = "web-team", group_by = { "alertname", "job" },
  routes = { { match = { severity = "page" }, receiver = "on-call", escalate = "page" } },
}]],
  fields = root,
  after = function(f, problem)
    local function visit(node, path)
      if node.repeat_factor and node.repeat_factor < 1 then
        local at = { unpack(path) }
        at[#at + 1] = "repeat_factor"
        problem("repeat_factor: must be 1 or more", at)
      end
      for i, child in ipairs(node.routes or {}) do
        local at = { unpack(path) }
        at[#at + 1] = "routes"
        at[#at + 1] = i
        visit(child, at)
      end
      if node.mute and node.active and #node.mute > 0 and #path == 0 and #(node.match or {}) == 0 then
        problem("the root route cannot be muted; put the window on a child", { "mute" })
      end
    end
    visit(f, {})
    for _, name in ipairs { "resolve_timeout", "speaks" } do
      if f[name] and #f.match > 0 then problem(name .. " is the root's, which has no matchers", { name }) end
    end
  end,
}

-- What luacheck knows of this house: LuaJIT, the words of rule files, busted in specs.  spec/words/editor_spec.lua keeps the words whole.
std = "luajit"
max_line_length = false
local words = {
  "alert", "alertmanager", "breaker", "bytes", "canary", "check", "discord", "drill", "duration", "email", "enrich", "env", "escalation", "every", "exec", "expect", "experiment", "first",
  "humanize", "humanize1024", "incidentio", "include", "inhibit", "jira", "label", "mattermost", "oncall", "opsgenie", "pagerduty", "percent", "person",
  "pipeline", "policy", "pushover", "query", "receiver", "record", "regex", "rocketchat", "route", "sample",
  "scrape", "secret", "settings", "sink", "slack", "slo", "sns",
  "teams", "telegram", "timestamp", "value", "victorops", "webex", "webhook", "window",
}
for _, pattern in ipairs { "rules", "examples/*/rules", "examples/*/moonwatch.lua" } do files[pattern] = { read_globals = words } end
files["spec"] = { std = "+busted" }
exclude_files = { "spec/hostile", "lua/library" } -- wrong on purpose; nothing but declarations

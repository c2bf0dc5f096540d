-- What luacheck knows of this house: LuaJIT, the words of rule files, busted in specs.
std = "luajit"
max_line_length = false
local words = { "settings", "include", "scrape", "record", "alert", "slo", "check", "receiver", "route", "inhibit", "window",
                "escalation", "every", "pipeline", "sample", "sink", "slack", "pagerduty", "webhook", "email", "opsgenie", "teams",
                "discord", "telegram", "sns", "exec", "env", "secret" }
for _, pattern in ipairs { "rules", "examples/*/rules", "examples/*/moonwatch.lua" } do files[pattern] = { read_globals = words } end
files["spec"] = { std = "+busted" }
exclude_files = { "spec/hostile" } -- they are wrong on purpose

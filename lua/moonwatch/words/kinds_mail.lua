--- kinds_mail.lua - the receiver kinds that are no chat and no incident: a mail, a topic of Amazon SNS, a program.
local filled = require "moonwatch.to.filled"
local mime = require "moonwatch.to.mime"
local tls = require "moonwatch.words.tls_rows"

local K = {}

local RESOLVED = { "send_resolved", "boolean", help = "tell the end too; default that of the receiver" }
local function timeout(default) return { "timeout", "interval", default = default, help = "longest time one try may take" } end

local function bad_smarthost(smarthost)
  local _, port = mime.host_port(smarthost)
  if not port then return ("smarthost %q: write host:port, such as \"mail.example.com:587\""):format(smarthost) end
end

local function bad_headers(headers)
  for name, value in pairs(headers) do
    if not name:find "^[%w%-]+$" then return ("headers: %q is no name of a header"):format(name) end
    if mime.ours[name:lower()] then return ("headers: %s is written by moonwatch%s"):format(name, mime.ours[name:lower()]) end
    if type(value) == "string" and value:find "[\r\n]" then return ("headers: %s has a line break"):format(name) end
  end
end

K.email = {
  help = "a mail",
  fields = {
    { "to", "texts", required = true, help = "addresses; also \"Name <a@b.c>\" and several in one text, with commas; texts may hold ${common_labels.NAME}" },
    { "from", "text", required = true, help = "address of the sender" },
    { "smarthost", "text", required = true, help = "mail server, host:port" },
    { "hello", "text", help = "name that moonwatch gives itself at the server; default that of the host" },
    { "auth", "table", help = "signing in at the server", fields = {
      { "user", "text", required = true, help = "name" },
      { "password", "secret", required = true, help = "password, or the shared secret of CRAM-MD5" },
      { "identity", "text", help = "act as this one" },
      { "mechanism", "text", choices = { "PLAIN", "LOGIN", "CRAM-MD5" }, help = "default: what the server offers" } } },
    { "require_tls", "boolean", default = true, help = "say nothing before STARTTLS; false: STARTTLS if the server offers it" },
    { "implicit_tls", "boolean", help = "TLS from the start; default true for port 465, false for others" },
    { "subject", "message", help = "subject; default \"[FIRING:n] names\"" },
    { "text", "message", help = "the message as plain text, in place of ours" },
    { "html", "message", help = "the message as HTML, in place of ours; what is filled in is escaped; \"\" for none" },
    { "headers", "text_map", default = {}, help = "further headers, such as Reply-To; texts may hold ${labels.NAME}, ${status}" },
    { "thread", "text", default = "group", choices = { "group", "day", "none" },
      help = "mail programs show together what is of one group, of one group and day (UTC), or not" },
    timeout "30s", tls.row, RESOLVED,
  },
  check = function(f, problem)
    local why = f.smarthost and bad_smarthost(f.smarthost)
    if why then problem(why, { "smarthost" }) end
    why = bad_headers(f.headers or {})
    if why then problem(why, { "headers" }) end
    local fixed, any = {}, false
    for _, text in ipairs(f.to or {}) do
      any = true
      local wrong = filled.wrong(text)
      if wrong then problem("to: " .. wrong, { "to" }) end
      if not filled.is_template(text) then fixed[#fixed + 1] = text end
    end
    local _, bad = mime.addresses(fixed)
    if bad and (#fixed > 0 or not any) then problem("to: " .. bad, { "to" }) end
    local from, wrong = mime.addresses { f.from or "" }
    if wrong or #from ~= 1 then problem("from: " .. (wrong or "one address, please"), { "from" }) end
  end,
}

K.sns = {
  help = "a message to a topic, a phone or an application by Amazon SNS",
  fields = {
    { "topic_arn", "text", help = "topic; one whose name ends in .fifo gets one message group per group of alerts" },
    { "phone_number", "text", help = "or a phone, +351..., by SMS" },
    { "target_arn", "text", help = "or the endpoint of an application" },
    { "region", "text", help = "default: that of the ARN, else the environment variable AWS_REGION" },
    { "access_key", "secret", help = "default: AWS_ACCESS_KEY_ID of the environment (roles are not asked for)" },
    { "secret_key", "secret", help = "default: AWS_SECRET_ACCESS_KEY" },
    { "session_token", "secret", help = "of keys that are valid for a time; default with the keys of the environment: AWS_SESSION_TOKEN" },
    { "url", "text", help = "address of the service; default https://sns.REGION.amazonaws.com/" },
    { "subject", "message", help = "subject, for those who get mail; at most 100 characters of ASCII" },
    { "message", "message", help = "the message, in place of ours; cut at 256 KB, for a phone at 1600 characters" },
    { "attributes", "text_map", default = {}, help = "attributes of the message, for filters of subscriptions; texts may hold ${labels.NAME}, ${status}" },
    timeout "10s", tls.row, tls.proxy, RESOLVED,
  },
  check = function(f, problem)
    local n = (f.topic_arn and 1 or 0) + (f.phone_number and 1 or 0) + (f.target_arn and 1 or 0)
    if n ~= 1 then problem("sns: give one of topic_arn, phone_number, target_arn", {}) end
    if (f.access_key == nil) ~= (f.secret_key == nil) then problem("sns: access_key and secret_key go together", {}) end
    if f.region and not f.region:find "^[%w%-]+$" then problem(("region %q is no name of a region"):format(f.region), { "region" }) end
  end,
}

K.exec = {
  help = "a program that is run, with the webhook body (version 4) as its input",
  fields = {
    { "command", "texts", required = true, help = "the program and its arguments; no shell. It must be in a folder of settings.programs: " ..
      "its path, or its name there" },
    { "env", "text_map", default = {}, help = "variables of its environment; beside them it has PATH, HOME, LANG, TZ and MOONWATCH_*" },
    { "dir", "text", help = "folder in which it runs; default that of moonwatch" },
    { "timeout", "interval", default = "30s", help = "it and what it started are killed after this; then it is tried again. At most 5m" },
    RESOLVED,
  },
  check = function(f, problem)
    if #f.command == 0 or f.command[1] == "" then problem("command: which program?", { "command" }) end
    if f.timeout and f.timeout > 300 then problem("timeout: at most 5m", { "timeout" }) end
    for name in pairs(f.env or {}) do
      if not name:find "^[%a_][%w_]*$" then problem(("env: %q is no name of a variable"):format(name), { "env" }) end
    end
  end,
}

return K

---@meta moonwatch
-- moonwatch.lua - the words of moonwatch's rule files, for the Lua language server.  Written by `moonwatch help --lua-library` from
-- the tables that check them: change those, not this.  What functions are given and may call is in objects.lua beside it.

---how to sign in
---@class moonwatch.kind.alertmanager.auth
---@field bearer? string|moonwatch.secret token
---@field user? string name for basic authentication
---@field password? string|moonwatch.secret its password

---certificates, for https
---@class moonwatch.kind.alertmanager.tls
---@field ca? string file (PEM) with the certificates of those who may sign that of the server; default those of the system. These files are read for each new connection
---@field cert? string file (PEM) with our certificate, for a server that asks for one
---@field key? string file (PEM) with its key
---@field server_name? string name that the server is asked for, and that its certificate must have; default that of the address
---@field insecure? boolean accept any certificate

---the alerts themselves, to Alertmanagers (API v2); told again before they would end there
---@class moonwatch.kind.alertmanager
---@field url? string|moonwatch.secret address, such as http://HOST:9093
---@field urls? string|string[] addresses of all Alertmanagers of a cluster; each is told
---@field resend? moonwatch.duration tell what fires again after this long; an alert not told for four times as long ends there
---@field labels? table<string, string|number> labels that every alert gets
---@field auth? moonwatch.kind.alertmanager.auth how to sign in
---@field headers? table<string, string|number|moonwatch.secret> request headers
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---the alerts themselves, to Alertmanagers (API v2); told again before they would end there
---@param fields moonwatch.kind.alertmanager
---@return moonwatch.kind
function alertmanager(fields) end

---facts of each alert in the place of severity, value, threshold and time
---@class moonwatch.kind.discord.fields
---@field title string name of the fact
---@field value string what it is
---@field short? boolean may stand beside another one

---a message in a Discord channel; at most 10 alerts and 6000 characters
---@class moonwatch.kind.discord
---@field url string|moonwatch.secret address of the webhook
---@field thread_id? string number of a thread in the channel
---@field content? string text before everything else; only this may call somebody: <@&ROLE>, @here
---@field title? string first line; default how many alerts fire and their names
---@field text? string the message: said for each alert if it names something of an alert, else once; default its description, or summary
---@field fields? moonwatch.kind.discord.fields[] facts of each alert in the place of severity, value, threshold and time
---@field username? string name shown
---@field avatar_url? string address of a picture
---@field silent? boolean no sound
---@field max_alerts? integer at most so many alerts in one message; the others are counted
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a message in a Discord channel; at most 10 alerts and 6000 characters
---@param fields moonwatch.kind.discord
---@return moonwatch.kind
function discord(fields) end

---signing in at the server
---@class moonwatch.kind.email.auth
---@field user string name
---@field password string|moonwatch.secret password, or the shared secret of CRAM-MD5
---@field identity? string act as this one
---@field mechanism? "PLAIN"|"LOGIN"|"CRAM-MD5" default: what the server offers

---a mail
---@class moonwatch.kind.email
---@field to string|string[] addresses; also "Name <a@b.c>" and several in one text, with commas; texts may hold ${common_labels.NAME}
---@field from string address of the sender
---@field smarthost string mail server, host:port
---@field hello? string name that moonwatch gives itself at the server; default that of the host
---@field auth? moonwatch.kind.email.auth signing in at the server
---@field require_tls? boolean say nothing before STARTTLS; false: STARTTLS if the server offers it
---@field implicit_tls? boolean TLS from the start; default true for port 465, false for others
---@field subject? string subject; default "[FIRING:n] names"
---@field text? string the message as plain text, in place of ours
---@field html? string the message as HTML, in place of ours; what is filled in is escaped; "" for none
---@field headers? table<string, string|number|moonwatch.secret> further headers, such as Reply-To; texts may hold ${labels.NAME}, ${status}
---@field thread? "group"|"day"|"none" mail programs show together what is of one group, of one group and day (UTC), or not
---@field timeout? moonwatch.duration longest time one try may take
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field send_resolved? boolean tell the end too; default that of the receiver

---a mail
---@param fields moonwatch.kind.email
---@return moonwatch.kind
function email(fields) end

---a program that is run, with the webhook body (version 4) as its input
---@class moonwatch.kind.exec
---@field command string|string[] the program and its arguments; no shell. It must be in a folder of settings.programs: its path, or its name there
---@field env? table<string, string|number|moonwatch.secret> variables of its environment; beside them it has PATH, HOME, LANG, TZ and MOONWATCH_*
---@field dir? string folder in which it runs; default that of moonwatch
---@field timeout? moonwatch.duration it and what it started are killed after this; then it is tried again. At most 5m
---@field send_resolved? boolean tell the end too; default that of the receiver

---a program that is run, with the webhook body (version 4) as its input
---@param fields moonwatch.kind.exec
---@return moonwatch.kind
function exec(fields) end

---an alert at incident.io
---@class moonwatch.kind.incidentio
---@field url string|moonwatch.secret address of the alert source
---@field token string|moonwatch.secret token of the alert source
---@field max_alerts? integer at most so many alerts in one message
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---an alert at incident.io
---@param fields moonwatch.kind.incidentio
---@return moonwatch.kind
function incidentio(fields) end

---an issue at Jira
---@class moonwatch.kind.jira
---@field url string address of the REST API, such as https://HOST/rest/api/2 (or /3)
---@field api? "auto"|"cloud"|"datacenter" which Jira it is; auto: cloud when the host ends in atlassian.net
---@field auth? moonwatch.kind.alertmanager.auth how to sign in
---@field project string key of the project
---@field issue_type string such as "Bug"
---@field summary? string first line, cut at 255 characters
---@field description? string the text, cut at 32767 characters; default: all alerts
---@field update_summary? boolean change the first line of an issue that is there
---@field update_description? boolean change the text of an issue that is there
---@field labels? string|string[] labels; one that is a hash of the group is added
---@field priority? string name of a priority, "" for none; default High, Medium or Low by the gravest severity
---@field resolve_transition? string name of the transition that closes an issue; without it issues stay open
---@field reopen_transition? string name of the transition that opens a closed issue again
---@field reopen_within? moonwatch.duration an issue closed longer ago than this is not opened again
---@field wont_fix_resolution? string issues closed with this resolution are left alone
---@field fields? any further fields of the issue; texts may hold ${labels.NAME}, ${value}
---@field headers? table<string, string|number|moonwatch.secret> request headers
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---an issue at Jira
---@param fields moonwatch.kind.jira
---@return moonwatch.kind
function jira(fields) end

---how loud it is
---@class moonwatch.kind.mattermost.priority
---@field priority "standard"|"important"|"urgent" label of the message
---@field requested_ack? boolean ask for an acknowledgement in Mattermost; not with standard
---@field persistent_notifications? boolean tell again until somebody reacts; only with urgent

---a message in a Mattermost channel
---@class moonwatch.kind.mattermost
---@field url string|moonwatch.secret address of the incoming webhook
---@field channel? string channel, when the webhook may choose
---@field username? string name shown, when the server allows it
---@field icon? string name of an emoji
---@field icon_url? string address of a picture
---@field title? string first line; default how many alerts fire and their names
---@field text? string the message: said for each alert if it names something of an alert, else once; default its description, or summary
---@field fields? moonwatch.kind.discord.fields[] facts of each alert in the place of severity, value, threshold and time
---@field color? string good, warning, danger or #rrggbb; default that of the severity
---@field card? string text beside the message, Markdown
---@field priority? moonwatch.kind.mattermost.priority how loud it is
---@field max_alerts? integer at most so many alerts in one message; the others are counted
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a message in a Mattermost channel
---@param fields moonwatch.kind.mattermost
---@return moonwatch.kind
function mattermost(fields) end

---who is told there
---@class moonwatch.kind.opsgenie.responders
---@field type "team"|"teams"|"user"|"escalation"|"schedule" what it is; "teams": several names, with commas
---@field name? string name of a team, an escalation or a schedule
---@field username? string name of a user
---@field id? string id

---an alert at Opsgenie
---@class moonwatch.kind.opsgenie
---@field api_key string|moonwatch.secret key of an API integration
---@field url? string address of the API; "https://api.eu.opsgenie.com" in Europe
---@field message? string first line, cut at 130 characters
---@field description? string the text, cut at 15000 characters; default: all alerts
---@field priority? string P1 to P5; default: P1 for critical and page, P2 for error, P3 for warning and ticket, P5 for info
---@field responders? moonwatch.kind.opsgenie.responders[] who is told there
---@field tags? string|string[] tags, at most 20 of 50 characters
---@field actions? string|string[] actions offered there, at most 10
---@field entity? string what it is about
---@field source? string who says so; default the address of this server
---@field note? string a note
---@field details? table<string, string|number|moonwatch.secret> further details, beside the labels that all alerts share
---@field update_alerts? boolean change message and description of an open alert when something changed
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---an alert at Opsgenie
---@param fields moonwatch.kind.opsgenie
---@return moonwatch.kind
function opsgenie(fields) end

---links shown with the incident; the runbook of the alert is added
---@class moonwatch.kind.pagerduty.links
---@field href string address
---@field text? string what it says

---images shown with the incident
---@class moonwatch.kind.pagerduty.images
---@field src string address of the image, https
---@field alt? string what it shows
---@field href? string where it leads

---an incident at PagerDuty (Events v2)
---@class moonwatch.kind.pagerduty
---@field routing_key string|moonwatch.secret integration key
---@field url? string address of the Events API
---@field per? "group"|"alert" an incident for each group, or for each alert
---@field summary? string first line; default the summary that all alerts share
---@field severity? string critical, error, warning or info; default: the gravest severity of the alerts
---@field source? string what is affected; default the label `instance` or `job`
---@field component? string part of the source; default the label `job`
---@field group? string what the component belongs to; default the name of the alert
---@field class? string kind of event; default the name of the alert
---@field client? string name of the sender
---@field client_url? string address of the sender
---@field details? any further details; texts may hold ${labels.NAME}, ${value}
---@field links? moonwatch.kind.pagerduty.links[] links shown with the incident; the runbook of the alert is added
---@field images? moonwatch.kind.pagerduty.images[] images shown with the incident
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---an incident at PagerDuty (Events v2)
---@param fields moonwatch.kind.pagerduty
---@return moonwatch.kind
function pagerduty(fields) end

---a message on a telephone (Pushover)
---@class moonwatch.kind.pushover
---@field token string|moonwatch.secret token of the application
---@field user_key string|moonwatch.secret key of a user or a group
---@field title? string title, cut at 250 characters
---@field message? string the text, cut at 1024 characters; default: the alerts
---@field link? string address shown below; default that of this server; left out when longer than 512
---@field link_title? string what the address says, cut at 100 characters
---@field priority? string|number -2 to 2 while it fires; 2 rings until somebody takes it. Default: 2 for critical and page, 1 for error, 0, -1 for info
---@field resolved_priority? number -2 to 1, for the end
---@field retry? moonwatch.duration with priority 2: ring again after this long, at least 30s
---@field expire? moonwatch.duration with priority 2: stop after this long, at most 3h
---@field ttl? moonwatch.duration the message goes away after this long; not with priority 2
---@field sound? string name of a sound
---@field device? string name of a device; default all
---@field html? boolean the text is HTML; what is filled in is escaped
---@field monospace? boolean the text in letters of one width
---@field url? string address of the API
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a message on a telephone (Pushover)
---@param fields moonwatch.kind.pushover
---@return moonwatch.kind
function pushover(fields) end

---a message in a channel of Rocket.Chat
---@class moonwatch.kind.rocketchat
---@field url string address of the server
---@field token string|moonwatch.secret access token
---@field user_id string|moonwatch.secret number of the user to whom the token belongs
---@field channel string #channel, @user or number of a room
---@field username? string name shown; the user needs the permission message-impersonate
---@field icon? string emoji such as :fire:
---@field icon_url? string address of a picture
---@field title? string first line; default how many alerts fire and their names
---@field text? string the message: said for each alert if it names something of an alert, else once; default its description, or summary
---@field fields? moonwatch.kind.discord.fields[] facts of each alert in the place of severity, value, threshold and time
---@field color? string #rrggbb; default that of the severity
---@field image_url? string address of a picture
---@field thumb_url? string address of a small picture
---@field max_alerts? integer at most so many alerts in one message; the others are counted
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a message in a channel of Rocket.Chat
---@param fields moonwatch.kind.rocketchat
---@return moonwatch.kind
function rocketchat(fields) end

---further buttons, each a link
---@class moonwatch.kind.slack.buttons
---@field text string what it says
---@field url string where it leads
---@field style? "primary"|"danger" its look

---a message in a Slack channel
---@class moonwatch.kind.slack
---@field url? string|moonwatch.secret incoming webhook address; with a token the address of chat.postMessage, if it is not Slack's own
---@field token? string|moonwatch.secret token of a bot (xoxb-...) with chat:write: messages can change, see update
---@field channel? string channel; needed with a token, with a webhook only if that may choose
---@field update? boolean with a token: the message of a group changes with it; what is new is shown in the channel from its thread, and a new message comes only when somebody else must look
---@field replies? boolean with a token: say in the thread of the message whatever changed, not only what is new
---@field actions? boolean buttons to acknowledge and silence; default: when settings.ack.slack is set
---@field buttons? moonwatch.kind.slack.buttons[] further buttons, each a link
---@field username? string name shown
---@field icon? string emoji such as :fire:
---@field icon_url? string address of a picture in its place
---@field link_names? boolean make @names and #channels in texts of your own links
---@field title? string first line; default how many alerts fire and their names
---@field text? string the message: said for each alert if it names something of an alert, else once; default its description, or summary
---@field fields? moonwatch.kind.discord.fields[] facts of each alert in the place of severity, value, threshold and time
---@field color? string good, warning, danger or #rrggbb; default that of the severity
---@field footer? string small text below each alert; default its labels
---@field pretext? string said above each alert
---@field link? string where the name of an alert leads; default its page
---@field image_url? string address of a picture
---@field thumb_url? string address of a small picture
---@field max_alerts? integer at most so many alerts in one message; the others are counted
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a message in a Slack channel
---@param fields moonwatch.kind.slack
---@return moonwatch.kind
function slack(fields) end

---a message to a topic, a phone or an application by Amazon SNS
---@class moonwatch.kind.sns
---@field topic_arn? string topic; one whose name ends in .fifo gets one message group per group of alerts
---@field phone_number? string or a phone, +351..., by SMS
---@field target_arn? string or the endpoint of an application
---@field region? string default: that of the ARN, else the environment variable AWS_REGION
---@field access_key? string|moonwatch.secret default: AWS_ACCESS_KEY_ID of the environment (roles are not asked for)
---@field secret_key? string|moonwatch.secret default: AWS_SECRET_ACCESS_KEY
---@field session_token? string|moonwatch.secret of keys that are valid for a time; default with the keys of the environment: AWS_SESSION_TOKEN
---@field url? string address of the service; default https://sns.REGION.amazonaws.com/
---@field subject? string subject, for those who get mail; at most 100 characters of ASCII
---@field message? string the message, in place of ours; cut at 256 KB, for a phone at 1600 characters
---@field attributes? table<string, string|number|moonwatch.secret> attributes of the message, for filters of subscriptions; texts may hold ${labels.NAME}, ${status}
---@field timeout? moonwatch.duration longest time one try may take
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a message to a topic, a phone or an application by Amazon SNS
---@param fields moonwatch.kind.sns
---@return moonwatch.kind
function sns(fields) end

---a card in a channel of Microsoft Teams
---@class moonwatch.kind.teams
---@field url string|moonwatch.secret address of a workflow that begins with "When a Teams webhook request is received"
---@field title? string first line; default how many alerts fire and their names
---@field text? string the message: said for each alert if it names something of an alert, else once; default its description, or summary
---@field fields? moonwatch.kind.discord.fields[] facts of each alert in the place of severity, value, threshold and time
---@field max_alerts? integer at most so many alerts in one message; the others are counted
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a card in a channel of Microsoft Teams
---@param fields moonwatch.kind.teams
---@return moonwatch.kind
function teams(fields) end

---a message in a Telegram chat; at most 4096 characters
---@class moonwatch.kind.telegram
---@field token string|moonwatch.secret token of the bot
---@field chat_id string|number number of the chat, or @name of a channel
---@field message_thread_id? integer number of a topic
---@field parse_mode? "HTML"|"MarkdownV2"|"Markdown"|"none" markup of the message, in which title and text are written; what is filled in is escaped
---@field disable_notification? boolean no sound
---@field url? string address of the Bot API
---@field title? string first line; default how many alerts fire and their names
---@field text? string the message: said for each alert if it names something of an alert, else once; default its description, or summary
---@field fields? moonwatch.kind.discord.fields[] facts of each alert in the place of severity, value, threshold and time
---@field max_alerts? integer at most so many alerts in one message; the others are counted
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a message in a Telegram chat; at most 4096 characters
---@param fields moonwatch.kind.telegram
---@return moonwatch.kind
function telegram(fields) end

---an incident at Splunk On-Call (VictorOps)
---@class moonwatch.kind.victorops
---@field api_key string|moonwatch.secret key of the REST endpoint
---@field routing_key string routing key
---@field url? string address of the REST endpoint, without the keys
---@field message_type? string CRITICAL, WARNING or INFO while it fires; default: from the gravest severity
---@field entity_display_name? string first line
---@field state_message? string the text, cut at 20480 characters; default: all alerts
---@field monitoring_tool? string who says so
---@field custom_fields? table<string, string|number|moonwatch.secret> further fields
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---an incident at Splunk On-Call (VictorOps)
---@param fields moonwatch.kind.victorops
---@return moonwatch.kind
function victorops(fields) end

---a message in a room of Webex; at most 7439 bytes
---@class moonwatch.kind.webex
---@field token string|moonwatch.secret access token of the bot
---@field room_id? string number of the room
---@field person? string mail address of a person
---@field url? string address of the API
---@field title? string first line; default how many alerts fire and their names
---@field text? string the message: said for each alert if it names something of an alert, else once; default its description, or summary
---@field fields? moonwatch.kind.discord.fields[] facts of each alert in the place of severity, value, threshold and time
---@field max_alerts? integer at most so many alerts in one message; the others are counted
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---a message in a room of Webex; at most 7439 bytes
---@param fields moonwatch.kind.webex
---@return moonwatch.kind
function webex(fields) end

---the Alertmanager webhook body (version 4), posted as JSON, or a body of your own
---@class moonwatch.kind.webhook
---@field url string|moonwatch.secret address; ${group_labels.NAME} and its like are escaped in it
---@field method? "POST"|"PUT"|"PATCH" request method
---@field headers? table<string, string|number|moonwatch.secret> request headers
---@field bearer? string|moonwatch.secret token; short for auth = { bearer = ... }
---@field auth? moonwatch.kind.alertmanager.auth how to sign in
---@field body? any what is sent in place of Alertmanager's body: a text or a table (sent as JSON), or function(n): a text or a table
---@field timeout? moonwatch.duration longest time one try may take; 10s, or below compat as long as a flush of Alertmanager
---@field max_alerts? integer at most so many alerts in one message
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field proxy? string|moonwatch.secret proxy that is asked to pass the request on: http://user:password@host:port, also https:// and socks5h://; those of the environment are not used
---@field send_resolved? boolean tell the end too; default that of the receiver

---the Alertmanager webhook body (version 4), posted as JSON, or a body of your own
---@param fields moonwatch.kind.webhook
---@return moonwatch.kind
function webhook(fields) end

---acknowledging from outside: links in messages, buttons in Slack, PagerDuty
---@class moonwatch.settings.ack
---@field links? boolean messages carry links that acknowledge and silence; needs external_url
---@field valid? moonwatch.duration how long such a link works; it works once
---@field secret? string|moonwatch.secret what signs the links; default: a key made at the first start and shared by the nodes
---@field slack? string|moonwatch.secret|any signing secret of the Slack app that posts its buttons to /api/mw/v1/slack/actions
---@field pagerduty? string|moonwatch.secret|any secret of the V3 webhook that posts to /api/mw/v1/pagerduty/webhook; a list while it changes

---the oldest leaves beyond this; a number is the budget of metrics
---@class moonwatch.settings.retention.bytes
---@field metrics? number|string samples on disk
---@field logs? number|string log records, in place of limits.logs_bytes
---@field traces? number|string spans, in place of limits.traces_bytes

---series, streams of logs, or traces, that are kept for another time than the rest; the first row of their signal that matches counts
---@class moonwatch.settings.retention.item
---@field match moonwatch.selector which series, streams of logs, or traces: those with a span of that service, name, kind, status, scope, or attribute (_ stands for . and -)
---@field keep moonwatch.duration how long their samples, records or spans are kept
---@field of? "metrics"|"logs"|"traces" of which signal

---how long signals are kept
---@class moonwatch.settings.retention
---@field metrics? moonwatch.duration samples
---@field logs? moonwatch.duration log records
---@field traces? moonwatch.duration spans
---@field audit? moonwatch.duration entries of the audit chain; they leave a segment at a time, and an entry says so
---@field bytes? number|string|moonwatch.settings.retention.bytes the oldest leaves beyond this; a number is the budget of metrics
---@field [integer] moonwatch.settings.retention.item

---how PromQL is read
---@class moonwatch.settings.promql
---@field ranges? "left-open"|"closed" does [5m] include a sample exactly 5m old
---@field drop_names? "at-once"|"at-end" when rate(x) is no longer called x: at once, or after the whole query; with closed ranges always at once
---@field lookback? moonwatch.duration how long a sample stays the current one
---@field default_step? moonwatch.duration step of subqueries that name none

---what one request or rule may use
---@class moonwatch.settings.limits
---@field body? number|string largest request body
---@field in_flight? number|string request bodies being received or handled, together; beyond it 429
---@field memory? number|string samples and series in memory
---@field exemplars? integer exemplars in memory
---@field labels? integer labels of one series; 64 unless set
---@field label_bytes? number|string a label name or value; 4096 unless set
---@field series? integer series in memory
---@field logs_bytes? number|string log records in memory
---@field traces_bytes? number|string spans in memory
---@field queries? integer queries at a time
---@field query_samples? integer samples one query may touch
---@field query_bytes? number|string memory one query may use
---@field read_samples? integer samples in one answer of remote read that is not a stream
---@field query_timeout? moonwatch.duration time one query may take
---@field rule_seconds? moonwatch.duration processor time of one call of a function of a rule, in all its slices
---@field rule_instructions? integer Lua instructions of one call
---@field rule_memory? number|string memory of one rule file
---@field rule_query_samples? integer samples that the queries of one evaluation of a rule may read
---@field rule_query_seconds? moonwatch.duration time that the queries of one evaluation may take
---@field silences? integer silences, with those that ended and are still shown
---@field silence_bytes? number|string size of one silence
---@field rule_emissions? integer alerts, samples, log lines and measurements of one evaluation

---silences of alerts
---@class moonwatch.settings.silence
---@field retention? moonwatch.duration one that ended is shown for so long
---@field remind? moonwatch.duration so long before the end of a silence somebody is told, if alerts still fire behind it
---@field to? string name of the receiver that is told; default those of the alerts

---the history of messages
---@class moonwatch.settings.notifications
---@field keep? integer so many are kept, the last 200 of them over a restart
---@field retention? moonwatch.duration and none for longer than this

---what is on it, in this order
---@class moonwatch.settings.status_page.groups
---@field name string title of the group
---@field checks string|string[] names of checks; `display` of a check is what it is called there

---a page for the public at /status; there is none unless this says what is on it
---@class moonwatch.settings.status_page
---@field title? string its title
---@field description? string a sentence below it
---@field groups moonwatch.settings.status_page.groups[] what is on it, in this order
---@field show_messages? boolean show what probes say, which may tell of addresses inside
---@field show_authors? boolean show who wrote in an incident
---@field automatic? boolean a failing critical check opens an incident, and closes it when it is well again

---moonwatch's own log
---@class moonwatch.settings.log
---@field level? "debug"|"info"|"warn"|"error" least level written
---@field format? "text"|"json" one line of text or of JSON

---What the server listens on, where it keeps data and what it limits itself to. Only the root file may use it.
---@class moonwatch.settings
---@field listen? string|string[] address and port, or several
---@field data? string folder for everything that must survive
---@field node? string name of this node; default the host name and process id
---@field redis? string|moonwatch.secret address of Redis, redis://host:port; nodes with the same cluster name share through it
---@field cluster? string name of the cluster inside Redis
---@field external_url? string address people reach this server at; links in notifications start with it
---@field resolve_timeout? moonwatch.duration an alert posted without an end resolves after this long without being posted again
---@field ack? moonwatch.settings.ack acknowledging from outside: links in messages, buttons in Slack, PagerDuty
---@field programs? string|string[] folders whose programs receivers (exec{...}) and checks may run; none unless named here. Read when the server starts
---@field processes? string|string[] names of programs whose processes are watched, as namedprocess_namegroup_*: their name, or the last part of their first argument
---@field external_labels? table<string, string|number> added to alerts when they are sent, and to series that another Prometheus reads here
---@field query_offset? moonwatch.duration rules look at the time so long ago, for data that arrives late
---@field cors? string origins whose pages may read the API, a regular expression: "https://grafana[.]example"; "" for none
---@field retention? moonwatch.settings.retention how long signals are kept
---@field out_of_order? moonwatch.duration|string how late a sample may come; "all" for any
---@field durability? moonwatch.duration|"always" a loss of power may take the samples of the last so long, a crash of moonwatch takes none; "always": nothing that was accepted
---@field promql? moonwatch.settings.promql how PromQL is read
---@field strict? boolean true: one bad file refuses the whole load; false: only the bad files are left out
---@field limits? moonwatch.settings.limits what one request or rule may use
---@field silence? moonwatch.settings.silence silences of alerts
---@field notifications? moonwatch.settings.notifications the history of messages
---@field status_page? moonwatch.settings.status_page a page for the public at /status; there is none unless this says what is on it
---@field log? moonwatch.settings.log moonwatch's own log

---What the server listens on, where it keeps data and what it limits itself to. Only the root file may use it.
---@param fields moonwatch.settings
function settings(fields) end

---Loads every file that matches the pattern, relative to the root file.
---@param text string
function include(text) end

---addresses, "host:port" each; or tables { targets = {...}, labels = {...} }
---@class moonwatch.scrape.targets
---@field targets string|string[] addresses
---@field labels? table<string, string|number> of these targets, over those of the job

---targets by DNS, or several such tables; targets have the labels __meta_dns_name, __meta_dns_srv_record_target, __meta_dns_srv_record_port, __meta_dns_mx_record_target, __meta_dns_ns_record_target
---@class moonwatch.scrape.dns
---@field name string|string[] names to ask for
---@field type? "SRV"|"A"|"AAAA"|"MX"|"NS" kind of record
---@field port? integer port of the targets; SRV records tell it themselves
---@field every? moonwatch.duration time between questions
---@field servers? string|string[] name servers to ask, "10.0.0.2" or "10.0.0.2:8600"; default those of the system

---how to sign in
---@class moonwatch.scrape.http.auth
---@field bearer? string|moonwatch.secret token
---@field user? string name for basic authentication
---@field password? string|moonwatch.secret its password

---targets from an HTTP endpoint that gives what a JSON file would hold, or several such tables; targets have the label __meta_url
---@class moonwatch.scrape.http
---@field url string|moonwatch.secret address of the list
---@field every? moonwatch.duration time between questions
---@field headers? table<string, string|number|moonwatch.secret> request headers
---@field auth? moonwatch.scrape.http.auth how to sign in
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https

---Fetches metrics from targets. The name becomes the label `job`, the address the label `instance`. Targets are written here, listed in files that are watched, or asked for at name servers and HTTP endpoints; a source that fails keeps those it told of last. `relabel` and `keep` are asked once about each target and each series, and their answer is remembered until their file changes: they must not depend on anything else.
---@class moonwatch.scrape
---@field targets? string|string[]|moonwatch.scrape.targets[] addresses, "host:port" each; or tables { targets = {...}, labels = {...} }
---@field files? string|string[] JSON or YAML (.yml, .yaml) files of targets, watched: [{"targets": [...], "labels": {...}}]
---@field dns? moonwatch.scrape.dns[]|moonwatch.scrape.dns targets by DNS, or several such tables; targets have the labels __meta_dns_name, __meta_dns_srv_record_target, __meta_dns_srv_record_port, __meta_dns_mx_record_target, __meta_dns_ns_record_target
---@field http? moonwatch.scrape.http[]|moonwatch.scrape.http targets from an HTTP endpoint that gives what a JSON file would hold, or several such tables; targets have the label __meta_url
---@field every? moonwatch.duration time between scrapes
---@field timeout? moonwatch.duration longest time one scrape may take; never more than `every`
---@field path? string path of the address
---@field scheme? "http"|"https" http or https
---@field params? table<string, string|number|(string|number)[]> query parameters
---@field headers? table<string, string|number|moonwatch.secret> request headers
---@field auth? moonwatch.scrape.http.auth how to sign in
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https
---@field labels? table<string, string|number> added to every sample
---@field honor_labels? boolean labels of the target win over ours
---@field honor_timestamps? boolean samples have the times that the target gives them, if it does; false: all have that of the scrape
---@field track_timestamps_staleness? boolean series with times of the target end when it leaves them out, as others do
---@field target_limit? integer with more targets than this, after relabelling, every scrape of the job fails
---@field sample_limit? integer a scrape with more samples, after `drop`, `only` and `keep`, fails
---@field label_limit? integer a scrape with a series of more labels, ours included, fails
---@field label_value_limit? number|string a scrape with a longer label value fails
---@field body_limit? number|string a scrape with a larger body fails
---@field relabel? (fun(target: moonwatch.target): moonwatch.target?) function(target): gives the target back, changed, or nil to leave it out; targets have address, labels (all of them, __meta_* and __param_* too), path, scheme, params; labels that begin with __ are removed afterwards; a target for which it fails is left out
---@field drop? any series that are not stored
---@field only? any of the series that `drop` leaves, those that are stored
---@field keep? (fun(sample: moonwatch.row): any) function(sample): gives the sample back, changed, or nil not to store it; samples have name and labels, no value: it is asked once about each series, not about each sample; when it fails, so does the scrape, and nothing of it is stored

---Fetches metrics from targets. The name becomes the label `job`, the address the label `instance`. Targets are written here, listed in files that are watched, or asked for at name servers and HTTP endpoints; a source that fails keeps those it told of last. `relabel` and `keep` are asked once about each target and each series, and their answer is remembered until their file changes: they must not depend on anything else.
---@param name string
---@return fun(fields: moonwatch.scrape)
function scrape(name) end

---what one evaluation may use, where that is less than settings.limits says
---@class moonwatch.record.budget
---@field query_samples? integer samples that all its queries may read
---@field query_seconds? moonwatch.duration time that all its queries may take
---@field emissions? integer alerts fired, samples recorded, log lines and measurements

---Evaluates an expression again and again and stores the answer as series with this name. Rules of one file with the same `every` are a group: they run in their order, all at one moment, so that a rule sees what one above it has just written. A series that the expression no longer gives, or whose rule is gone, ends with a stale marker.
---@class moonwatch.record
---@field expr moonwatch.expr PromQL
---@field every? moonwatch.duration time between evaluations
---@field labels? table<string, string|number> added to each series; several records may share a name when these differ
---@field limit? integer the rule fails, and nothing is written, when it gives more series than this
---@field shadow? boolean evaluate it silently beside the live rule of this name and these labels, and show the difference: `moonwatch shadow`, `moonwatch promote`
---@field group? string rules of one group of a file run one after the other at one moment; default the file's name
---@field budget? moonwatch.record.budget what one evaluation may use, where that is less than settings.limits says
---@field variant? string tells apart what has the same name and the same labels, as rules of Prometheus may; any text
---@field query_offset? moonwatch.duration look at the time so long ago, and write there; default that of settings

---Evaluates an expression again and again and stores the answer as series with this name. Rules of one file with the same `every` are a group: they run in their order, all at one moment, so that a rule sees what one above it has just written. A series that the expression no longer gives, or whose rule is gone, ends with a stale marker.
---@param name string
---@return fun(fields: moonwatch.record)
function record(name) end

---active while the value is not what it was in the same hour of the last weeks: median and median deviation of what was stored
---@class moonwatch.alert.baseline
---@field weeks? integer how many weeks back
---@field deviations? number|table<string, number> active when the value is further away than so many deviations; or severities, as in `above`
---@field clear? number|table<string, number> active until it is nearer than so many deviations
---@field direction? "above"|"below"|"both" on which side of the expected value
---@field min_weeks? integer weeks of history that a series must have; with fewer it is not judged
---@field at_least? number a distance smaller than this never counts, however many deviations it is
---@field zone? string IANA name of the time zone whose hours are compared

---damps an alert that fires and ends again and again
---@class moonwatch.alert.flap
---@field changes? integer so many changes between firing and not firing, the last of them to firing, and it flaps
---@field within? moonwatch.duration the time in which changes are counted
---@field calm? integer it is calm when at most so many changes are left in that time; default half of `changes`

---traces to look for
---@class moonwatch.alert.evidence.traces
---@field service? (string|fun(alert: moonwatch.alert_view): string?) service of a span
---@field name? (string|fun(alert: moonwatch.alert_view): string?) name of a span
---@field min? moonwatch.duration only traces at least so long
---@field errors? boolean only traces with errors
---@field slowest? boolean the slowest first, not the newest
---@field most? integer at most so many

---log lines and traces to take along when it fires; false: not even samples
---@class moonwatch.alert.evidence
---@field logs? (string|fun(alert: moonwatch.alert_view): string?) selector of log lines: '{app="${labels.app}"}'
---@field contains? (string|fun(alert: moonwatch.alert_view): string?) lines that contain this
---@field level? string lines of this level or worse
---@field lines? integer at most so many, the newest
---@field traces? moonwatch.alert.evidence.traces traces to look for
---@field since? moonwatch.duration how far back logs and traces are looked for

---what one evaluation may use, where that is less than settings.limits says
---@class moonwatch.alert.budget
---@field seconds? moonwatch.duration processor time of one call of a function
---@field instructions? integer Lua instructions of one call of a function
---@field memory? number|string memory of the rule's file while one of its functions runs
---@field query_samples? integer samples that all its queries may read
---@field query_seconds? moonwatch.duration time that all its queries may take
---@field emissions? integer alerts fired, samples recorded, log lines and measurements

---A condition that becomes pending, then firing, then resolved. Every sample that `expr` gives back is an active alert with its own labels; with `above` or `below` the expression is the value and moonwatch compares. Alerts stand in the group of their file with the records, in their order.
---@class moonwatch.alert
---@field expr? moonwatch.expr PromQL; each sample of the answer is an active alert
---@field when? (fun(ctx: moonwatch.ctx): any) function(ctx): a true answer, a number or ctx:fire{labels=, value=} makes alerts
---@field above? number|moonwatch.expr|table<string, number> active while the value is greater than this: a number; another series, found by the labels both have; or a number for each severity
---@field below? number|moonwatch.expr|table<string, number> active while the value is less than this, likewise
---@field clear_below? number|table<string, number> with `above`: once active, it stays so until the value is less than this; with severities for the mildest, or for each
---@field clear_above? number|table<string, number> with `below`: once active, it stays so until the value is greater than this
---@field baseline? moonwatch.alert.baseline active while the value is not what it was in the same hour of the last weeks: median and median deviation of what was stored
---@field every? moonwatch.duration time between evaluations
---@field hold? moonwatch.duration|table<integer|string, integer> how long the condition must be true before the alert fires; or in how many of the last evaluations
---@field keep? moonwatch.duration how long the alert goes on firing after the condition became false
---@field flap? moonwatch.alert.flap damps an alert that fires and ends again and again
---@field absent? "resolve"|"keep"|"fire" what a series without a value means; default resolve
---@field absent_for? moonwatch.duration with absent = "fire": how long a series that is gone is missed; default 1d
---@field on_error? "keep"|"fire"|"resolve" when it cannot be evaluated: alerts stay as they are, or stay and one more says why (its annotation `error`), or end as if there was nothing to see
---@field severity? string becomes the label `severity`; default warning; "": the alert has the one of its series or `labels`, if any
---@field labels? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) added to the labels of each alert; several may share a name when these or the severity differ
---@field annotations? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) further texts, sent along
---@field summary? (string|fun(alert: moonwatch.alert_view): string?) one line for a person
---@field description? (string|fun(alert: moonwatch.alert_view): string?) the longer text
---@field runbook? (string|fun(alert: moonwatch.alert_view): string?) address of what to do; sent as the annotation runbook_url
---@field unless? moonwatch.expr|(fun(...): any) samples of this expression remove alerts that agree with them on every label both have; a function removes the alerts for which it answers true
---@field depends_on? string|string[] alerts or checks; while one of them is firing or failing, no new alert of this rule starts
---@field limit? integer at most so many alerts at once, the worst of them; one more, with the label limit="exceeded", tells how many are left out
---@field evidence? boolean|moonwatch.alert.evidence log lines and traces to take along when it fires; false: not even samples
---@field version? integer of what it keeps in ctx.state; when it changes, `migrate` is asked, and without one the state is dropped
---@field migrate? (fun(old: any, version: any): any) function(old, version): the ctx.state of this version from that of another one, or of the rule in `migrate_from`
---@field migrate_from? string the name that this rule had: it takes over from it, once, while there is no such rule any more
---@field shadow? boolean evaluate it silently beside the live rule of this name and these labels, and show the difference: `moonwatch shadow`, `moonwatch promote`
---@field budget? moonwatch.alert.budget what one evaluation may use, where that is less than settings.limits says
---@field group? string rules of one group of a file run one after the other at one moment; default the file's name
---@field variant? string tells apart what has the same name and the same labels, as rules of Prometheus may; any text
---@field query_offset? moonwatch.duration evaluate `expr` as of so long ago, for data that arrives late; default that of settings

---A condition that becomes pending, then firing, then resolved. Every sample that `expr` gives back is an active alert with its own labels; with `above` or `below` the expression is the value and moonwatch compares. Alerts stand in the group of their file with the records, in their order.
---@param name string
---@return fun(fields: moonwatch.alert)
function alert(name) end

---log lines that it writes
---@class moonwatch.expect.logs
---@field selector moonwatch.selector selector of log lines: '{app="backup"}'
---@field contains? string lines that contain this
---@field level? string lines of this level or worse

---a span of it
---@class moonwatch.expect.span
---@field service? string service of the span
---@field name? string name of the span

---Something that has to arrive: a backup by three, a heartbeat every minute. While it has not arrived an alert of this name fires; it resolves when it comes late. What proves it is one of `timestamp`, `counter`, `expr`, `logs` and `span`, or, with none of them, a POST to /api/mw/v1/expect/NAME, which counts in any case. When it was last seen is the series expect_last_seen_timestamp_seconds.
---@class moonwatch.expect
---@field by? string|string[] time of the day by which it must have come: "03:00"; or several
---@field days? string|string[] days of the week on which it must come: "mon-fri"
---@field dates? string|string[] dates, or days of the month: "1", "-1", "2026-12-24"
---@field months? string|string[] "jan-mar" or numbers
---@field zone? string IANA name of the time zone of these times; default UTC
---@field every? moonwatch.duration it must come at least so often
---@field grace? moonwatch.duration how late it may be
---@field timestamp? moonwatch.expr PromQL whose value is the time of the last event, in unix seconds; each series is expected by itself
---@field counter? moonwatch.expr PromQL whose value goes up with each event
---@field expr? moonwatch.expr PromQL that gives something while or just after it happens
---@field logs? moonwatch.expect.logs log lines that it writes
---@field span? moonwatch.expect.span a span of it
---@field on_error? "keep"|"fire"|"resolve" when it cannot be evaluated: alerts stay as they are, or stay and one more says why (its annotation `error`), or end as if there was nothing to see
---@field severity? string becomes the label `severity`
---@field labels? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) added to the labels of each alert; several may share a name when these or the severity differ
---@field annotations? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) further texts, sent along
---@field summary? (string|fun(alert: moonwatch.alert_view): string?) one line for a person
---@field description? (string|fun(alert: moonwatch.alert_view): string?) the longer text
---@field runbook? (string|fun(alert: moonwatch.alert_view): string?) address of what to do; sent as the annotation runbook_url
---@field depends_on? string|string[] alerts or checks; while one of them is firing or failing, no new alert of this rule starts
---@field group? string rules of one group of a file run one after the other at one moment; default the file's name
---@field migrate_from? string the name that this rule had: it takes over from it, once, while there is no such rule any more

---Something that has to arrive: a backup by three, a heartbeat every minute. While it has not arrived an alert of this name fires; it resolves when it comes late. What proves it is one of `timestamp`, `counter`, `expr`, `logs` and `span`, or, with none of them, a POST to /api/mw/v1/expect/NAME, which counts in any case. When it was last seen is the series expect_last_seen_timestamp_seconds.
---@param name string
---@return fun(fields: moonwatch.expect)
function expect(name) end

---good means faster than
---@class moonwatch.slo.latency
---@field metric string classic or native histogram, with or without matchers: http_request_duration_seconds{job="web"}
---@field under moonwatch.duration the bound; between two buckets the number of faster ones is interpolated, which the notes of the SLO say
---@field quantile? number 0.95: that share of the requests must be under the bound; takes the place of objective

---those that are good
---@class moonwatch.slo.logs.good
---@field selector? moonwatch.selector streams, {job="web"}
---@field contains? string the message contains this
---@field level? string records of this level or a worse one

---those that are bad
---@class moonwatch.slo.logs.bad
---@field selector? moonwatch.selector streams, {job="web"}
---@field contains? string the message contains this
---@field level? string records of this level or a worse one

---all that count
---@class moonwatch.slo.logs.total
---@field selector? moonwatch.selector streams, {job="web"}
---@field contains? string the message contains this
---@field level? string records of this level or a worse one

---log records
---@class moonwatch.slo.logs
---@field good? moonwatch.slo.logs.good those that are good
---@field bad? moonwatch.slo.logs.bad those that are bad
---@field total? moonwatch.slo.logs.total all that count

---spans: those of one service, or of one name in it
---@class moonwatch.slo.spans
---@field service string service
---@field name? string name of the span
---@field tags? table<string, string|number|moonwatch.secret> attributes that it has
---@field errors? boolean with an error status it is bad
---@field under? moonwatch.duration longer than this it is bad

---made of other SLOs: their events are added up, or with weights their ratios
---@class moonwatch.slo.of
---@field slo string name of an SLO that counts events
---@field weight? number how much its ratio counts

---count slices of time in the place of events: one is good when enough of its events are
---@class moonwatch.slo.timeslice
---@field length? moonwatch.duration of a slice
---@field target number share of its events that must be good

---what it means when there are no events
---@class moonwatch.slo.no_data
---@field policy? "ok"|"burn"|"hold"|"alert" ok: nothing happened; burn: as many as usual were bad; hold: burn rates and alerts stay as they are; alert: SLONoData fires
---@field after? moonwatch.duration so long without an event
---@field severity? string of SLONoData

---true: page at burn rates 14.4 and 6, ticket at 3 and 1, scaled to the window; or a list of your own
---@class moonwatch.slo.alerts
---@field burn number budget spent so many times too fast
---@field long moonwatch.duration long window
---@field short moonwatch.duration short window
---@field hold? moonwatch.duration so long before it fires; such an alert has a label `burn_window`
---@field severity? string label `severity` of the alert

---the alert of severity page; false: none
---@class moonwatch.slo.alerting.page
---@field labels? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) added to it; `severity` among them takes the place of page
---@field annotations? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) texts of its own

---the alert of severity ticket; false: none
---@class moonwatch.slo.alerting.ticket
---@field labels? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) added to it; `severity` among them takes the place of ticket
---@field annotations? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) texts of its own

---what the burn alerts are called and say
---@class moonwatch.slo.alerting
---@field name? string label `alertname` of them
---@field labels? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) added to them
---@field annotations? (table<string, string|number|fun(alert: moonwatch.alert_view): string?>) further texts, sent along
---@field page? boolean|moonwatch.slo.alerting.page the alert of severity page; false: none
---@field ticket? boolean|moonwatch.slo.alerting.ticket the alert of severity ticket; false: none

---what one evaluation may use, where that is less than settings.limits says
---@class moonwatch.slo.budget
---@field query_samples? integer samples that all its queries may read
---@field query_seconds? moonwatch.duration time that all its queries may take

---A service level objective. Give the counters of good (or bad) and all events, a latency histogram, a check, log records, spans or other SLOs. Where only a ratio is known, give that. moonwatch counts events as they come, stores slo_error_budget_remaining and slo:sli_error:ratio_rate<window> (docs/slo.md has all series), and alerts when the budget burns too fast.
---@class moonwatch.slo
---@field good? moonwatch.expr counter of good events: a selector, or an expression with $window in the place of the range
---@field bad? moonwatch.expr counter of bad events, likewise
---@field total? moonwatch.expr counter of all events, likewise
---@field ratio? any share of bad events, 0 to 1: an expression with $window in the place of the range
---@field latency? moonwatch.slo.latency good means faster than
---@field check? string name of a check: each of its probes is an event
---@field logs? moonwatch.slo.logs log records
---@field spans? moonwatch.slo.spans spans: those of one service, or of one name in it
---@field of? moonwatch.slo.of[] made of other SLOs: their events are added up, or with weights their ratios
---@field objective? number 0.999 or 99.9; must be said unless latency.quantile does
---@field window? moonwatch.duration rolling window of the budget; 30d unless there is a calendar
---@field calendar? "week"|"month"|"quarter"|"year" the budget is that of this week, month, quarter or year, whole again when the next begins
---@field zone? string IANA name of the time zone of the calendar; UTC unless said
---@field timeslice? moonwatch.slo.timeslice count slices of time in the place of events: one is good when enough of its events are
---@field by? string|string[] labels whose values are counted apart, to see which of them spent the budget
---@field labels? table<string, string|number> added to the series and alerts; `service` names the service
---@field no_data? moonwatch.slo.no_data|string what it means when there are no events
---@field maintenance? string|string[] names of windows whose times never count
---@field alerts? boolean|moonwatch.slo.alerts[] true: page at burn rates 14.4 and 6, ticket at 3 and 1, scaled to the window; or a list of your own
---@field alerting? moonwatch.slo.alerting what the burn alerts are called and say
---@field min_events? integer burn alerts stay silent with fewer events in the long window
---@field budget? moonwatch.slo.budget what one evaluation may use, where that is less than settings.limits says
---@field summary? (string|fun(alert: moonwatch.alert_view): string?) one line for a person, on the burn alerts
---@field runbook? (string|fun(alert: moonwatch.alert_view): string?) address of what to do

---A service level objective. Give the counters of good (or bad) and all events, a latency histogram, a check, log records, spans or other SLOs. Where only a ratio is known, give that. moonwatch counts events as they come, stores slo_error_budget_remaining and slo:sli_error:ratio_rate<window> (docs/slo.md has all series), and alerts when the budget burns too fast.
---@param name string
---@return fun(fields: moonwatch.slo)
function slo(name) end

---how to sign in
---@class moonwatch.check.http.auth
---@field bearer? string|moonwatch.secret token
---@field user? string name for basic authentication
---@field password? string|moonwatch.secret its password

---what a healthy answer looks like
---@class moonwatch.check.http.expect
---@field status? integer|string|(integer|string)[] a status, a list, "2xx" or "200-299"
---@field body? string|string[] the body must contain this, or each of these
---@field body_not? string|string[] the body must contain none of these
---@field body_matches? string a regular expression that the body must match somewhere
---@field body_matches_not? string one that it must match nowhere
---@field headers? table<string, string> headers and regular expressions that they must match: { ["content-type"] = "json" }
---@field headers_not? string|string[] headers that must not be there
---@field json? (fun(document: any): any)|table<string, string|number|boolean|table> function(document): true when it is well; a second value says why not. Or paths and what must be there: { ["db.state"] = "up", ["queue[0].length"] = { below = 100 } }; above, below, matches, length, exists

---an address, or a table
---@class moonwatch.check.http
---@field url string address
---@field method? string request method
---@field headers? table<string, string|number|moonwatch.secret> request headers
---@field body? string request body
---@field auth? moonwatch.check.http.auth how to sign in
---@field follow? boolean follow redirects
---@field redirects? integer with `follow`: more of them are a failure; at most 50
---@field max_body? number|string a longer answer is a failure; at most 64MB
---@field ip? "4"|"6" only this version of IP; default whichever the name has
---@field certificate_within? moonwatch.duration the check fails when a certificate that is shown ends within so long
---@field tls_at_least? "1.0"|"1.1"|"1.2"|"1.3" the check fails with an older version of TLS
---@field expect? moonwatch.check.http.expect what a healthy answer looks like
---@field tls? moonwatch.kind.alertmanager.tls certificates, for https

---a talk of several such steps, one after the other; what was heard behind a step is there for the next
---@class moonwatch.check.tcp.steps
---@field send? string text to send
---@field expect? string the answer must contain this
---@field matches? string a regular expression that what comes must match somewhere
---@field starttls? boolean TLS begins, before anything is sent

---"host:port", or a table
---@class moonwatch.check.tcp
---@field address string "host:port"
---@field send? string text to send
---@field expect? string the answer must contain this
---@field matches? string a regular expression that what comes must match somewhere
---@field steps? moonwatch.check.tcp.steps[] a talk of several such steps, one after the other; what was heard behind a step is there for the next
---@field tls? moonwatch.kind.alertmanager.tls|boolean TLS from the beginning, or from the step with `starttls`; true, or certificates
---@field ip? "4"|"6" only this version of IP; default whichever the name has
---@field certificate_within? moonwatch.duration the check fails when a certificate that is shown ends within so long
---@field tls_at_least? "1.0"|"1.1"|"1.2"|"1.3" the check fails with an older version of TLS

---what a healthy answer looks like
---@class moonwatch.check.dns.expect
---@field rcode? string|string[] response codes, such as "NXDOMAIN"
---@field answers? string|string[] these must be among the answers: "10.0.0.1", for MX "10 mail.example.org"; names may end with a dot
---@field only? boolean and nothing else
---@field matches? string a regular expression that each answer must match somewhere
---@field least? integer so many answers of the type; default 1, or none where `answers` or another rcode is expected
---@field ttl_least? moonwatch.duration the shortest time to live of them
---@field ttl_most? moonwatch.duration the longest that their shortest may be
---@field authoritative? boolean the server must answer for the zone itself

---a name that must resolve, or a table
---@class moonwatch.check.dns
---@field name string the name to ask for
---@field type? "A"|"AAAA"|"CNAME"|"MX"|"NS"|"PTR"|"SOA"|"SRV"|"TXT"|"CAA"|"DS"|"DNSKEY"|"TLSA"|"HTTPS" the type of records
---@field server? string name server, host or host:port; default those of this machine
---@field protocol? "udp"|"tcp" udp (tcp when the answer is too long for it) or tcp
---@field recursion? boolean ask the server to ask others
---@field ip? "4"|"6" only this version of IP; default whichever the name has
---@field expect? moonwatch.check.dns.expect what a healthy answer looks like

---"host:port" of any server that speaks TLS, or a table
---@class moonwatch.check.tls
---@field address string "host:port"
---@field ca? string file (PEM) with the certificates of those who may sign that of the server; default those of the system. These files are read for each new connection
---@field cert? string file (PEM) with our certificate, for a server that asks for one
---@field key? string file (PEM) with its key
---@field server_name? string name that the server is asked for, and that its certificate must have; default that of the address
---@field insecure? boolean accept any certificate
---@field names? string|string[] the certificate must be for each of these names
---@field starttls? "smtp"|"imap"|"pop3"|"ftp"|"postgres" the protocol begins in plain text and turns to TLS
---@field certificate_within? moonwatch.duration the check fails when a certificate that is shown ends within so long
---@field tls_at_least? "1.0"|"1.1"|"1.2"|"1.3" the check fails with an older version of TLS
---@field ip? "4"|"6" only this version of IP; default whichever the name has

---a host that must answer pings, or a table. The system must permit it: by net.ipv4.ping_group_range or CAP_NET_RAW
---@class moonwatch.check.icmp
---@field host string name or address
---@field ip? "4"|"6" only this version of IP; default whichever the name has
---@field size? number bytes of data in the packet, at most 65000

---an address redis://host:port, or a table
---@class moonwatch.check.redis
---@field url string|moonwatch.secret address redis://host:port; PING must answer
---@field role? "master"|"replica" it must be this
---@field link? boolean a replica whose link to its master is down fails
---@field replicas? integer at least so many replicas must be online
---@field lag_above? moonwatch.duration the check fails when a replica has not heard of its master for longer; of a master: the last of its replicas
---@field memory_above? number the check fails when more than this share of maxmemory is in use
---@field clients_above? number the check fails when more than this share of maxclients is connected

---a libpq connection text, or a table
---@class moonwatch.check.postgres
---@field dsn string|moonwatch.secret libpq connection text; SELECT 1 must answer, pool figures are kept
---@field role? "primary"|"replica" it must be this
---@field replicas? integer at least so many replicas must be streaming
---@field lag_above? moonwatch.duration the check fails when a replica replays what is older; of a primary: the last of its replicas. Needs the role pg_monitor there
---@field connections_above? number the check fails when more than this share of max_connections is in use

---"host:port" of a server that speaks grpc.health.v1, or a table
---@class moonwatch.check.grpc
---@field address string "host:port"
---@field service? string name of the service; default the server as a whole
---@field tls? moonwatch.kind.alertmanager.tls|boolean TLS: true, or certificates
---@field ip? "4"|"6" only this version of IP; default whichever the name has
---@field certificate_within? moonwatch.duration the check fails when a certificate that is shown ends within so long
---@field tls_at_least? "1.0"|"1.1"|"1.2"|"1.3" the check fails with an older version of TLS

---a program and its arguments, or a table: exit status 0 is healthy, 1 degraded, all else unhealthy
---@class moonwatch.check.exec
---@field command string|string[] the program and its arguments; no shell. It must be in a folder of settings.programs
---@field env? table<string, string|number|moonwatch.secret> variables of its environment
---@field dir? string folder in which it runs; default that of moonwatch
---@field stdin? string what it can read

---not probed: something has to tell POST /api/mw/v1/checks/NAME/beat, or `moonwatch beat NAME`, that it is well; a duration, or a table
---@class moonwatch.check.heartbeat
---@field ttl moonwatch.duration so long after one beat the next must have come; then it is late, which is degraded
---@field grace? moonwatch.duration so long it may be late before it counts as failing
---@field finish_within? moonwatch.duration what said that it starts must say that it ended within this

---what one evaluation may use, where that is less than settings.limits says
---@class moonwatch.check.budget
---@field seconds? moonwatch.duration processor time of one call of a function
---@field instructions? integer Lua instructions of one call of a function
---@field memory? number|string memory of the rule's file while one of its functions runs
---@field query_samples? integer samples that all its queries may read
---@field query_seconds? moonwatch.duration time that all its queries may take
---@field emissions? integer alerts fired, samples recorded, log lines and measurements

---well, but not quite
---@class moonwatch.check.degraded
---@field slower_than? moonwatch.duration a successful probe slower than this is degraded
---@field certificate_within? moonwatch.duration so is one whose certificate ends within this; of http, tcp, tls and grpc
---@field after? integer so many probes in a row
---@field lag_above? moonwatch.duration of redis and postgres: so is one that is further behind, as their `lag_above`
---@field memory_above? number of redis: as its `memory_above`
---@field clients_above? number of redis: as its `clients_above`
---@field connections_above? number of postgres: as its `connections_above`

---stop probing something that keeps failing
---@class moonwatch.check.breaker
---@field failures? integer failures in a row within `window` that open it; default 5, and none when there is a rate
---@field window? moonwatch.duration time in which failures and calls count
---@field rate? number share of calls that fail which opens it
---@field slow_rate? number share of calls that are slow which opens it
---@field slow_after? moonwatch.duration a call that takes as long as this is slow
---@field calls? integer the rates are those of the last so many calls; default those within `window`
---@field min_calls? integer with fewer calls rates say nothing; default 10, or `calls` when that is less
---@field open? moonwatch.duration time without calls once open
---@field grow? number so many times as long each time that it opens again at once; 1: always as long
---@field open_max? moonwatch.duration but never longer than this
---@field probes? integer successes in half-open state that close it

---Probes something again and again. Its state is part of /health, of the series check_up and probe_success, and can be depended on.
---@class moonwatch.check
---@field http? moonwatch.check.http|string an address, or a table
---@field tcp? moonwatch.check.tcp|string "host:port", or a table
---@field dns? moonwatch.check.dns|string a name that must resolve, or a table
---@field tls? moonwatch.check.tls|string "host:port" of any server that speaks TLS, or a table
---@field icmp? moonwatch.check.icmp|string a host that must answer pings, or a table. The system must permit it: by net.ipv4.ping_group_range or CAP_NET_RAW
---@field redis? moonwatch.check.redis|string|moonwatch.secret an address redis://host:port, or a table
---@field postgres? moonwatch.check.postgres|string|moonwatch.secret a libpq connection text, or a table
---@field grpc? moonwatch.check.grpc|string "host:port" of a server that speaks grpc.health.v1, or a table
---@field exec? string|string[]|moonwatch.check.exec a program and its arguments, or a table: exit status 0 is healthy, 1 degraded, all else unhealthy
---@field run? (fun(ctx: moonwatch.ctx): any) function(ctx): true or false, or "healthy", "degraded" or "unhealthy"; a message, shown in each case; a table of details
---@field heartbeat? moonwatch.check.heartbeat|string not probed: something has to tell POST /api/mw/v1/checks/NAME/beat, or `moonwatch beat NAME`, that it is well; a duration, or a table
---@field display? string what people call it, on the status page
---@field every? moonwatch.duration time between probes; checks are spread over it by their names
---@field retry_every? moonwatch.duration time between probes while it is being decided: from the first failure to `fail_after`, and from the first success to `pass_after`
---@field jitter? moonwatch.duration each probe comes up to so much later, another time each time, the same on every node; less than `every`
---@field budget? moonwatch.check.budget what one evaluation may use, where that is less than settings.limits says
---@field timeout? moonwatch.duration a probe that takes longer has failed
---@field fail_after? integer failures in a row before the check counts as failing; 3, of a heartbeat 1
---@field pass_after? integer successes in a row before a failing check counts as well again; 2, of a heartbeat 1
---@field degraded? moonwatch.check.degraded well, but not quite
---@field depends_on? string|string[] checks; while one of them fails this one is probed but not blamed for failing: it is unknown
---@field maintenance? string|string[] names of windows in which it is probed but not blamed, and which do not count in its uptime
---@field breaker? moonwatch.check.breaker stop probing something that keeps failing
---@field critical? boolean a failing critical check makes /health unhealthy; another only degraded
---@field labels? table<string, string|number> added to the series of this check
---@field version? integer of what it keeps in ctx.state; when it changes, `migrate` is asked, and without one the state is dropped
---@field migrate? (fun(old: any, version: any): any) function(old, version): the ctx.state of this version from that of another one, or of the rule in `migrate_from`
---@field migrate_from? string the name that this rule had: it takes over from it, once, while there is no such rule any more

---Probes something again and again. Its state is part of /health, of the series check_up and probe_success, and can be depended on.
---@param name string
---@return fun(fields: moonwatch.check)
function check(name) end

---A circuit breaker for requests of functions: ctx.http.get(url, { breaker = "NAME" }). While it is open no request is made, and the answer is { error =, open = true }. Its state survives restarts and is the same on all nodes.
---@class moonwatch.breaker
---@field failing? integer|string|(integer|string)[] statuses that count as failures, beside no answer at all: a status, a list, "5xx" or "500-504"
---@field failures? integer failures in a row within `window` that open it; default 5, and none when there is a rate
---@field window? moonwatch.duration time in which failures and calls count
---@field rate? number share of calls that fail which opens it
---@field slow_rate? number share of calls that are slow which opens it
---@field slow_after? moonwatch.duration a call that takes as long as this is slow
---@field calls? integer the rates are those of the last so many calls; default those within `window`
---@field min_calls? integer with fewer calls rates say nothing; default 10, or `calls` when that is less
---@field open? moonwatch.duration time without calls once open
---@field grow? number so many times as long each time that it opens again at once; 1: always as long
---@field open_max? moonwatch.duration but never longer than this
---@field probes? integer successes in half-open state that close it

---A circuit breaker for requests of functions: ctx.http.get(url, { breaker = "NAME" }). While it is open no request is made, and the answer is { error =, open = true }. Its state survives restarts and is the same on all nodes.
---@param name string
---@return fun(fields: moonwatch.breaker)
function breaker(name) end

---at most n messages per `per`; pages go first, and what is over waits and is told together
---@class moonwatch.receiver.rate
---@field n integer messages
---@field per? moonwatch.duration time
---@field burst? integer so many at once after a quiet time; default n
---@field pages? integer so many more per `per`, for pages only

---One or several ways to tell somebody: slack{...}, pagerduty{...}, webhook{...} and the other kinds, and functions, any number of them.
---@class moonwatch.receiver
---@field rate? moonwatch.receiver.rate at most n messages per `per`; pages go first, and what is over waits and is told together
---@field digest? boolean messages that would come too late, pages not among them, are told as one with counts; never for pagerduty and its like
---@field digest_over? integer so when more than this many wait
---@field digest_after? moonwatch.duration so when they have waited or would have to wait for this long
---@field fallback? string a receiver that is told, too, when this one does not take its messages
---@field fallback_after? moonwatch.duration what has waited for this long; at once what was refused for good
---@field breaker? moonwatch.check.breaker leave a receiver alone that keeps failing
---@field send_resolved? boolean tell when an alert ends
---@field labels? table<string, string|number> by which lists of receivers, alerts and groups can be asked for
---@field [integer] moonwatch.kind|(fun(n: moonwatch.notification, ctx: moonwatch.ctx): any)

---One or several ways to tell somebody: slack{...}, pagerduty{...}, webhook{...} and the other kinds, and functions, any number of them.
---@param name string
---@return fun(fields: moonwatch.receiver|(fun(n: moonwatch.notification, ctx: moonwatch.ctx): any))
function receiver(name) end

---Somebody who can be on call, be told and take things over: a receiver with a name of a person. It may stand wherever a receiver may.
---@class moonwatch.person
---@field also? string|string[] other names of the person: in calendars, in Slack (member id or name), in PagerDuty; mail addresses
---@field rate? moonwatch.receiver.rate at most n messages per `per`; pages go first, and what is over waits and is told together
---@field digest? boolean messages that would come too late, pages not among them, are told as one with counts; never for pagerduty and its like
---@field digest_over? integer so when more than this many wait
---@field digest_after? moonwatch.duration so when they have waited or would have to wait for this long
---@field fallback? string a receiver that is told, too, when this one does not take its messages
---@field fallback_after? moonwatch.duration what has waited for this long; at once what was refused for good
---@field breaker? moonwatch.check.breaker leave a receiver alone that keeps failing
---@field send_resolved? boolean tell when an alert ends
---@field labels? table<string, string|number> by which lists of receivers, alerts and groups can be asked for
---@field [integer] moonwatch.kind|(fun(n: moonwatch.notification, ctx: moonwatch.ctx): any)

---Somebody who can be on call, be told and take things over: a receiver with a name of a person. It may stand wherever a receiver may.
---@param name string
---@return fun(fields: moonwatch.person|(fun(n: moonwatch.notification, ctx: moonwatch.ctx): any))
function person(name) end

---what is compared
---@class moonwatch.canary.metrics
---@field expr string PromQL with $labels where the labels of a version go: sum(rate(errors_total{job="shop",$labels}[1m])); or a selector, which gets them. It gives one series
---@field name? string what it is called; default the expression
---@field bad? "up"|"down"|"both" which way is worse
---@field weight? number how much it counts in the score
---@field critical? boolean when it fails, or has no data, the canary fails
---@field tolerance? number how much worse it may be, as a share: 0.05 is 5 %
---@field allow? number how much worse it may be, in its own unit; on top of tolerance

---whether both got enough requests, and the candidate its share
---@class moonwatch.canary.traffic
---@field requests string counter of requests: a selector, with or without $labels
---@field min? integer requests that each version must have had
---@field share? number share of the requests that the candidate should get, 0 to 1
---@field within? number how much the share may differ, as a share of it

---what one evaluation may use, where that is less than settings.limits says
---@class moonwatch.canary.budget
---@field query_samples? integer samples that all its queries may read
---@field query_seconds? moonwatch.duration time that all its queries may take

---Compares two versions of a service while both run: each metric by a Mann-Whitney test and the size of its effect, and whether both got enough requests. It runs when it is told to (`moonwatch canary start NAME`, POST /api/mw/v1/canaries/NAME/start), and its verdict, pass, marginal or fail with reasons, is a gate for pipelines. docs/canary.md has the arithmetic and how often it errs.
---@class moonwatch.canary
---@field baseline table<string, string|number> labels of the version that is known
---@field candidate table<string, string|number> labels of the version that is new
---@field metrics moonwatch.canary.metrics[] what is compared
---@field traffic? moonwatch.canary.traffic whether both got enough requests, and the candidate its share
---@field lasts? moonwatch.duration how long it runs
---@field every? moonwatch.duration time between two values; not less than the ranges in the expressions, or the values resemble each other
---@field warmup? moonwatch.duration time after the start that does not count
---@field min_samples? integer values of each version without which a metric is not judged
---@field alpha? number how often versions that are alike may be called different, over all metrics
---@field effect? number Cliff's delta below which a difference does not matter: 0.15 small, 0.33 medium, 0.47 large
---@field pass? number score from which it passes
---@field marginal? number score from which it is marginal
---@field fail_fast? boolean end as soon as a critical metric is worse beyond doubt
---@field labels? table<string, string|number> added to its series; `service` names the service of its mark
---@field budget? moonwatch.canary.budget what one evaluation may use, where that is less than settings.limits says

---Compares two versions of a service while both run: each metric by a Mann-Whitney test and the size of its effect, and whether both got enough requests. It runs when it is told to (`moonwatch canary start NAME`, POST /api/mw/v1/canaries/NAME/start), and its verdict, pass, marginal or fail with reasons, is a gate for pipelines. docs/canary.md has the arithmetic and how often it errs.
---@param name string
---@return fun(fields: moonwatch.canary)
function canary(name) end

---the steady state: there is a value, and each one is within the bounds
---@class moonwatch.experiment.steady
---@field expr moonwatch.expr PromQL
---@field name? string what it is called; default the expression
---@field above? number values must be above this
---@field below? number values must be below this

---what rolls the fault back at once: some value beyond a bound, or, without bounds, any value
---@class moonwatch.experiment.abort
---@field expr moonwatch.expr PromQL
---@field name? string what it is called; default the expression
---@field above? number ends it when a value is above this
---@field below? number ends it when a value is below this

---a program, of a folder of settings.programs; exit status 0 is well
---@class moonwatch.experiment.inject.exec
---@field command string|string[] the program and its arguments; no shell
---@field env? table<string, string|number|moonwatch.secret> variables of its environment, beside MOONWATCH_EXPERIMENT and MOONWATCH_SERVICE
---@field dir? string folder in which it runs

---a request; 2xx is well
---@class moonwatch.experiment.inject.http
---@field url string address
---@field method? string request method
---@field headers? table<string, string|number|moonwatch.secret> request headers
---@field body? string request body

---function(ctx) that injects the fault (false, why: it did not work), a program or a request
---@class moonwatch.experiment.inject
---@field exec? moonwatch.experiment.inject.exec a program, of a folder of settings.programs; exit status 0 is well
---@field http? moonwatch.experiment.inject.http a request; 2xx is well

---a program, of a folder of settings.programs; exit status 0 is well
---@class moonwatch.experiment.rollback.exec
---@field command string|string[] the program and its arguments; no shell
---@field env? table<string, string|number|moonwatch.secret> variables of its environment, beside MOONWATCH_EXPERIMENT and MOONWATCH_SERVICE
---@field dir? string folder in which it runs

---a request; 2xx is well
---@class moonwatch.experiment.rollback.http
---@field url string address
---@field method? string request method
---@field headers? table<string, string|number|moonwatch.secret> request headers
---@field body? string request body

---function(ctx) that rolls the fault back, a program or a request; ctx.state is that of inject
---@class moonwatch.experiment.rollback
---@field exec? moonwatch.experiment.rollback.exec a program, of a folder of settings.programs; exit status 0 is well
---@field http? moonwatch.experiment.rollback.http a request; 2xx is well

---when it begins by itself
---@class moonwatch.experiment.schedule
---@field at string|string[] times of the day: "10:00"
---@field days? string|string[] "tue", "mon-thu"
---@field dates? string|string[] dates, or days of the month
---@field months? string|string[] "jan-mar" or numbers
---@field zone? string IANA name of the time zone; default UTC

---what one evaluation may use, where that is less than settings.limits says
---@class moonwatch.experiment.budget
---@field seconds? moonwatch.duration processor time of one call of a function
---@field instructions? integer Lua instructions of one call of a function
---@field memory? number|string memory of the rule's file while one of its functions runs
---@field query_samples? integer samples that all its queries may read
---@field query_seconds? moonwatch.duration time that all its queries may take
---@field emissions? integer alerts fired, samples recorded, log lines and measurements

---Injects a fault on purpose and says whether the system bore it: the steady state must hold before, is watched while the fault is there, and must hold again after it was rolled back. An abort condition rolls it back at once. It runs when it is told to (`moonwatch experiment start NAME`), one at a time in a service, and by itself only where `schedule` says so. docs/canary.md.
---@class moonwatch.experiment
---@field service string the service in which it is; one experiment at a time runs there
---@field steady moonwatch.experiment.steady[] the steady state: there is a value, and each one is within the bounds
---@field abort moonwatch.experiment.abort[] what rolls the fault back at once: some value beyond a bound, or, without bounds, any value
---@field inject (fun(ctx: moonwatch.ctx): any)|moonwatch.experiment.inject function(ctx) that injects the fault (false, why: it did not work), a program or a request
---@field rollback (fun(ctx: moonwatch.ctx): any)|moonwatch.experiment.rollback function(ctx) that rolls the fault back, a program or a request; ctx.state is that of inject
---@field lasts? moonwatch.duration how long the fault stays
---@field every? moonwatch.duration time between two looks
---@field recover? moonwatch.duration time after which the steady state must hold again
---@field timeout? moonwatch.duration time that inject and rollback may take, each time
---@field schedule? moonwatch.experiment.schedule when it begins by itself
---@field budget? moonwatch.experiment.budget what one evaluation may use, where that is less than settings.limits says

---Injects a fault on purpose and says whether the system bore it: the steady state must hold before, is watched while the fault is there, and must hold again after it was rolled back. An abort condition rolls it back at once. It runs when it is told to (`moonwatch experiment start NAME`), one at a time in a service, and by itself only where `schedule` says so. docs/canary.md.
---@param name string
---@return fun(fields: moonwatch.experiment)
function experiment(name) end

---children, tried in order; the first that matches wins
---@class moonwatch.route.routes
---@field receiver? string name of a receiver or person, or "oncall:NAME"; default that of the parent
---@field match? table<string, string|number>|string|string[] alerts this route takes; none: all
---@field group_by? string[]|"all" labels that make a group, or "all"; default that of the parent
---@field group_wait? moonwatch.duration wait before the first message of a group; root default 30s
---@field group_interval? moonwatch.duration wait before a changed group is told again; root default 5m
---@field repeat_interval? moonwatch.duration wait before an unchanged group is told again; root default 4h
---@field repeat_factor? number each repeat waits so many times longer than the one before, until there is news; 1: none does
---@field repeat_most? moonwatch.duration but no longer than this; default 1d
---@field continue? boolean also look at the routes after this one
---@field mute? string|string[] windows in which nothing is sent
---@field active? string|string[] windows outside of which nothing is sent
---@field escalate? string name of an escalation
---@field labels? table<string, string|number> told with each message and shown with its groups; those of the parent are kept
---@field routes? moonwatch.route.routes[] children, tried in order; the first that matches wins

---The routing tree. One `route` without matchers is the root; each further `route` becomes its child, in order of the files.
---@class moonwatch.route
---@field compat? "alertmanager" keep exactly to Alertmanager's timing
---@field resolve_timeout? moonwatch.duration of the root: an alert posted without an end resolves after this long; default that of settings
---@field speaks? "0.25"|"0.34" of the root: the Alertmanager whose API is spoken; default 0.25 with compat, 0.34 without
---@field receiver? string name of a receiver or person, or "oncall:NAME"; default that of the parent
---@field match? table<string, string|number>|string|string[] alerts this route takes; none: all
---@field group_by? string[]|"all" labels that make a group, or "all"; default that of the parent
---@field group_wait? moonwatch.duration wait before the first message of a group; root default 30s
---@field group_interval? moonwatch.duration wait before a changed group is told again; root default 5m
---@field repeat_interval? moonwatch.duration wait before an unchanged group is told again; root default 4h
---@field repeat_factor? number each repeat waits so many times longer than the one before, until there is news; 1: none does
---@field repeat_most? moonwatch.duration but no longer than this; default 1d
---@field continue? boolean also look at the routes after this one
---@field mute? string|string[] windows in which nothing is sent
---@field active? string|string[] windows outside of which nothing is sent
---@field escalate? string name of an escalation
---@field labels? table<string, string|number> told with each message and shown with its groups; those of the parent are kept
---@field routes? moonwatch.route.routes[] children, tried in order; the first that matches wins

---The routing tree. One `route` without matchers is the root; each further `route` becomes its child, in order of the files.
---@param fields moonwatch.route
function route(fields) end

---While an alert matches `source`, alerts that match `target` and agree on the labels in `equal` are not told.
---@class moonwatch.inhibit
---@field source table<string, string|number>|string|string[] the alert that explains
---@field target table<string, string|number>|string|string[] the alerts it explains
---@field equal? string|table<integer|string, string> labels that must be the same on both; node = "instance": node of the source is instance of the target
---@field name? string name shown as the reason

---While an alert matches `source`, alerts that match `target` and agree on the labels in `equal` are not told.
---@param fields moonwatch.inhibit
function inhibit(fields) end

---Labels and annotations that alerts get which others post to /api/v2/alerts, before routes, silences and inhibitions see them: whose they are, how grave, where. Each `enrich` sees what those before it made. Alerts of rules say themselves what their labels are.
---@class moonwatch.enrich
---@field match? table<string, string|number>|string|string[] alerts that it is about; none: all that are posted
---@field by? string|string[] labels by whose values `from` is asked; several are joined by /
---@field from? table<string, table<string, string|number>> labels by what `by` says
---@field labels? table<string, string|number> further labels
---@field annotations? table<string, string|number> further annotations
---@field drop? string|string[] labels that go
---@field over? boolean also in place of what the alert says itself

---Labels and annotations that alerts get which others post to /api/v2/alerts, before routes, silences and inhibitions see them: whose they are, how grave, where. Each `enrich` sees what those before it made. Alerts of rules say themselves what their labels are.
---@param fields moonwatch.enrich
function enrich(fields) end

---A stretch of time that comes again: routes can be muted in it, or active only in it. A window may cross midnight.
---@class moonwatch.window
---@field days? string|string[] days of the week: "mon-fri"
---@field times? string|string[] times of the day: "09:00-17:00"; the end is not part of it
---@field dates? string|string[] dates: "2026-12-24", "2026-12-24..2026-12-26"; days of the month: "1-7", "-1", "20..-4"
---@field months? string|string[] "jan-mar" or numbers
---@field years? string|string[] "2026-2028"
---@field zone? string IANA name of the time zone

---A stretch of time that comes again: routes can be muted in it, or active only in it. A window may cross midnight.
---@param name string
---@return fun(fields: moonwatch.window)
function window(name) end

---
---@class moonwatch.escalation.item
---@field after moonwatch.duration time since the first message
---@field to string|string[] receivers or persons; "oncall:web" is whoever is on call in the rotation "web" at that moment
---@field every? moonwatch.duration tell them again so often until somebody reacts or the next step comes

---Steps that go on until somebody acknowledges the alert or it resolves.
---@class moonwatch.escalation
---@field loops? integer how often all the steps are gone through when nobody reacts
---@field pause? moonwatch.duration time from the last step to the next loop; default: as long as the last step waited for the one before
---@field ack_timeout? moonwatch.duration an acknowledgement without an end of its own ends after so long, and the steps begin anew
---@field [integer] moonwatch.escalation.item

---Steps that go on until somebody acknowledges the alert or it resolves.
---@param name string
---@return fun(fields: moonwatch.escalation)
function escalation(name) end

---other people inside a window: nights, weekends; a later layer counts more
---@class moonwatch.oncall.layers
---@field window string window in which this layer counts
---@field people string|string[] persons or receivers, in the order of their turns
---@field weekly? string when turns begin: "mon 09:00"
---@field daily? string when turns begin: "09:00"
---@field turn? integer how many weeks (with daily: days) a turn is
---@field start? string date on which the first of the people begins, "2026-01-05"; default: in January 1970

---exceptions: they count more than all the rest, a later one more than an earlier one
---@class moonwatch.oncall.overrides
---@field from string "2026-12-24 09:00" in the zone, or with an offset: "2026-12-24T09:00:00Z"
---@field to string end; not part of it
---@field person string who is on call then

---Who is on call: exactly one person at each moment. Routes and escalations name it "oncall:NAME".
---@class moonwatch.oncall
---@field people string|string[] persons or receivers, in the order of their turns
---@field weekly? string when turns begin: "mon 09:00"
---@field daily? string when turns begin: "09:00"
---@field turn? integer how many weeks (with daily: days) a turn is
---@field start? string date on which the first of the people begins, "2026-01-05"; default: in January 1970
---@field zone? string IANA name of the time zone
---@field layers? moonwatch.oncall.layers[] other people inside a window: nights, weekends; a later layer counts more
---@field overrides? moonwatch.oncall.overrides[] exceptions: they count more than all the rest, a later one more than an earlier one
---@field ical? string|moonwatch.secret calendar that counts more than the turns: a file, or an address that is asked again and again
---@field every? moonwatch.duration how often the address is asked; a file is looked at every 30s

---Who is on call: exactly one person at each moment. Routes and escalations name it "oncall:NAME".
---@param name string
---@return fun(fields: moonwatch.oncall)
function oncall(name) end

---A fire drill: a marked test alert comes in, takes a route to each receiver, waits in its queue and is answered by it. When that takes longer than `within`, or a receiver refuses, the drill has failed: a metric and `moonwatch drills` say so.
---@class moonwatch.drill
---@field to string|string[] receivers
---@field every? moonwatch.duration how often
---@field at? string time of day, "10:00", when `every` is whole days
---@field zone? string IANA name of the time zone of `at`
---@field within? moonwatch.duration it has failed when it took longer
---@field severity? string severity of the alert

---A fire drill: a marked test alert comes in, takes a route to each receiver, waits in its queue and is answered by it. When that takes longer than `within`, or a receiver refuses, the drill has failed: a metric and `moonwatch drills` say so.
---@param name string
---@return fun(fields: moonwatch.drill)
function drill(name) end

---Functions that are asked before a silence is made or changed, whoever asks for it and by which door. Each gives true, or false and why not, or the silence with changes. They run in the sandbox, one after the other; the first no counts.
---@class moonwatch.policy
---@field on_failure? "refuse"|"allow" when a function fails or gives no answer in time
---@field timeout? moonwatch.duration how long all of them may take together
---@field [integer] (fun(s: table, who: table, ctx: moonwatch.ctx): boolean|table, string?)

---Functions that are asked before a silence is made or changed, whoever asks for it and by which door. Each gives true, or false and why not, or the silence with changes. They run in the sandbox, one after the other; the first no counts.
---@param name string
---@return fun(fields: moonwatch.policy|(fun(s: table, who: table, ctx: moonwatch.ctx): boolean|table, string?))
function policy(name) end

---Runs a function again and again: every("1m", function(ctx) ... end). With several nodes one of them runs it. What it keeps in ctx.state goes by its name; a job without one goes by its file and its place among the jobs there.
---@param interval moonwatch.duration
---@param fn fun(ctx: moonwatch.ctx): any
---@param options any
function every(interval, fn, options) end

---what is replaced: in messages, fields, labels, names and events of spans, resources
---@class moonwatch.pipeline.redact
---@field fields? string|string[] names of fields whose whole value is replaced, also in texts that are JSON, have some in them, or have key=value, key: value; "email" is "user.email", too, and "http.request.header.*" what begins so; upper and lower case are the same, and so are ".", "_" and "-"
---@field patterns? string|string[] what is found in any text: email, card, ipv4, ipv6, iban, token; cards by issuer and check digit (Luhn), IBANs by country and check digits
---@field regex? string|string[] and what these regular expressions find
---@field with? string what takes the place
---@field hash? string|moonwatch.secret in its place: a keyed hash under this salt, email:1f3a5b7c9d0e2f46, so that the same value stays recognisable and nobody can try out values

---Log records and spans on their way in, before anything is stored, indexed or shown: drop some, remove, rename and set fields, replace personal data and secrets. Pipelines do their work in the order in which they are declared, file by file in order of names; a record passes each that is about it. In one pipeline: `match`, `drop`, then `remove`, `rename`, `set`, and `redact` at the end.
---@class moonwatch.pipeline
---@field of? string|string[] "logs", "spans", or both
---@field match? any which records; default all. Names are labels of the stream, level, message, fields (_ stands for . and -); of spans: service, name, kind, status, scope, attributes, those of the resource
---@field drop? any of these, those that are not stored
---@field remove? string|string[] fields that are left out, of spans also of their resource, events and links; a name is also that of a dotted name's end, and may end in *
---@field rename? table<string, string|number|moonwatch.secret> fields that are called otherwise: { old = "new" }
---@field set? table<string, string|number|moonwatch.secret> fields and their texts
---@field redact? moonwatch.pipeline.redact what is replaced: in messages, fields, labels, names and events of spans, resources

---Log records and spans on their way in, before anything is stored, indexed or shown: drop some, remove, rename and set fields, replace personal data and secrets. Pipelines do their work in the order in which they are declared, file by file in order of names; a record passes each that is about it. In one pipeline: `match`, `drop`, then `remove`, `rename`, `set`, and `redact` at the end.
---@param name string
---@return fun(fields: moonwatch.pipeline)
function pipeline(name) end

--- ack_link.lua - what a link in a message opens: a small page that asks, and the answer to it.
--
-- Programs that look for malware in mail follow links, so a GET only ever shows; a POST of the page's
-- form acts.  The token says of which group and since when: what came after the message is not covered.
-- The page needs no script, and no sign-in; it tells nobody where it was opened.
local acks = require "moonwatch.engine.router.acks"
local audit = require "moonwatch.engine.router.audit"
local form = require "moonwatch.api.form"
local keys_of = require "moonwatch.keys"
local labels_of = require "moonwatch.route.labels"
local reply = require "moonwatch.api.router_reply"
local silences = require "moonwatch.engine.router.silences"
local texts = require "moonwatch.to.text"

local M = {}

local FORM, NAME, COMMENT, SHOWN, LABELS, SETS = 16384, 100, 500, 10, 500, 20

local HEADERS = {
  ["content-type"] = "text/html; charset=utf-8", ["cache-control"] = "no-store", ["referrer-policy"] = "no-referrer",
  ["x-robots-tag"] = "noindex", ["x-content-type-options"] = "nosniff",
  ["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}

local PAGE = [[<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}
label{display:block;margin:.8rem 0}input,select,button{font:inherit;padding:.4rem .6rem;width:100%%;box-sizing:border-box}
button{margin-top:1rem;padding:.7rem;font-weight:600}li{overflow-wrap:anywhere}.dim{opacity:.7;font-size:.9em}
</style><h1>%s</h1>%s</html>
]]

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }
local function html(text) return (tostring(text):gsub("[&<>\"']", ESCAPES)) end

local function page(status, title, body)
  return { status = status, headers = HEADERS, body = PAGE:format(html(title), html(title), body) }
end

local function says(text) return "<p>" .. html(text) .. "</p>" end

-- -- what it is about --------------------------------------------------------------

local function name_of(alert)
  local rest = {}
  for name, value in labels_of.each(alert.labels) do
    if name ~= "alertname" then rest[#rest + 1] = name .. "=" .. value end
  end
  table.sort(rest)
  local name, others = texts.cut(alert.labels.alertname or "alert", LABELS), texts.cut(table.concat(rest, " "), LABELS)
  return ("<li><b>%s</b> <span class=dim>%s</span></li>"):format(html(name), html(others))
end

local function list_of(alerts)
  local out = {}
  for i, alert in ipairs(alerts) do
    if i > SHOWN then
      out[i] = ("<li>and %d more</li>"):format(#alerts - SHOWN)
      break
    end
    out[i] = name_of(alert)
  end
  return "<ul>" .. table.concat(out) .. "</ul>"
end

local function option(value, text) return ('<option value="%s">%s</option>'):format(value, text) end

local KINDS = {
  ack = {
    title = "Acknowledge", button = "I am on it",
    options = option("", "until it resolves") .. option("30m", "for 30 minutes") .. option("1h", "for an hour") ..
      option("4h", "for 4 hours") .. option("12h", "for 12 hours"),
  },
  silence = {
    title = "Silence", button = "Silence", needs_time = true,
    options = option("1h", "for an hour") .. option("4h", "for 4 hours") .. option("1d", "for a day") .. option("3d", "for 3 days") ..
      option("7d", "for a week"),
  },
}

local REFUSALS = {
  forged = { 403, "This link is not good", "It was not written by this server, or it was cut short on its way. Open the whole link of the message." },
  expired = { 410, "This link is too old", "Links in messages work for a while only. Acknowledge on the page or with: moonwatch ack" },
}

local function refusal(router, why, use)
  if why ~= "used" then
    local row = REFUSALS[why]
    return page(row[1], row[2], says(row[3]))
  end
  return page(409, "This link was used already", says(("%s used it at %s. To change that, use the page or: moonwatch ack"):format(
    use.by or "Somebody", router.host.rfc3339(use.at))))
end

-- The form's line about whoever is on it already; "" when nobody is.
local function on_it(router, alerts, now)
  for _, alert in ipairs(alerts) do
    local ack = router.acks:covering(alert, now)
    if ack then
      return says(("%s is on it already, since %s."):format(ack.author or "Somebody", router.host.rfc3339(ack.created_at)))
    end
  end
  return ""
end

-- -- doing it -----------------------------------------------------------------------

-- Each gives DONE(sentence), or DONE(nil, why, status), at once or when it was decided.
local does = {}

function does.ack(router, t, alerts, f, now, done)
  local set = {}
  for _, alert in ipairs(alerts) do set[alert.fp] = true end
  local kept, why = router:ack({ labels = labels_of.common(acks.labels(alerts)), alerts = set, author = f.author, comment = f.comment,
    seconds = f.seconds, way = f.way or "link", link = t.id }, now, f.who)
  if not kept then return done(nil, why) end
  done(("%s is on it%s."):format(kept.author, kept.ends_at and " until " .. router.host.rfc3339(kept.ends_at) or " until it resolves"))
end

local REFUSED = { refused = 403, unanswered = 503 }

local function matchers_of(set)
  local list = {}
  for _, name in ipairs(keys_of(set)) do list[#list + 1] = { name = name, value = set[name], isRegex = false, isEqual = true } end
  return list
end

-- Matchers that speak of ALERTS: for each name what all of that name have in common.  What only the whole message has in common may
-- be little (`team="web"`), and much else would be quiet with it.
local function sets_of(alerts)
  local by, out = {}, {}
  for _, set in ipairs(acks.labels(alerts)) do
    local name = set.alertname or ""
    by[name] = by[name] or {}
    table.insert(by[name], set)
  end
  for i, name in ipairs(keys_of(by)) do out[i] = matchers_of(labels_of.common(by[name])) end
  return out
end

function does.silence(router, _, alerts, f, now, done)
  local sets = sets_of(alerts)
  for _, list in ipairs(sets) do
    if #list == 0 then return done(nil, "some of these alerts have no label in common, so no one silence speaks of them; silence them on the page") end
  end
  if #sets > SETS then return done(nil, ("these are alerts of %d names; silence them on the page"):format(#sets)) end
  silences.request(router, { matchers = table.remove(sets, 1), others = #sets > 0 and sets or nil, starts_at = now, ends_at = now + f.seconds,
    created_by = f.author, comment = f.comment or "from a link in a message" }, now, f.who, function(id, code, why)
    if not id then return done(nil, why, REFUSED[code]) end
    done(("Quiet until %s."):format(router.host.rfc3339(router.silences:get(id).ends_at)))
  end)
end

local function cut(text, most)
  text = (text or ""):gsub("%c", " "):match "^%s*(.-)%s*$"
  return #text > 0 and texts.cut(text, most) or nil
end

-- The fields of the form; nil, message.
local function filled(router, kind, body)
  local f, why = form.read(body, FORM)
  if not f then return nil, why end
  local out = { author = cut(f.author, NAME), comment = cut(f.comment, COMMENT) }
  if not out.author then return nil, "Say who you are, so that the others know who is on it." end
  if f["for"] and f["for"] ~= "" then out.seconds = router.host.duration(f["for"]) end
  if (kind.needs_time or f["for"] and f["for"] ~= "") and not (out.seconds and out.seconds > 0) then
    return nil, "Say for how long: 30m, 2h, 1d."
  end
  return out
end

--- What TOKEN is about now: {t=, alerts=}; or nil and the refusal: a page, its status, a sentence.
function M.open(router, token, now)
  local t, why, use = router.links:open(token, now)
  if not t then return nil, refusal(router, why, use), why, use end
  local alerts = acks.firing(acks.groups(router, t.group), t.issued, now)
  if #alerts == 0 then
    return nil, page(410, "It is over", says "What this message told of is not firing any more. What fires now has a message of its own."), "over"
  end
  return { t = t, alerts = alerts }
end

--- Do what the token says.  F = {author=, comment=, seconds=, way=}.  DONE(sentence); or DONE(nil, why, status); at once, or when
-- a policy was asked.
function M.act(router, what, f, now, done)
  local t, links = what.t, router.links
  if not links:claim(t) then return done(nil, "This was pressed a moment ago, and the policy about it is being asked. Look again soon.", 409) end
  does[t.what](router, t, what.alerts, f, now, function(said, why, status)
    links:release(t)
    if said then links:use(t, f.author, now) end
    done(said, why, status or 422)
  end)
end

local function asking(router, kind, what, problem, status, now)
  return page(status, kind.title, (problem and "<p><b>" .. html(problem) .. "</b></p>" or "") .. list_of(what.alerts) ..
    (what.t.what == "ack" and on_it(router, what.alerts, now) or "") .. ([[
<form method="post"><label>Who are you? <input name="author" required maxlength="%d" autocomplete="name"></label>
<label>For how long? <select name="for">%s</select></label>
<label>Anything to say? <input name="comment" maxlength="%d"></label><button>%s</button></form>]]):format(NAME, kind.options, COMMENT, kind.button))
end

--- The door: /api/mw/v1/ack/link/TOKEN.
function M.answer(router, msg, now)
  local what, refused = M.open(router, msg.path:match "/link/([^/]*)$" or "", now)
  if not what then return refused end
  local kind = KINDS[what.t.what]
  if msg.method == "GET" or msg.method == "HEAD" then return asking(router, kind, what, nil, 200, now) end
  if msg.method ~= "POST" then return page(405, "Not possible", says "A link can be opened, and its form sent.") end
  local f, why = filled(router, kind, msg.body)
  if not f then return asking(router, kind, what, why, 400, now) end
  f.who = audit.who(msg, f.author)
  return reply.wait(router.host, msg, function(done)
    M.act(router, what, f, now, function(said, wrong, status)
      done(said and page(200, "Done", says(said) .. list_of(what.alerts)) or asking(router, kind, what, wrong, status, now))
    end)
  end)
end

return M

--- page.lua - the status page as HTML: one file without scripts, small, readable by anybody and by readers of screens.
local days = require "moonwatch.status.days"

local M = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }
local function html(text) return (tostring(text):gsub("[&<>\"']", ESCAPES)) end

local PAGE = [[<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="60"><title>%s</title><link rel="alternate" type="application/atom+xml" title="Incidents" href="status.atom"><style>
:root{color-scheme:light dark;--up:#2a9d5c;--deg:#e0a100;--out:#d23f3f;--mnt:#4a7bd0;--non:#8884}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0}.dim,time{opacity:.7;font-size:.85em}
.all{padding:.8rem 1rem;border-radius:.4rem;color:#fff;font-weight:600}
.c{padding:.6rem 0;border-top:1px solid var(--non)}.r{display:flex;justify-content:space-between;gap:1rem}
.b{display:flex;gap:1px;height:1.6rem;margin:.3rem 0}.b i{flex:1;background:var(--non);border-radius:1px}
.operational{background:var(--up)}.degraded{background:var(--deg)}.outage{background:var(--out)}.maintenance{background:var(--mnt)}.unknown{background:#777}
.b .u{background:var(--up)}.b .d{background:var(--deg)}.b .o{background:var(--out)}.b .m{background:var(--mnt)}
.s{font-weight:600;white-space:nowrap}.s:before{content:"";display:inline-block;width:.7em;height:.7em;border-radius:50%%;margin-right:.4em;background:#777}
.s.t-operational:before{background:var(--up)}.s.t-degraded:before{background:var(--deg)}.s.t-outage:before{background:var(--out)}.s.t-maintenance:before{background:var(--mnt)}
.i{border:1px solid var(--non);border-left:.3rem solid var(--deg);border-radius:.3rem;padding:.6rem 1rem;margin:.6rem 0}.k-down{border-left-color:var(--out)}.k-maintenance{border-left-color:var(--mnt)}.k-none{border-left-color:var(--non)}
.i p{margin:.4rem 0;white-space:pre-line}footer{margin-top:3rem}
</style></head><body><h1>%s</h1>%s<main>
<p class="all %s" role="status">%s</p>
%s</main><footer class="dim">As of <time datetime="%s">%s</time>, times are UTC. <a href="status.json">JSON</a> <a href="status.atom">Feed</a></footer></body></html>
]]

local ALL = {
  operational = "All systems are operational", degraded = "Some systems are degraded", outage = "There is an outage",
  maintenance = "Maintenance is going on", unknown = "Nothing is known",
}
local SAYS = { operational = "operational", degraded = "degraded", outage = "outage", maintenance = "in maintenance", unknown = "unknown" }

-- "2026-03-02T12:10:30.000Z" as people read it.
local function clock(at) return ("<time datetime=\"%s\">%s %s</time>"):format(at, at:sub(1, 10), at:sub(12, 16)) end

local function percent(share)
  local text = ("%.3f"):format(math.floor(share * 1e5) / 1e3):gsub("%.?0+$", "")
  return text .. " %"
end

-- -- ninety days -----------------------------------------------------------

local function minutes(seconds)
  if seconds < 60 then return ("%d s"):format(math.ceil(seconds)) end
  if seconds < 7200 then return ("%d min"):format(math.floor(seconds / 60 + 0.5)) end
  return ("%.1f h"):format(seconds / 3600)
end

-- What the share is of: a new page knows little of ninety days, and says so.
local function known(seconds)
  if seconds >= (days.KEPT - 1.5) * 86400 then return "the last 90 days" end
  if seconds >= 2 * 86400 then return ("the %.0f of 90 days that are known"):format(seconds / 86400) end
  return ("the %s that are known"):format(minutes(seconds))
end

-- A day that was all well needs no words: most are.
local function bar(row)
  if row.counted_seconds == 0 then return row.excused_seconds > 0 and ('<i class="m" title="%s: not counted"></i>'):format(row.date) or "<i></i>" end
  if row.down_seconds > 0 then
    return ('<i class="%s" title="%s: %s, down for %s"></i>'):format(row.up < 0.99 and "o" or "d", row.date, percent(row.up), minutes(row.down_seconds))
  end
  if row.degraded_seconds > 0 then return ('<i class="d" title="%s: degraded for %s"></i>'):format(row.date, minutes(row.degraded_seconds)) end
  return '<i class="u"></i>'
end

local function bars(check, today)
  local out, at = {}, today - days.KEPT + 1
  local function skip(untill)
    if untill > at then out[#out + 1] = untill - at == 1 and "<i></i>" or ('<i style="flex:%d"></i>'):format(untill - at) end
  end
  for _, row in ipairs(check.days) do
    if row.day >= at then
      skip(row.day)
      out[#out + 1], at = bar(row), row.day + 1
    end
  end
  skip(today + 1)
  local label = check.uptime and ("%s of %s"):format(percent(check.uptime), known(check.known_seconds)) or "no data yet"
  return ('<div class="b" role="img" aria-label="%s">%s</div><div class="dim">%s</div>'):format(label, table.concat(out), label)
end

local function check_html(check, today)
  local message = check.message and ('<div class="dim">%s</div>'):format(html(check.message)) or ""
  return ('<div class="c"><div class="r"><h3>%s</h3><span class="s t-%s">%s</span></div>%s%s</div>'):format(html(check.name), check.status, SAYS[check.status],
    message, bars(check, today))
end

-- -- incidents -------------------------------------------------------------

local function update_html(u)
  return ('<p>%s <b>%s</b>%s%s</p>'):format(clock(u.at), html(u.status), u.author and " (" .. html(u.author) .. ")" or "", u.text and "\n" .. html(u.text) or "")
end

local function incident_html(incident)
  local out = {}
  for i, u in ipairs(incident.updates) do out[i] = update_html(u) end
  local names = {}
  for i, name in ipairs(incident.checks) do names[i] = html(name) end
  return ('<article class="i k-%s" id="%s"><h3>%s</h3>%s%s</article>'):format(incident.impact, html(incident.id), html(incident.title),
    #names > 0 and ('<div class="dim">%s</div>'):format(table.concat(names, ", ")) or "", table.concat(out, "\n"))
end

local function section(title, list)
  if #list == 0 then return "" end
  local out = {}
  for i, incident in ipairs(list) do out[i] = incident_html(incident) end
  return ("<section><h2>%s</h2>%s</section>\n"):format(title, table.concat(out, "\n"))
end

--- REPORT (see report.lua) as a page.
function M.html(report)
  local out = { section("Incidents", report.incidents) }
  for _, group in ipairs(report.groups) do
    local rows = {}
    for i, check in ipairs(group.checks) do rows[i] = check_html(check, report.today) end
    out[#out + 1] = ("<section><h2>%s</h2>%s</section>\n"):format(html(group.name), table.concat(rows, "\n"))
  end
  out[#out + 1] = section("Past incidents", report.past_incidents)
  local description = report.description and "<p>" .. html(report.description) .. "</p>" or ""
  local title, at = html(report.title), report.updated_at
  return PAGE:format(title, title, description, report.status, ALL[report.status], table.concat(out), at, at:sub(1, 10) .. " " .. at:sub(12, 19))
end

-- -- the feed --------------------------------------------------------------

local function xml(text) return html(text):gsub("[%z\1-\8\11\12\14-\31]", "") end

local function entry(incident)
  local out = {}
  for i, u in ipairs(incident.updates) do out[i] = ("%s %s%s"):format(u.at, u.status, u.text and ": " .. u.text or "") end
  return ("<entry><id>urn:moonwatch:incident:%s</id><title>%s</title><updated>%s</updated><published>%s</published><content type=\"text\">%s</content></entry>"):format(
    xml(incident.id), xml(("[%s] %s"):format(incident.status, incident.title)), incident.changed_at, incident.opened_at, xml(table.concat(out, "\n\n")))
end

--- REPORT as an Atom feed of its incidents.  URL: where the page is, if that is known.
function M.atom(report, url)
  local out = {}
  for _, list in ipairs { report.incidents, report.past_incidents } do
    for _, incident in ipairs(list) do out[#out + 1] = entry(incident) end
  end
  local link = url and ('<link href="%s"/>'):format(xml(url)) or ""
  return ('<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><id>%s</id><title>%s</title><updated>%s</updated>' ..
    "<author><name>%s</name></author>%s%s</feed>\n"):format(url and xml(url) or "urn:moonwatch:status", xml(report.title), report.updated_at, xml(report.title), link,
    table.concat(out, "\n"))
end

return M

--- status.lua - /status, /status.json, /status.atom: the public page, which there is only when the settings say so.
local answer = require "moonwatch.api.answer"
local page = require "moonwatch.status.page"
local report = require "moonwatch.status.report"

local NONE = "there is no status page here; who runs this server makes one by settings { status_page = { title = ..., groups = {...} } }, see docs/checks.md"
local FRESH = 5 -- seconds for which one answer is everybody's

local HEADERS = {
  ["cache-control"] = "public, max-age=" .. FRESH, ["referrer-policy"] = "no-referrer", ["x-content-type-options"] = "nosniff",
  ["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
}

local FORMS = {
  html = { "text/html; charset=utf-8", function(_, r) return page.html(r) end },
  json = { "application/json", function(engine, r) return engine.host.json.encode(r) end },
  atom = { "application/atom+xml; charset=utf-8", function(engine, r)
    local own = engine.external_url
    return page.atom(r, own and own:gsub("/+$", "") .. "/status" or nil)
  end },
}

-- What was said a moment ago, unless somebody wrote in an incident since or the rules changed.
local function cached(engine, now)
  local cache, incidents = engine.status_cache, engine.incidents.generation
  if cache and now >= cache.at and now - cache.at < FRESH and cache.incidents == incidents and cache.set == engine.set then return cache end
  cache = { at = now, incidents = incidents, set = engine.set, report = report.of(engine, now), bodies = {} }
  engine.status_cache = cache
  return cache
end

local function give(form)
  return function(engine, _, now)
    local host, cache = engine.host, cached(engine, now)
    if not cache.report then return answer.problem(host, 404, "not_found", NONE) end
    cache.bodies[form] = cache.bodies[form] or FORMS[form][2](engine, cache.report)
    local headers = { ["content-type"] = FORMS[form][1] }
    for name, value in pairs(HEADERS) do headers[name] = value end
    return { status = 200, headers = headers, body = cache.bodies[form] }
  end
end

return { ["/status"] = give "html", ["/status.json"] = give "json", ["/status.atom"] = give "atom" }

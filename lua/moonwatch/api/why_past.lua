--- why_past.lua - was this receiver told by then?  The verdict about a time that is over, out of the story alone.
local timeline = require "moonwatch.api.why_timeline"

local M = {}

-- The last word that each receiver took by AT: "firing" or "resolved", and when.
local function last_words(events, at)
  local out = {}
  for _, e in ipairs(events) do
    if e.at > at then break end
    if e.kind == "attempt" and e.took then out[e.receiver] = { status = e.status, time = e.at } end
  end
  return out
end

local function names_of(router, state, last)
  local list, seen = {}, {}
  local function add(name)
    if not seen[name] then seen[name], list[#list + 1] = true, name end
  end
  for _, e in pairs(state.decisions) do add(e.receiver) end
  for name in pairs(last) do add(name) end
  table.sort(list)
  return router.host.json.array(list)
end

local function of_receiver(router, name, state, last, at)
  local word = last[name]
  if word then
    return { receiver = name, told = word.status == "firing", code = "told", since = router.host.rfc3339(word.time),
      text = ("was told that it is %s at %s"):format(word.status, router.host.rfc3339(word.time)) }
  end
  if not state.firing then return { receiver = name, told = false, code = "resolved", text = "was told nothing: it did not fire" } end
  if state.muted then return { receiver = name, told = false, code = "muted", text = "was not told: " .. state.muted } end
  for _, e in pairs(state.decisions) do
    if e.receiver == name then
      return { receiver = name, told = false, code = "decided", text = ("was not told: %s (decided at %s)"):format(e.reason, router.host.rfc3339(e.at)) }
    end
  end
  return { receiver = name, told = false, code = "unknown", text = ("was not told: nothing was decided by %s"):format(router.host.rfc3339(at)) }
end

--- What EVENTS say about QUERY.at, for all receivers or QUERY.receiver: as why_verdict.lua.
function M.of(router, events, query)
  local state, last = timeline.at(events, query.at), last_words(events, query.at)
  local names = query.receiver and { query.receiver } or names_of(router, state, last)
  local out, any, texts = {}, false, {}
  for i, name in ipairs(names) do
    out[i] = of_receiver(router, name, state, last, query.at)
    texts[i], any = name .. " " .. out[i].text, any or out[i].told
  end
  local fired = state.firing and "it fired then" or "it did not fire then"
  local muted = state.firing and state.muted and "; " .. state.muted or ""
  local text = #texts > 0 and ("%s; %s"):format(fired, table.concat(texts, "; ")) or ("%s%s; nobody was told by then"):format(fired, muted)
  return { text = text, told = any, firing = state.firing, receivers = router.host.json.array(out) }
end

return M

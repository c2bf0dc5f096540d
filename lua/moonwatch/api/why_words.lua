--- why_words.lua - who mutes an alert, in words and as JSON: names, authors and ends.
local labels_of = require "moonwatch.route.labels"
local silence_rules = require "moonwatch.route.silence_rules"

local M = {}

local LONGEST = 200

--- TEXT from outside, bounded and on one line.
function M.line(text)
  text = tostring(text):gsub("%c+", " ")
  if #text <= LONGEST then return text end
  local n = LONGEST
  while n > 0 and text:byte(n + 1) >= 128 and text:byte(n + 1) < 192 do n = n - 1 end
  return text:sub(1, n) .. "..."
end

--- `Down{job="api"}`: an alert by its labels.
function M.alert(labels)
  local rest = {}
  for name, value in labels_of.each(labels) do
    if name ~= "alertname" then rest[name] = value end
  end
  return M.line((labels.alertname or "alert") .. (next(rest) and labels_of.text(rest) or ""))
end

local function silence(router, id)
  local s = router.silences:get(id)
  if not s then return { id = id, text = ("silence %s"):format(id) } end
  local ends = router.host.rfc3339(s.ends_at)
  local said = s.comment and s.comment ~= "" and (" (%s)"):format(M.line(s.comment)) or ""
  return { id = id, author = s.created_by, comment = s.comment, ends = ends, matchers = silence_rules.text(s),
    text = ("silence %s by %s mutes it until %s%s"):format(id, M.line(s.created_by or "somebody"), ends, said) }
end

local function inhibitor(router, fp, source)
  local alert = router.alerts:get(fp)
  local labels = source or alert and alert.labels
  return { id = fp, labels = labels, text = ("alert %s inhibits it"):format(labels and M.alert(labels) or fp) }
end

local function window(router, name, at, outside)
  local w = router.windows[name]
  local ends = w and w:next_change(at)
  local text = outside and ("it is outside of the active window %s"):format(name) or ("it is inside the mute window %s"):format(name)
  return { id = name, ends = ends and router.host.rfc3339(ends) or nil,
    text = text .. (ends and (" until %s"):format(router.host.rfc3339(ends)) or "") }
end

local KINDS = {
  silenced = function(router, id) return silence(router, id) end,
  inhibited = function(router, fp, _, source) return inhibitor(router, fp, source) end,
  window = function(router, name, reason, _, at) return window(router, name, at, reason.text:find "^outside") end,
}

--- REASON of mute.lua, as of AT: { kind=, by={ {id=, author=, comment=, ends=, text=} }, text= }.  SOURCE: labels of what inhibits.
function M.muted(router, reason, at, source)
  local by, texts = {}, {}
  for i, id in ipairs(reason.by) do
    by[i] = KINDS[reason.kind](router, id, reason, source, at)
    texts[i] = by[i].text
  end
  return { kind = reason.kind, by = router.host.json.array(by), text = table.concat(texts, "; ") }
end

--- The silences IDS, which mean one receiver only.
function M.muted_for(router, ids, at)
  return M.muted(router, { kind = "silenced", by = ids, text = "" }, at)
end

--- The matchers that decided about ROW of explain.lua: "team=\"web\" says no (team is \"db\")".
function M.matchers(row)
  local out = {}
  for _, m in ipairs(row.matchers or {}) do
    if row.state ~= "no" or not m.ok then
      out[#out + 1] = row.state == "no" and ("%s says no (it is %s)"):format(m.matcher, m.value and ('"%s"'):format(M.line(m.value)) or "missing") or m.matcher
    end
  end
  return out
end

--- One sentence about ROW.
function M.route(row)
  local decided = table.concat(M.matchers(row), ", ")
  if row.state == "no" then return "not taken: " .. decided end
  if row.state == "not asked" then return ("not asked: %s took it before and does not continue"):format(row.taker) end
  local by = decided ~= "" and " by " .. decided or ""
  return row.state == "taken" and "taken" .. by or "passed on to its children" .. by
end

return M

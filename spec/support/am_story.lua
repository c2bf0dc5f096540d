--- am_story.lua - what happens to alerts and silences, by chance, second by second.
--
-- Times are relative to the second in which it happens; groups are flushed at half seconds.  What starts before now makes a new group
-- speak at once, so that happens at a quarter past: its group is then flushed at quarters, and nothing else happens there.
local json = require "dkjson"
local labels = require "am_labels"

local M = {}

local TEXTS = { "one", "two", "<three> & é", "", "a\nb", "100%" }

local function annotations(c, lively)
  local out = setmetatable({ summary = c:one(TEXTS) }, { __jsontype = "object" })
  if lively and c:often(40) then out.runbook = c:one { "http://wiki/1", "" } end
  if lively and c:often(10) then out.summary = nil end
  return out
end

-- What only an odd sender says of the times of OUT: ends long past, starts to come, both the wrong way round.
local function odd_times(c, out)
  local way = c:next(6)
  if way == 0 then out.ends = -c:next(3) - 1
  elseif way == 1 then out.starts, out.ends = 2, 5
  elseif way == 2 then out.starts, out.ends = 3, 1
  elseif way == 3 then out.starts = 3600
  elseif way == 4 then out.ends = 3600
  else out.starts, out.ends = 0, 0 end
end

local function odd_labels(c, out)
  local set = {}
  for name, value in pairs(out.labels) do set[name] = value end
  local way = c:next(5)
  if way == 0 then set["bad-name"] = "x" -- refused; others of the same request are not
  elseif way == 1 then set = { team = "" }
  else set.nothing = "" end
  out.labels = set
end

local function alert(c, world, known)
  local old = #known > 0 and c:often(55) and c:one(known)
  local out = { labels = old or labels.labels(c, world.words), annotations = annotations(c, world.lively), generatorURL = "http://gen/" .. c:next(2) }
  if not old then known[#known + 1] = out.labels end
  if old and c:often(50) then out.ends = 0
  elseif c:often(40) then out.starts, out.ends = 0, c:one { 2, 3, 60 }
  elseif c:often(30) then out.starts = 0 end
  if world.lively and c:often(20) then odd_times(c, out) end
  if world.lively and c:often(12) then odd_labels(c, out) end
  return out
end

local function silence(c, world)
  local from, list = c:often(25) and 2 or 0, {}
  for i = 1, c:often(30) and 2 or 1 do
    local m = labels.matcher(c, world.words)
    list[i] = { name = m.name, value = m.value, isRegex = m.op:find "~" ~= nil, isEqual = m.op:sub(1, 1) == "=" }
  end
  return { matchers = list, starts = from, ends = from + 3 + c:next(5), comment = "c" }
end

-- Something about a silence is said anew, under its id.
local function change(c, world)
  local way = c:next(world.lively and 6 or 1)
  if way == 1 then return { ends = 1 }
  elseif way == 2 then return { ends = -1 }
  elseif way == 3 then return { comment = "d" }
  elseif way == 4 then return { starts = 1 }
  elseif way == 5 then
    -- Never ones that are refused: Alertmanager ends the silence all the same.
    return { matchers = { { name = "alertname", value = c:one(world.words.values.alertname), isRegex = false, isEqual = true } } }
  end
  return { longer = 2 }
end

-- What happens at second T, beside alerts.
local function about_silences(c, world, made, now)
  if c:often(30) then
    made = made + 1
    now[#now + 1] = { "silence", silence(c, world) }
  end
  if made > 0 and c:often(15) then now[#now + 1] = { "expire", 1 + c:next(made) } end
  if made > 0 and c:often(world.lively and 35 or 15) then now[#now + 1] = { "change", { n = 1 + c:next(made), what = change(c, world) } } end
  return made
end

--- What is done at each of SECONDS whole seconds, and at a quarter past: list of lists of { verb, argument, late= }.
-- WORLD: { words= (am_labels), lively= }.
function M.story(c, world, seconds)
  local out, known, silences = {}, {}, 0
  for t = 1, seconds do
    local now = {}
    for _ = 1, (t == 1 and 2 or c:next(3)) do
      local list = {}
      for i = 1, 1 + c:next(3) do list[i] = alert(c, world, known) end
      now[#now + 1] = { "alerts", list }
    end
    silences = about_silences(c, world, silences, now)
    if world.lively and c:often(30) then
      local early = alert(c, world, {})
      early.starts, early.ends = -c:one { 1, 5, 600 }, c:one { false, 5, 60 } or nil
      now[#now + 1] = { "alerts", { early }, late = true }
    end
    out[t] = now
  end
  return out
end

--- STORY as lines, for whoever looks for what went wrong.
function M.told(story)
  local lines = {}
  for t, events in ipairs(story) do
    for _, event in ipairs(events) do lines[#lines + 1] = ("%d%s %s %s"):format(t, event.late and ".25" or "", event[1], json.encode(event[2])) end
  end
  return table.concat(lines, "\n")
end

return M

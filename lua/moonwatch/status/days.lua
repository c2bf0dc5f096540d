--- days.lua - what each of the last 90 days was like for a check: seconds up, degraded, down and not counted, in UTC.
--
-- Plain values, oldest first: { day= (since 1970), up=, degraded=, down=, excused= }; what is missing of a day is not known.
local M = {}

M.KEPT = 90
local DAY = 86400
local PARTS = { "up", "degraded", "down", "excused" }
local PART = { healthy = "up", degraded = "degraded", unhealthy = "down", maintenance = "excused" }

--- Which part a check with STATUS and EXCUSE counts for; nil: for none.
function M.part(status, excuse) return excuse and "excused" or PART[status] end

local function day_of(list, day)
  local last = list[#list]
  if last and last.day == day then return last end
  if last and last.day > day then return nil end
  last = { day = day, up = 0, degraded = 0, down = 0, excused = 0 }
  list[#list + 1] = last
  while list[1].day <= day - M.KEPT do table.remove(list, 1) end
  return last
end

--- From T0 to T1 it was PART.
function M.add(list, t0, t1, part)
  while t0 < t1 do
    local day = math.floor(t0 / DAY)
    local untill = math.min(t1, (day + 1) * DAY)
    local row = day_of(list, day)
    if row then row[part] = row[part] + untill - t0 end
    t0 = untill
  end
end

--- The share of what counts that was up, or nil; and the seconds that count.
function M.share(row)
  local good = row.up + row.degraded
  local all = good + row.down
  return all > 0 and good / all or nil, all
end

--- All days together as one row.
function M.sum(list)
  local out = { up = 0, degraded = 0, down = 0, excused = 0 }
  for _, row in ipairs(list) do
    for _, part in ipairs(PARTS) do out[part] = out[part] + row[part] end
  end
  return out
end

-- FORM of the check NAME by day: of whole days, and of the one that NOW is in.
local function ask(host, form, name, now)
  local out, today = {}, math.floor(now / DAY)
  local rows = host.range(form:format(name, DAY), (today - M.KEPT + 2) * DAY, today * DAY, DAY)
  for _, p in ipairs(rows and rows[1] and rows[1].points or {}) do out[math.floor(p[1] / DAY) - 1] = p[2] end
  local begun = math.floor(now - today * DAY)
  local last = begun >= 1 and host.query(form:format(name, begun), now)
  out[today] = last and last[1] and last[1].value
  return out
end

--- What the store of HOST has of the days until NOW of the check NAME, which is probed each EVERY seconds.
function M.from_store(host, name, every, now)
  local list, today = {}, math.floor(now / DAY)
  local up = ask(host, "sum(sum_over_time(check_up{check=%q}[%ds]))", name, now)
  local n = ask(host, "sum(count_over_time(check_up{check=%q}[%ds]))", name, now)
  for day = today - M.KEPT + 1, today do
    if n[day] and n[day] > 0 then
      local seconds = math.min(day == today and now - today * DAY or DAY, n[day] * every)
      local good = seconds * (up[day] or 0) / n[day]
      list[#list + 1] = { day = day, up = good, degraded = 0, down = seconds - good, excused = 0 }
    end
  end
  return list
end

--- What an older run SAVED.
function M.read(saved)
  if type(saved) ~= "table" then return nil end
  local out = {}
  for _, row in ipairs(saved) do
    local good = type(row) == "table" and type(row.day) == "number" and (#out == 0 or row.day > out[#out].day)
    for _, part in ipairs(PARTS) do good = good and type(row[part]) == "number" end
    if good then out[#out + 1] = { day = row.day, up = row.up, degraded = row.degraded, down = row.down, excused = row.excused } end
  end
  while #out > M.KEPT do table.remove(out, 1) end
  return out
end

return M

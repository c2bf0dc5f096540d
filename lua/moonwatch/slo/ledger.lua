--- ledger.lua - what one SLO has counted so far: events and bad ones as sums that only grow, over time.
--
-- Whatever is asked of a window is the difference of two moments, so busy hours weigh what they weigh, and nothing is read
-- twice.  Moments are kept in tiers: all of the last hour, one a minute of the last hours, one in five minutes of the last days,
-- one an hour as far back as wanted.  Between two moments the sums rise in a straight line, which also is what is said of a
-- stretch in which nobody counted.
local M = {}
M.__index = M

local MINUTE, HOUR, DAY = 60, 3600, 86400
local WORST = 100 -- hours that are saved one by one, however old
local GRAINS = { { 0, 65 * MINUTE }, { MINUTE, 7 * HOUR }, { 5 * MINUTE, 4 * DAY }, { HOUR } }

local function tier(grain, keep) return { grain = grain, keep = keep, t = {}, total = {}, bad = {}, first = 1, last = 0 } end

--- An empty ledger.  reach: seconds that hours are kept.
function M.new(reach)
  local self = setmetatable({ total = 0, bad = 0, reach = reach, tiers = {}, pins = {} }, M)
  for i, row in ipairs(GRAINS) do self.tiers[i] = tier(row[1], row[2] or reach) end
  return self
end

--- Begin at T with these sums.
function M:begin(t, total, bad)
  self.at, self.total, self.bad, self.began = t, total or 0, bad or 0, t
  for _, row in ipairs(self.tiers) do
    row.t, row.total, row.bad, row.first, row.last = { t }, { self.total }, { self.bad }, 1, 1
  end
end

-- Are A and B in two different pieces of GRAIN?
local function crosses(a, b, grain) return grain == 0 or math.floor(a / grain) ~= math.floor(b / grain) end

-- What is older than wanted goes; one moment before that stays, so that there is something to draw a line from.
local function forget(row, before)
  while row.first < row.last and row.t[row.first + 1] <= before do
    row.t[row.first], row.total[row.first], row.bad[row.first] = nil, nil, nil
    row.first = row.first + 1
  end
end

--- TOTAL events, BAD of them bad, happened from the last moment until T.
function M:add(t, total, bad)
  local before = self.at
  self.at, self.total, self.bad = t, self.total + total, self.bad + bad
  for _, row in ipairs(self.tiers) do
    if crosses(before, t, row.grain) then
      row.last = row.last + 1
      row.t[row.last], row.total[row.last], row.bad[row.last] = t, self.total, self.bad
      forget(row, t - row.keep)
    end
  end
  self.began = self.tiers[#self.tiers].t[self.tiers[#self.tiers].first]
end

--- What happened before it began: LIST of { t, total, bad, pinned }, sums at moments, oldest first, all of them before `began`.
function M:prepend(list)
  if #list == 0 then return end
  for _, row in ipairs(self.tiers) do
    local t, total, bad = {}, {}, {}
    local last
    for _, p in ipairs(list) do
      if p[1] < row.t[row.first] and p[1] >= self.at - row.keep and (not last or p[4] or crosses(last, p[1], row.grain)) then
        last, t[#t + 1], total[#total + 1], bad[#bad + 1] = p[1], p[1], p[2], p[3]
      end
    end
    if #t > 0 then
      for i = row.first, row.last do t[#t + 1], total[#total + 1], bad[#bad + 1] = row.t[i], row.total[i], row.bad[i] end
      row.t, row.total, row.bad, row.first, row.last = t, total, bad, 1, #t
    end
  end
  for _, p in ipairs(list) do
    if p[4] then self.pins[p[1]] = true end
  end
  self.began = math.min(self.began, list[1][1])
end

-- What ROW keeps of LIST, sums at moments, the oldest first: put at its end.
local function append(row, list, oldest)
  for i, p in ipairs(list) do
    if p[1] >= oldest and (i == 1 or i == #list or crosses(list[i - 1][1], p[1], row.grain)) then
      row.last = row.last + 1
      row.t[row.last], row.total[row.last], row.bad[row.last] = p[1], p[2], p[3]
    end
  end
end

-- LIST takes the place of what ROW has of its time; what is older moves by TOTAL and BAD, what is younger is no less than its end.
local function put_between(row, list, oldest, total, bad)
  local from, to, tail = list[1][1], list[#list][1], {}
  local n = row.first
  while n <= row.last and row.t[n] < from do
    row.total[n], row.bad[n] = row.total[n] + total, row.bad[n] + bad
    n = n + 1
  end
  for i = n, row.last do
    if row.t[i] > to then tail[#tail + 1] = { row.t[i], math.max(row.total[i], list[#list][2]), math.max(row.bad[i], list[#list][3]) } end
    row.t[i], row.total[i], row.bad[i] = nil, nil, nil
  end
  row.last = n - 1
  append(row, list, oldest)
  for _, p in ipairs(tail) do
    row.last = row.last + 1
    row.t[row.last], row.total[row.last], row.bad[row.last] = p[1], p[2], p[3]
  end
end

--- From FROM on it was otherwise: ROWS are { t, total, bad }, what happened until each t, the oldest first; none of them is younger than
-- the last moment.  TOTAL and BAD: the sums at FROM.
function M:replace(from, rows, total, bad)
  local was_total, was_bad = self:value(from)
  local list = { { from, total, bad } }
  local sum, bad_sum = total, bad
  for i, r in ipairs(rows) do
    sum, bad_sum = sum + r[2], bad_sum + r[3]
    list[i + 1] = { r[1], sum, bad_sum }
  end
  for _, row in ipairs(self.tiers) do put_between(row, list, self.at - row.keep, total - was_total, bad - was_bad) end
  for t in pairs(self.pins) do
    if t > from and t < list[#list][1] or t < self.began then self.pins[t] = nil end
  end
  if rows[#rows][1] >= self.at then self.total, self.bad = sum, bad_sum end
  self.began = self.tiers[#self.tiers].t[self.tiers[#self.tiers].first]
end

--- T, before the last moment, is a moment of its own from now on, in all tiers, with these sums.
function M:pin(t, total, bad)
  for _, row in ipairs(self.tiers) do
    if row.t[row.first] < t then put_between(row, { { t, total, bad } }, t, 0, 0) end
  end
  self.pins[t] = true
end

-- The last place of ROW at or before T.
local function place(row, t)
  local low, high = row.first, row.last
  while low < high do
    local mid = math.ceil((low + high) / 2)
    if row.t[mid] <= t then low = mid else high = mid - 1 end
  end
  return low
end

--- The sums at T.
function M:value(t)
  if t >= self.at then return self.total, self.bad end
  for _, row in ipairs(self.tiers) do
    if row.t[row.first] <= t then
      local i = place(row, t)
      local t1, total1, bad1 = row.t[i], row.total[i], row.bad[i]
      local t2, total2, bad2 = row.t[i + 1], row.total[i + 1], row.bad[i + 1]
      if not t2 then t2, total2, bad2 = self.at, self.total, self.bad end
      local share = t2 > t1 and (t - t1) / (t2 - t1) or 0
      return total1 + (total2 - total1) * share, bad1 + (bad2 - bad1) * share
    end
  end
  local row = self.tiers[#self.tiers]
  return row.total[row.first], row.bad[row.first]
end

--- Events and bad events from FROM to TO.
function M:between(from, to)
  if not self.at or to <= from then return 0, 0 end
  local total1, bad1 = self:value(from)
  local total2, bad2 = self:value(to)
  return total2 - total1, math.min(bad2 - bad1, total2 - total1)
end

-- -- over restarts ---------------------------------------------------------

-- Places of ROW before AGE whose hours were the worst: their ends and their beginnings are marked in KEPT.
local function keep_worst(row, age, kept)
  local list = {}
  for i = row.first + 1, row.last do
    local bad = row.bad[i] - row.bad[i - 1]
    if row.t[i] < age and bad > 1e-9 then list[#list + 1] = { i, bad } end
  end
  table.sort(list, function(a, b) return a[2] > b[2] end)
  for k = 1, math.min(WORST, #list) do kept[list[k][1]], kept[list[k][1] - 1] = true, true end
end

--- The moments of the hours, as lists: every hour's of the last RECENT seconds; of what is older the first one of each day, all that are pinned,
-- which are named in `pins`, and the hours that were the worst.  day_of(t): the number of the day of T.
function M:hours(recent, day_of)
  local row, out, day = self.tiers[#self.tiers], { t = {}, total = {}, bad = {}, pins = {} }, nil
  local kept, age = { [self.tiers[#self.tiers].first] = true }, self.at - recent
  keep_worst(row, age, kept)
  for i = row.first, row.last do
    local t = row.t[i]
    local today, pinned = day_of(t), self.pins[t]
    if t >= age or today ~= day or pinned or kept[i] then
      local n = #out.t + 1
      out.t[n], out.total[n], out.bad[n] = t, row.total[i], row.bad[i]
      if pinned then out.pins[#out.pins + 1] = t end
    end
    day = today
  end
  return out
end

return M

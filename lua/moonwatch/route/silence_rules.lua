--- silence_rules.lua - what a silence must be like, and when a changed one is still the same.
local matchers = require "moonwatch.route.matchers"

local M = {}

-- Rows: what may be given beside the matchers and times, and whether changing it makes another silence.
local OPTIONS = { { "others", true }, { "recurring", true }, { "window", true }, { "receivers", true }, { "annotations" }, { "until_resolved" },
  { "remind" } }

-- The most that one silence may have of each.
local MATCHERS, SETS, RECEIVERS, ANNOTATIONS = 200, 50, 50, 50
local SIZE, NUMBER = 65536, 20000

--- S over OLD (nil: none): what S does not name stays, false means none.
function M.over(old, s)
  local out = { id = s.id, matchers = s.matchers, starts_at = s.starts_at, ends_at = s.ends_at, created_by = s.created_by, comment = s.comment }
  for _, row in ipairs(OPTIONS) do
    local name = row[1]
    local value = s[name]
    if value == nil and old then value = old[name] end
    out[name] = value or nil
  end
  if s.window then out.recurring = nil elseif s.recurring then out.window = nil end
  -- Other matchers without a word about further lists are all that is meant.
  if old and s.others == nil and not M.same_list(old.matchers, s.matchers) then out.others = nil end
  return out
end

--- The lists of matchers of S, any of which may match.
function M.lists(s)
  local out = { s.matchers }
  for _, list in ipairs(s.others or {}) do out[#out + 1] = list end
  return out
end

--- The lists of S compiled; nil, message.
function M.compile(s, host)
  local sets = {}
  for i, list in ipairs(M.lists(s)) do
    local specs = {}
    for k, m in ipairs(list) do specs[k] = { name = m.name, value = m.value, op = matchers.op(m) } end
    local err
    sets[i], err = matchers.compile(specs, host)
    if not sets[i] then return nil, err end
  end
  return sets
end

--- `{team="web",job=~"a|b"}`, with ` or ` between several lists.
function M.text(s)
  local texts = {}
  for i, list in ipairs(M.lists(s)) do
    local out = {}
    for k, m in ipairs(list) do out[k] = m.name .. matchers.op(m) .. matchers.quote(m.value) end
    texts[i] = "{" .. table.concat(out, ",") .. "}"
  end
  return table.concat(texts, " or ")
end

-- -- refusals --------------------------------------------------------------------

-- As Alertmanager has it, what is negated counts as something that is asked for.
local function matches_empty(m, host)
  if m.isEqual == false then return false end
  if not m.isRegex then return m.value == "" end
  local re = host.regex(m.value)
  return re ~= nil and re:match ""
end

local function list_problem(list, number, host)
  if #list == 0 then return number == 1 and "at least one matcher required" or ("matcher set %d is empty"):format(number - 1) end
  if #list > MATCHERS then return ("%d matchers; at most %d"):format(#list, MATCHERS) end
  local some = false
  for _, m in ipairs(list) do
    if m.name == "" or m.name:find "%c" then return ("invalid label name %q"):format(m.name) end
    if not matches_empty(m, host) then some = true end
  end
  if not some then return "at least one matcher must not match the empty string" end
end

local function options_problem(s, silences)
  if s.window and not silences.windows[s.window] then return ("there is no window %q"):format(s.window) end
  if #(s.receivers or {}) > RECEIVERS then return ("%d receivers; at most %d"):format(#s.receivers, RECEIVERS) end
  local n = 0
  for _ in pairs(s.annotations or {}) do n = n + 1 end
  if n > ANNOTATIONS then return ("%d annotations; at most %d"):format(n, ANNOTATIONS) end
end

--- What is wrong with S at NOW, or nil.
function M.problem(s, silences, now)
  if s.starts_at >= s.ends_at then return "Failed to create silence: start time must be before end time" end
  if s.ends_at < now then return "Failed to create silence: end time can't be in the past" end
  local lists = M.lists(s)
  if #lists > SETS then return ("%d sets of matchers; at most %d"):format(#lists, SETS) end
  for i, list in ipairs(lists) do
    local why = list_problem(list, i, silences.host)
    if why then return "invalid silence: " .. why end
  end
  return options_problem(s, silences)
end

--- Is there no room for one more?  Expired ones count until they are forgotten.
function M.too_many(silences)
  local most = silences.limits.silences or NUMBER
  if most > 0 and silences.number + 1 > most then
    return ("exceeded maximum number of silences: %d (limit: %d)"):format(silences.number, most)
  end
end

function M.too_large(silences, s)
  local most = silences.limits.silence_bytes or SIZE
  local size = #silences.host.json.encode(s)
  if most > 0 and size > most then return ("silence exceeded maximum size: %d bytes (limit: %d bytes)"):format(size, most) end
end

-- -- the same ---------------------------------------------------------------------

function M.same_list(a, b)
  if #a ~= #b then return false end
  for i, m in ipairs(a) do
    local n = b[i]
    if m.name ~= n.name or m.value ~= n.value or matchers.op(m) ~= matchers.op(n) then return false end
  end
  return true
end

local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do if not equal(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end

local KEEPS_ID = {
  active = function(old, new, now)
    return math.floor(old.starts_at) == math.floor(new.starts_at) and new.ends_at >= now
  end,
  -- Our clock is cut to milliseconds: what begins in this one has begun.
  pending = function(_, new, now) return new.starts_at > now end,
  expired = function() return false end,
}

--- May OLD, which is in STATE, become NEW and keep its id?
function M.keeps_id(state, old, new, now)
  if not M.same_list(old.matchers, new.matchers) then return false end
  for _, row in ipairs(OPTIONS) do
    if row[2] and not equal(old[row[1]], new[row[1]]) then return false end
  end
  return KEEPS_ID[state](old, new, now)
end

-- -- receivers --------------------------------------------------------------------

--- Does one of NAMES mean TARGET: its receiver ("oncall"), one kind there ("oncall/pagerduty"), or that very one ("oncall/pagerduty/1")?
function M.meant(names, target)
  local kind = target.receiver .. "/" .. target.kind
  for _, name in ipairs(names) do
    if name == target.receiver or name == kind or name == target.key then return true end
  end
  return false
end

return M

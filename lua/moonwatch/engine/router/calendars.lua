--- calendars.lua - the calendars of rotations: read from files and addresses, the last good one kept.
--
-- A file is looked at every 30 seconds, an address asked as often as its rotation says, and after a failure
-- each minute.  What cannot be had or read changes nothing but what is said about it; what an address gave
-- last is in the data folder, so that a restart without network knows it.
local ical = require "moonwatch.route.ical"
local recipients = require "moonwatch.engine.router.recipients"
local sooner = require "moonwatch.sooner"

local M = {}
M.__index = M

local FILE_EVERY, RETRY, TIMEOUT = 30, 60, 20

function M.new(router, host) return setmetatable({ router = router, host = host, known = {} }, M) end

-- Where the calendar of ONCALL is, as a text; nil, message when a secret is missing.
local function source_of(self, oncall)
  if type(oncall.ical) ~= "table" then return oncall.ical end
  local name = oncall.ical["@secret"]
  local text = self.host.secret(name)
  if not text then return nil, ("secret %q is not set: no such environment variable or file"):format(name) end
  return text
end

local function is_address(source) return source:find "^https?://" ~= nil end
local function copy_path(self, source) return ("%s/oncall-%s.ics"):format(self.host.data_dir, self.host.sha256(source):sub(1, 16)) end

local function complain(self, oncall, known, why)
  if known.error == why then return end
  known.error = why
  self.host.log("warn", "the calendar of a rotation could not be read; what it said last stays in force", { oncall = oncall.name, error = why })
end

-- Put TEXT in force for ONCALL.  True when it is a calendar.
local function apply(self, oncall, known, text, now)
  local cal, why = ical.parse(text, self.host, self.router.people, oncall.zone)
  if not cal then
    complain(self, oncall, known, why)
    return false
  end
  known.error, known.text, known.read_at, known.problems = nil, text, known.read_at or now, cal.problems
  oncall:set_calendar(cal)
  recipients.changed(self.router, now)
  return true
end

-- What was read before, for an ONCALL of a new configuration or of a new life.
local function recall(self, oncall, known, now)
  if known.applied == oncall then return end
  known.applied = oncall
  local text = known.text
  if not text and is_address(known.source) then text = self.host.read_file(copy_path(self, known.source)) end
  if text then apply(self, oncall, known, text, now) end
end

local function read_file(self, oncall, known, now)
  known.due = now + FILE_EVERY
  if known.source:find "^%a[%w+.-]*://" then return complain(self, oncall, known, "it is no file, and only http:// and https:// are asked") end
  local stat = self.host.stat(known.source)
  if not stat then return complain(self, oncall, known, "there is no file " .. known.source) end
  if stat.size > ical.TEXT then return complain(self, oncall, known, ("%s is larger than %d bytes"):format(known.source, ical.TEXT)) end
  local mark = ("%s/%s"):format(stat.mtime, stat.size)
  if known.mark == mark and known.text then return end
  local text, why = self.host.read_file(known.source)
  if not text then return complain(self, oncall, known, tostring(why)) end
  known.mark, known.read_at = mark, now
  apply(self, oncall, known, text, now)
end

-- Which of KNOWN's rotation is in force when the answer comes.
local function answered(self, known, answer)
  local oncall, now = self.router.oncalls[known.name], self.host.now()
  known.asking = nil
  if not oncall or self.known[known.name] ~= known then return end
  local why = answer.error or answer.status ~= 200 and ("answered %s"):format(tostring(answer.status)) or nil
  if why then
    complain(self, oncall, known, why)
  elseif answer.body == known.text then
    known.error, known.read_at = nil, now
  else
    known.read_at = now
    if apply(self, oncall, known, answer.body or "", now) then self.host.write_file(copy_path(self, known.source), answer.body) end
  end
  known.due = now + (known.error and math.min(RETRY, known.every) or known.every)
end

local function ask(self, known, now)
  known.asking, known.due = true, now + TIMEOUT * 3
  self.host.call("http", { url = known.source, method = "GET", headers = { accept = "text/calendar" }, timeout = TIMEOUT, follow = true,
    max_body = ical.TEXT }, function(answer) answered(self, known, answer) end)
end

local function look(self, oncall, now)
  local known = self.known[oncall.name]
  if known and known.due > now and known.applied == oncall then return end
  local source, why = source_of(self, oncall)
  if not known or known.source ~= source then
    known = { name = oncall.name, source = source, due = now }
    self.known[oncall.name] = known
  end
  known.every = oncall.every or 900
  if not source then
    known.due = now + RETRY
    return complain(self, oncall, known, why)
  end
  recall(self, oncall, known, now)
  if known.due > now or known.asking then return end
  if is_address(source) then ask(self, known, now) else read_file(self, oncall, known, now) end
end

--- Look at what is due.  Answers when to come again; nil when there is no calendar.
function M:tick(now)
  local at
  for name, oncall in pairs(self.router.oncalls) do
    if oncall.ical then
      look(self, oncall, now)
      local due = self.known[name].due
      at = sooner(at, due)
    end
  end
  return at
end

--- What is known of the calendar of rotation NAME: {error=, read_at=, problems=} or nil.
function M:about(name) return self.known[name] end

return M

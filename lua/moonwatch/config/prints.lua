--- prints.lua - which files run, by their hashes, and what of that changed: a load as the audit chain knows it.
--
-- DATA/rules-prints.json has the hashes of what ran last, so that a start says what was changed while nobody was there.
local audit = require "moonwatch.audit"
local keys_of = require "moonwatch.keys"

local M = {}
M.__index = M

local SHOWN = 30 -- files of an entry

local function path(self) return self.host.data_dir .. "/rules-prints.json" end

--- path -> SHA-256 of its text.
local function of(host, set)
  local out = {}
  for file, unit in pairs(set.units or {}) do out[file] = host.sha256(unit.source) end
  for file, text in pairs(set.modules or {}) do
    if type(text) == "string" then out[file] = host.sha256(text) end
  end
  return out
end

function M.new(host)
  local self = setmetatable({ host = host, known = {} }, M)
  local text = host.read_file(path(self))
  local saved = text and host.json.decode(text)
  for file, print in pairs(type(saved) == "table" and saved or {}) do
    if type(file) == "string" and type(print) == "string" then self.known[file] = print end
  end
  return self
end

-- One text that stands for all of PRINTS.
local function whole(host, prints)
  local out = {}
  for i, file in ipairs(keys_of(prints)) do out[i] = file .. "\0" .. prints[file] end
  return host.sha256(table.concat(out, "\n"))
end

-- file -> "HASH", "HASH -> HASH" or "removed"; how many of each.
local function changes(old, new)
  local rows, added, changed, removed = {}, 0, 0, 0
  for file, print in pairs(new) do
    if not old[file] then rows[file], added = "added " .. print, added + 1
    elseif old[file] ~= print then rows[file], changed = ("%s -> %s"):format(old[file], print), changed + 1 end
  end
  for file, print in pairs(old) do
    if not new[file] then rows[file], removed = "removed " .. print, removed + 1 end
  end
  return rows, added, changed, removed
end

local function keep(self, prints)
  self.known = prints
  local ok, why = self.host.write_file(path(self), self.host.json.encode(setmetatable(prints, nil)))
  if not ok then self.host.log("error", "the hashes of the files that run were not kept on disk: " .. tostring(why)) end
end

--- SET runs, which JOB of rules_load.lua loaded.
function M:loaded(set, job)
  local prints = of(self.host, set)
  local rows, added, changed, removed = changes(self.known, prints)
  local files = keys_of(rows)
  local details = { reason = job.reason, files = #keys_of(prints), set = whole(self.host, prints), added = added, changed = changed, removed = removed }
  for i = 1, math.min(#files, SHOWN) do details["file " .. files[i]] = rows[files[i]] end
  audit.note(self.host, "config.loaded", job.who or "moonwatch", details)
  if #files > 0 then keep(self, prints) end
end

--- A load was refused for PROBLEMS; what ran goes on.
function M:refused(problems, reason, who)
  audit.note(self.host, "config.refused", who or "moonwatch", { reason = reason, problems = #problems, first = problems[1] and problems[1].text })
end

return M

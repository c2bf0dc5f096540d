--- trial.lua - would moonwatch load what was just written?  Each declaration is tried before it goes into a file.
local ours = require "moonwatch.guest_sources"
local schema = require "moonwatch.config.schema"
local words = require "moonwatch.words"

local M = {}

local function module_of(name) return ours[name], name end

--- The first thing that is wrong with the declaration CODE, which may use what the lines NEEDS bring; nil when nothing is.
function M.problem(host, code, needs)
  local guest, err = host.guest { name = "import", source = table.concat(needs, "\n") .. "\n" .. code, words = words.shapes(),
                                  kinds = words.kind_names(), module = module_of, budget = {} }
  if not guest then return (err[1] or err).message end
  local why
  for _, decl in ipairs(guest:declarations()) do
    local _, problems = schema.check(words.by_name[decl.word], decl, { host = host, guest = "import" })
    why = why or problems[1] and problems[1].message
  end
  guest:close()
  return why
end

return M

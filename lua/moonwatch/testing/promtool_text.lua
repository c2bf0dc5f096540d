--- promtool_text.lua - the texts of Prometheus rules: as texts of ours, or as functions in guests of their own.
--
-- What a Go template says in Lua is the importer's to know, so a test that passes here says the same of imported rules.
local gotemplate = require "moonwatch.import.gotemplate_lua"
local sources = require "moonwatch.guest_sources"

local M = {}
M.__index = M

local MOST = 100000 -- bytes of templates in one guest

function M.new(host) return setmetatable({ host = host, units = {}, list = {}, size = 0 }, M) end

--- TEXT as a field of a rule; nil and why when it cannot be read.  OWN: names of the labels that the rule sets; OF_LABEL: it is
-- the text of a label, not of an annotation.
function M:add(text, own, of_label)
  local found, why = gotemplate.convert(text, { own = own, of_label = of_label })
  if not found then return nil, why end
  if found.text then return found.text end
  local unit = self.unit
  if not unit or unit.size > MOST then
    unit = { path = ("(templates %d)"):format(#self.list + 1), code = {}, size = 0, items = {}, stamp = "" }
    self.unit = unit
    self.list[#self.list + 1] = unit
  end
  unit.code[#unit.code + 1], unit.size = found.lua, unit.size + #found.lua
  local fn = { guest = unit.path, stamp = unit.stamp }
  unit.items[#unit.code] = fn
  return fn
end

local function open(self, unit)
  local source = 'local t = require "moonwatch.template"\ntexts {\n' .. table.concat(unit.code, ",\n") .. "\n}\n"
  local guest, problems = self.host.guest {
    name = unit.path, source = source, words = { texts = "table" }, kinds = {}, module = function(name) return sources[name], name end,
  }
  if not guest then error(("templates do not load: %s"):format(problems.message), 0) end
  unit.guest = guest
  for i, fn in ipairs(guest:declarations()[1].fields) do unit.items[i]["@fn"] = fn["@fn"] end
  unit.items, unit.code = {}, nil
end

--- All texts are there: their guests as units of a set, by path.
function M:open()
  local units = {}
  for _, unit in ipairs(self.list) do
    open(self, unit)
    units[unit.path] = unit
  end
  return units
end

return M

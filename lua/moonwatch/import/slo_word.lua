--- slo_word.lua - one objective as the word `slo`, from plain values.
local lua = require "moonwatch.import.lua_source"
local writer = require "moonwatch.import.lua_writer"
local keys_of = require "moonwatch.keys"

local M = {}

local QUERIES = { good = true, bad = true, total = true, ratio = true }

-- A text, number, boolean, list or map as Lua; { lua = "..." } stands as it is.
local function source(value)
  if type(value) ~= "table" or value.lua then return lua.value(value) end
  local rows = {}
  for i, item in ipairs(value) do rows[i] = { value = source(item) } end
  if #rows == 0 then
    for i, name in ipairs(keys_of(value)) do rows[i] = { name = name, value = source(value[name]) } end
  end
  return writer.table(rows)
end

--- `slo "NAME" { fields }`, behind what is SAID about it: two texts at most, either may be nil.  fields: list of { name, value };
-- a nil value is left out.
function M.declaration(name, said, fields)
  local out, rows = {}, {}
  for i = 1, 2 do
    for line in (said[i] and said[i]:gsub("%s+$", "") .. "\n" or ""):gmatch "(.-)\n" do out[#out + 1] = lua.comment(line) end
  end
  for _, field in ipairs(fields) do
    local key, value = field[1], field[2]
    if value ~= nil then rows[#rows + 1] = { name = key, value = QUERIES[key] and lua.expression(value) or source(value) } end
  end
  out[#out + 1] = writer.declaration("slo", name, rows)
  return table.concat(out, "\n") .. "\n"
end

return M

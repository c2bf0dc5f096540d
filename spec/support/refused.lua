--- refused.lua - rules that must not load, and what a person hears who wrote them.
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"
local assert = require "luassert"

local M = {}

--- What is wrong with SOURCE, each without its place and the text TITLE ('alert "A": ').
function M.problems(source, title)
  local set, list = load.load { host = host, config = "w.lua", source = source }
  local out = {}
  for i, p in ipairs(list) do
    local text = p.text:gsub("^w.lua:%d+:%d+: ", "")
    out[i] = text:sub(1, #title) == title and text:sub(#title + 1) or text
  end
  for _, guest in pairs(set and set.guests or {}) do guest:close() end
  return out
end

--- With the `it` of busted each row { fields, how the one problem with them begins } becomes a test; PROBLEMS(fields) -> texts.
function M.each(it, rows, problems)
  for _, row in ipairs(rows) do
    it("are refused: " .. row[1], function()
      local list = problems(row[1])
      assert.equal(1, #list, table.concat(list, "\n"))
      assert.equal(row[2], list[1]:sub(1, #row[2]))
    end)
  end
end

return M

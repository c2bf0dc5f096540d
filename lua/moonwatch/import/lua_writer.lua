--- lua_writer.lua - a rule file in the making: declarations with their comments, laid out as a person would.
--
--   local file = writer.new("Imported from web.yml ...")
--   file:comments { "above the rule" }
--   file:declare("alert", "Down", rows)
-- A row is { name=, value= (Lua source) , above= (comments), beside= (comment), short= (may share its line) }.
local lua = require "moonwatch.import.lua_source"
local trial = require "moonwatch.import.trial"

local M = {}
M.__index = M

M.MARK = "-- Imported from"

--- SOURCE: the file that it comes from.  HOW: the command that writes it again.
function M.new(source, how)
  return setmetatable({ head = { ("%s %s by `%s`; importing again writes it anew."):format(M.MARK, source:gsub("%c", "?"), how) },
                        blocks = {}, needs = {} }, M)
end

--- The file begins with this line: local t = require "...".
function M:need(line)
  if not self.needs[line] then
    self.needs[line] = true
    self.needs[#self.needs + 1] = line
  end
end

--- Comments of their own.
function M:comments(list)
  if #list == 0 then return end
  local out = {}
  for i, text in ipairs(list) do out[i] = lua.comment(text) end
  self.blocks[#self.blocks + 1] = table.concat(out, "\n")
end

function M:block(text) self.blocks[#self.blocks + 1] = text end

-- The rows as lines; short ones share a line as long as it is not too wide.
local function lines_of(rows, indent)
  local out, line = {}, nil
  local function flush()
    if line then out[#out + 1] = indent .. line end
    line = nil
  end
  for _, row in ipairs(rows) do
    local text = (row.name and lua.key(row.name) .. " = " or "") .. lua.shift(row.value, indent) .. ","
    local alone = not row.short or #(row.above or {}) > 0 or row.beside or text:find "\n"
    if alone then
      flush()
      for _, comment in ipairs(row.above or {}) do out[#out + 1] = lua.comment(comment, indent) end
      local more = row.beside and " " .. lua.comment(row.beside) or ""
      out[#out + 1] = indent .. text .. more
    else
      if line and #indent + #line + #text + 1 > lua.WIDTH then flush() end
      line = line and line .. " " .. text or text
    end
  end
  flush()
  return out
end

--- A table of rows: on one line when it is short and nothing is said about its parts.
function M.table(rows)
  local parts, simple = {}, true
  for i, row in ipairs(rows) do
    parts[i] = (row.name and lua.key(row.name) .. " = " or "") .. row.value
    if #(row.above or {}) > 0 or row.beside or row.value:find "\n" then simple = false end
  end
  if #rows == 0 then return "{}" end
  local one = "{ " .. table.concat(parts, ", ") .. " }"
  if simple and #one <= lua.WIDTH - 20 then return one end
  return "{\n" .. table.concat(lines_of(rows, "  "), "\n") .. "\n}"
end

local function declaration(word, name, rows)
  local head = word .. " " .. (name and lua.quoted(name) .. " " or "")
  return head .. M.table(rows)
end
M.declaration = declaration

--- What moonwatch would say against WORD "NAME" { rows }; nil for nothing.
function M:problem(host, word, name, rows) return trial.problem(host, declaration(word, name, rows), self.needs) end

--- WORD "NAME" { rows }, with comments ABOVE it.  What moonwatch would refuse becomes a comment, and is lost at NODE of DOC.
function M:declare(word, name, rows, above, doc, node)
  local code, out = declaration(word, name, rows), {}
  local why = self:problem(doc.host, word, name, rows)
  if why then
    doc:lost(node, why)
    self:comments(above or {})
    return self:aside(("not imported: %s\n%s"):format(why, code))
  end
  for i, text in ipairs(above or {}) do out[i] = lua.comment(text) end
  out[#out + 1] = code
  self.blocks[#self.blocks + 1] = table.concat(out, "\n")
end

--- TEXT of several lines as a comment.
function M:aside(text)
  local out = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do out[#out + 1] = lua.comment(line) end
  self.blocks[#self.blocks + 1] = table.concat(out, "\n")
end

function M:empty() return #self.blocks == 0 end

--- Bytes so far, about.
function M:size()
  local n = 0
  for _, block in ipairs(self.blocks) do n = n + #block + 2 end
  return n
end

function M:text()
  local out = { table.concat(self.head, "\n") }
  if #self.needs > 0 then out[#out + 1] = table.concat(self.needs, "\n") end
  for _, block in ipairs(self.blocks) do out[#out + 1] = block end
  return table.concat(out, "\n\n") .. "\n"
end

return M

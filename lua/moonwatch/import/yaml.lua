--- yaml.lua - a YAML file as importers read it: nodes with their places, fields asked for by name and kind, and comments.
--
-- What is of another kind than it must be, said twice, or unknown goes to the report; the importer sees it as absent.  A comment
-- is handed out once: to whoever asks for what stands below or beside it.
local did_you_mean = require "moonwatch.did_you_mean"
local problems = require "moonwatch.config.problems"
local node_of = require "moonwatch.import.node"
local keys_of = require "moonwatch.keys"

local M = {}

local Doc = {}
Doc.__index = Doc

-- -- comments ------------------------------------------------------------------

-- Lines inside texts of several lines, where "#" is no comment.
-- A map or list ends with the last of its parts, not where YAML noticed that it was over.
local function mark_texts(node, inside, lines)
  local last = node.line
  if node.kind == "text" then
    last = node.last -- blank lines behind a text in a block count as its own
    while last > node.line and not (lines[last] or ""):find "%S" do last = last - 1 end
    for line = node.line + 1, last do inside[line] = true end
  end
  for _, list in ipairs { node.items or {}, node.keys or {}, node.values or {} } do
    for _, child in ipairs(list) do last = math.max(last, mark_texts(child, inside, lines)) end
  end
  node.last = last
  return last
end

-- The comment of a line that has something else too: a "#" behind a space, not between quotes.
local function comment_behind(line)
  local at = 1
  while at <= #line do
    local c, before = line:sub(at, at), line:sub(at - 1, at - 1)
    if c == "#" and (at == 1 or before:find "%s") then return line:sub(at + 1), at end
    if (c == '"' or c == "'") and (at == 1 or before:find "[%s%[{,]") then
      local i = at + 1
      while i <= #line and line:sub(i, i) ~= c do i = i + ((c == '"' and line:sub(i, i) == "\\") and 2 or 1) end
      at = i
    end
    at = at + 1
  end
end

local function find_comments(text, roots)
  local inside, comments, lines = {}, {}, {}
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do lines[#lines + 1] = line end
  for _, root in ipairs(roots) do mark_texts(root, inside, lines) end
  for n, line in ipairs(lines) do
    if not inside[n] then
      local comment, at = comment_behind(line)
      if comment then
        comments[n] = { text = comment:gsub("^ ", ""):gsub("%s+$", ""), alone = not line:sub(1, at - 1):find "%S" }
      elseif not line:find "%S" then comments[n] = { blank = true } end
    end
  end
  return comments, #lines
end

--- The comments right above LINE, down from FLOOR, as a list of texts.
function Doc:above(line, floor)
  local from = line
  while from - 1 > (floor or 0) and self.comments[from - 1] and (self.comments[from - 1].alone or self.comments[from - 1].blank) do from = from - 1 end
  local out = {}
  for n = from, line - 1 do
    local comment = self.comments[n]
    if comment.alone and not comment.used then
      comment.used = true
      out[#out + 1] = comment.text
    end
  end
  return out
end

--- The comment behind what stands on LINE, or nil.
function Doc:beside(line)
  local comment = self.comments[line]
  if comment and comment.text and not comment.alone and not comment.used then
    comment.used = true
    return comment.text
  end
end

--- Every comment from line FROM to line TO that nobody asked for.
function Doc:left(from, to)
  local out = {}
  for n = from, math.min(to, self.lines) do
    local comment = self.comments[n]
    if comment and comment.text and not comment.used then
      comment.used = true
      out[#out + 1] = comment.text
    end
  end
  return out
end

-- -- values ---------------------------------------------------------------------

local KINDS = { text = "a text", list = "a list", map = "a map" }

M.is_null = node_of.is_null

function Doc:lost(node, what) self.report:lost(self.path, node, what) end
function Doc:note(node, what) self.report:note(self.path, node, what) end

local CHECKS = {}
function CHECKS.text(_, node) return node.kind == "text" end
CHECKS.number = function(_, node) return node.kind == "text" and tonumber(node.text) ~= nil end
CHECKS.boolean = function(_, node) return node.kind == "text" and (node.text == "true" or node.text == "false") end
CHECKS.duration = function(self, node) return node.kind == "text" and (node.text == "0" or node.text:find "^%d+%a" ~= nil) and self.host.duration(node.text) ~= nil end
CHECKS.list = function(_, node) return node.kind == "list" end
CHECKS.map = function(_, node) return node.kind == "map" end
CHECKS.any = function() return true end
local SAYS = { text = "a text", number = "a number", boolean = "true or false", duration = 'a duration such as "5m"', list = "a list", map = "a map" }

local function got(node)
  if node.kind ~= "text" then return KINDS[node.kind] end
  return ("%q"):format(#node.text > 40 and node.text:sub(1, 37) .. "..." or node.text)
end

--- NODE when it is of KIND, else nil and a line in the report.  WHAT: how it is called there.
function Doc:expect(node, kind, what)
  if M.is_null(node) then return nil end
  if CHECKS[kind](self, node) then return node end
  self:lost(node, ("%s: expected %s, got %s"):format(what, SAYS[kind], got(node)))
end

-- The keys and values of MAP with those of "<<" put in, own ones first.
local function merged(self, map, depth)
  local rows, seen = {}, {}
  local function add(key, node, foreign)
    if seen[key.text] then
      if not foreign then self:lost(key, ("%q is said twice; the first one counts"):format(key.text)) end
      return
    end
    seen[key.text] = true
    rows[#rows + 1] = { key = key, node = node }
  end
  local others = {}
  for i, key in ipairs(map.keys) do
    if key.kind ~= "text" then self:lost(key, "a key that is no text")
    elseif key.text == "<<" and key.plain then others[#others + 1] = map.values[i]
    else add(key, map.values[i]) end
  end
  for _, other in ipairs(others) do
    for _, source in ipairs(other.kind == "list" and other.items or { other }) do
      if source.kind == "map" and depth < 10 then
        for _, row in ipairs(merged(self, source, depth + 1)) do add(row.key, row.node, true) end
      end
    end
  end
  return rows
end

--- The rows { key=, node= } of MAP in their order.
function Doc:rows(map) return merged(self, map, 0) end

--- Fields of MAP by SPEC, name → kind; those that SPEC does not name are reported, with WHAT for the whole.  The second value is
-- name → key node.
function Doc:fields(map, spec, what)
  local out, keys = {}, {}
  for _, row in ipairs(self:rows(map)) do
    local name = row.key.text
    local kind = spec[name]
    if not kind then
      self:lost(row.key, ("%s: there is no field %q%s"):format(what, name, did_you_mean(self.host, name, keys_of(spec))))
    else
      keys[name] = row.key
      out[name] = self:expect(row.node, kind, name)
    end
  end
  return out, keys
end

--- The texts of a list, or of a single text.
function Doc:texts(node, what)
  local out = {}
  if M.is_null(node) then return out end
  for _, item in ipairs(node.kind == "list" and node.items or { node }) do
    local text = self:expect(item, "text", what)
    if text then out[#out + 1] = text.text end
  end
  return out
end

--- The texts of a map: rows { name, text, node=, key= } in their order.
function Doc:text_rows(map, what)
  local out = {}
  for _, row in ipairs(map and self:rows(map) or {}) do
    local node = M.is_null(row.node) and { kind = "text", text = "", line = row.key.line, col = row.key.col, last = row.key.line } or
      self:expect(row.node, "text", ("%s %s"):format(what, row.key.text))
    if node then out[#out + 1] = { row.key.text, node.text, node = node, key = row.key } end
  end
  return out
end

-- -- opening -----------------------------------------------------------------------

--- The first document of the file PATH; nil when there is none that can be read, with a line in the report.
function M.open(host, path, report)
  local text, why = host.read_file(path)
  if not text then
    report:whole(path, problems.unreadable(path, why))
    return nil
  end
  local documents, message, line, col = host.yaml(text)
  if not documents then
    report:lost(path, { line = line, col = col }, "no YAML: " .. tostring(message))
    return nil
  end
  local comments, lines = find_comments(text, documents)
  local self = setmetatable({ host = host, path = path, report = report, comments = comments, lines = lines, root = documents[1], documents = documents }, Doc)
  return self
end

return M

--- alertmanager_matchers.lua - the three ways in which Alertmanager writes matchers, as the one of a route or an inhibition.
local lua = require "moonwatch.import.lua_source"
local matchers = require "moonwatch.route.matchers"

local M = {}

-- WHOLE: with the anchors, which Alertmanager has in its keys of groups, and so in those of incidents.
local function of_map(doc, node, op, out, whole)
  for _, row in ipairs(doc:text_rows(node, "match")) do
    out[#out + 1] = { name = row[1], op = op, value = whole and "^(?:" .. row[2] .. ")$" or row[2], source = row[2], node = row.node }
  end
end

-- Says whether all of them could be read.
local function of_texts(doc, node, out)
  local good = true
  for _, item in ipairs(node.kind == "list" and node.items or { node }) do
    local text = doc:expect(item, "text", "matcher")
    local list, why
    if text then list, why = matchers.parse(text.text) end
    if text and not list then doc:lost(text, "bad matcher: " .. tostring(why)) end
    good = good and list ~= nil
    for _, m in ipairs(list or {}) do out[#out + 1] = { name = m.name, op = m.op, value = m.value, node = text } end
  end
  return good
end

-- Equalities of names that differ are a table, everything else a list of texts.
local function written(list)
  local plain, seen, rows, texts = true, {}, {}, {}
  for i, m in ipairs(list) do
    plain = plain and m.op == "=" and not seen[m.name]
    seen[m.name] = true
    rows[i], texts[i] = { m.name, m.value }, { lua = lua.expression(matchers.write(m)) }
  end
  return plain and lua.map(rows) or lua.list(texts)
end

--- The matchers in the fields EQUAL, REGEX and TEXTS, as Lua, and the name of the first of them; nil when there are none.  The
-- third value: one of them cannot be read, and without it the others would take what is not theirs.
function M.of(doc, fields, keys, equal, regex, texts)
  local list, bad = {}, false
  if fields[equal] then of_map(doc, fields[equal], "=", list) end
  if fields[regex] then of_map(doc, fields[regex], "=~", list, equal == "match") end
  if fields[texts] then bad = not of_texts(doc, fields[texts], list) end
  for _, m in ipairs(list) do
    local ok, why = true, nil
    if m.op == "=~" or m.op == "!~" then ok, why = doc.host.regex(m.source or m.value) end
    if not ok then
      doc:lost(m.node, ("bad regular expression: %s"):format(tostring(why)))
      bad = true
    end
  end
  local at = keys[texts] and texts or keys[equal] and equal or keys[regex] and regex
  if #list == 0 or bad then return nil, at, bad end
  return written(list), at
end

return M

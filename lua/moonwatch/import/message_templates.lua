--- message_templates.lua - templates of Alertmanager's messages: those in files of `templates`, and texts that call them.
--
-- A text of ours may be such a template, but it stands alone: what it calls is written in front of it.
local gotemplate = require "moonwatch.gotemplate"

local M = {}

-- Words that have an end of their own.
local OPENS = { ["if"] = true, range = true, with = true, block = true, define = true }

-- Every {{ action }} of TEXT: its first word, where it begins, where the next thing does.
local function actions(text)
  local at = 1
  return function()
    local open, inside = text:find("{{%-?%s*", at)
    if not open then return nil end
    if text:find("^/%*", inside + 1) then
      local _, close = text:find("%*/%s*%-?}}", inside)
      at = (close or #text) + 1
      return "", open, at
    end
    local i, quote = inside + 1, nil
    while i <= #text and (quote or text:sub(i, i + 1) ~= "}}") do
      local c = text:sub(i, i)
      if quote then
        if c == "\\" and quote == '"' then i = i + 1 elseif c == quote then quote = nil end
      elseif c == '"' or c == "`" then quote = c end
      i = i + 1
    end
    at = i + 2
    return text:match("^%a+", inside + 1) or "", open, at, text:match('^%a+%s+"([^"]*)"', inside + 1)
  end
end

--- The definitions in TEXT: name → all of it, from {{ define to its {{ end }}.
function M.definitions(text)
  local out, depth, name, from = {}, 0, nil, nil
  for word, open, after, called in actions(text) do
    if word == "define" and depth == 0 then name, from = called, open end
    if OPENS[word] then depth = depth + 1
    elseif word == "end" then
      depth = depth - 1
      if depth == 0 and name then
        out[name] = text:sub(from, after - 1):gsub("^{{%-%s", "{{ "):gsub("%s%-}}$", " }}")
        name = nil
      end
    end
  end
  return out
end

--- Read the files of NODE, the list `templates` of DOC → doc.templates.
function M.read(doc, node)
  doc.templates = {}
  for _, item in ipairs(node and node.items or {}) do
    local text = doc:expect(item, "text", "templates")
    local folder = doc.path:match "^(.*/)[^/]*$" or ""
    local pattern = text and (text.text:sub(1, 1) == "/" and text.text or folder .. text.text)
    local paths = pattern and doc.host.glob(pattern) or {}
    if text and #paths == 0 then doc:lost(text, ("templates: %s: there is no such file"):format(text.text)) end
    for _, path in ipairs(paths) do
      local content, why = doc.host.read_file(path)
      if not content then doc:lost(text, ("templates: %s: %s"):format(path, why)) end
      for name, body in pairs(M.definitions(content or "")) do doc.templates[name] = body end
    end
  end
end

-- TEXT calls definitions of TEMPLATES: add those to OUT, each once.
local function gather(text, templates, out)
  for word, _, _, name in actions(text) do
    local body = word == "template" and not out[name] and templates[name]
    if body then
      out[name] = true
      gather(body, templates, out)
      out[#out + 1] = body
    end
  end
  return out
end

--- Does TEXT call anything that the files define?
function M.calls(doc, text)
  return #gather(text, doc.templates or {}, {}) > 0
end

--- TEXT as one that stands alone; nil, why there is no way to say it here.
function M.alone(doc, text)
  if not gotemplate.is(text) then return (text:gsub("%${", '{{ "${" }}')) end
  local out = gather(text, doc.templates or {}, {})
  out[#out + 1] = text
  local whole = table.concat(out)
  local tree, why = gotemplate.compile(whole)
  if not tree then return nil, why end
  return whole
end

return M

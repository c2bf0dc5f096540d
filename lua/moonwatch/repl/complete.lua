--- complete.lua - what TAB gives: words, their fields, PromQL with the server's metrics and labels, Lua's own names.
local doc = require "moonwatch.words.doc"
local locate = require "moonwatch.config.locate"
local objects = require "moonwatch.words.objects"
local words = require "moonwatch.words"

local M = {}
M.__index = M

local MOST, FRESH, WIDTH = 500, 15, 100

function M.new(session) return setmetatable({ session = session, host = session.ctx.host, cache = {} }, M) end

-- -- what the server knows ------------------------------------------------------------------

-- Kept for a moment: a person types TAB again and again.
local function known(self, path, params)
  local key = path .. "?" .. (params and params[1] and params[1][2] or "")
  local now, kept = self.host.monotonic(), self.cache[path .. key]
  if kept and now - kept.at < FRESH then return kept.list end
  local body = self.session.api:get(path, params)
  local list = body and type(body.data) == "table" and body.data or {}
  self.cache[path .. key] = { at = now, list = list }
  return list
end

local function metrics(self) return known(self, "/api/v1/label/__name__/values") end

local function matching(metric) return metric and metric ~= "" and { { "match[]", metric } } or nil end

-- -- PromQL ----------------------------------------------------------------------------------

local KEYWORDS = { "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "and", "or", "unless",
                   "sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile", "limitk",
                   "limit_ratio" }

-- Inside TEXT, the beginning of an expression: the candidates and what is typed of them.
local function promql(self, text)
  local typed = text:match "[%w_:]*$"
  local metric, inside = text:match "([%a_:]?[%w_:]*){([^{}]*)$"
  if inside then
    local label, quote, value = inside:match "([%a_][%w_]*)%s*[=!][=~]?%s*([\"'])([^\"']*)$"
    if label then return known(self, "/api/v1/label/" .. label .. "/values", matching(metric)), value, quote end
    return known(self, "/api/v1/labels", matching(metric)), typed
  end
  if text:find "%f[%w](by)%s*%([^()]*$" or text:find "%f[%w](without)%s*%([^()]*$" or text:find "%f[%w](on)%s*%([^()]*$"
     or text:find "%f[%w](ignoring)%s*%([^()]*$" then
    return known(self, "/api/v1/labels"), typed
  end
  local out = {}
  for _, list in ipairs { metrics(self), self.host.promql_functions(), KEYWORDS } do
    for _, name in ipairs(list) do out[#out + 1] = name end
  end
  return out, typed
end

-- -- Lua -------------------------------------------------------------------------------------

local function keys_of(t)
  local out = {}
  while type(t) == "table" do
    for k in pairs(t) do
      if type(k) == "string" and k:find "^[%a_][%w_]*$" then out[#out + 1] = k end
    end
    local mt = getmetatable(t)
    t = type(mt) == "table" and rawget(mt, "__index") or nil
  end
  return out
end

local LUA = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or", "repeat",
              "return", "then", "true", "until", "while" }

local function members(name)
  local o = objects.by_name[name]
  local out = {}
  for _, m in ipairs(o and o.members or {}) do out[#out + 1] = m[1] end
  return out
end

-- Names behind dots and colons: of ctx, of the alert of a text, or of a value of the session.
local function path(self, text)
  local owner, typed = text:match "([%a_][%w_%.]*)[%.:]([%w_]*)$"
  if not owner then return nil end
  if owner:find "^ctx" or owner == "n" then return members(owner), typed end
  if owner == "alert" then return members "alert object", typed end
  local value = self.session.env
  for name in owner:gmatch "[%w_]+" do
    if type(value) ~= "table" then return {}, typed end
    value = rawget(value, name) or value == self.session.env and _G[name] or nil
  end
  return keys_of(value), typed
end

-- -- fields of words -------------------------------------------------------------------------

local function row_named(fields, name)
  for _, row in ipairs(fields or {}) do
    if row[1] == name then return row end
  end
end

-- The open braces before the end of TOKENS: for each { key=, word= }, what stands before it.
local function open_braces(tokens)
  local open = {}
  for i, t in ipairs(tokens) do
    if t.kind == "mark" and t.text == "{" then
      local before, name = tokens[i - 1], tokens[i - 2]
      local frame = { at = i }
      if before and before.text == "=" and name then frame.key = name.text
      elseif before and before.kind == "text" and name then frame.word = name.text
      elseif before and before.kind == "name" then frame.word = before.text end
      open[#open + 1] = frame
    elseif t.kind == "mark" and t.text == "}" then
      open[#open] = nil
    end
  end
  return open
end

-- The fields that may stand where TEXT ends; nil: it ends in no table of a word.
local function fields_at(tokens)
  local open = open_braces(tokens)
  local fields, inside
  for _, frame in ipairs(open) do
    local def = frame.word and (words.by_name[frame.word] or words.kinds[frame.word])
    if def then
      fields, inside = def.fields, def
    elseif fields and frame.key then
      local row = row_named(fields, frame.key)
      fields, inside = row and row.fields, row
    elseif inside and (inside.items or inside[2] == "list") and not frame.key then
      fields = inside.items and inside.items.fields or inside.fields
    end
  end
  local last = tokens[#tokens]
  local from = last and last.kind == "name" and #tokens - 1 or #tokens
  local before = tokens[from]
  local begins = before and (before.text == "{" or before.text == "," or before.text == ";")
  return begins and open[#open] and fields or nil
end

-- -- the whole -------------------------------------------------------------------------------

-- The text that is still open at the end of TEXT: what is in it, and the name before it (`expr`, `query`, `help`).
local function open_text(tokens, text)
  local last = tokens[#tokens]
  if not last or last.kind ~= "text" then return nil end
  local quote = last.text:match "^[\"']" or last.text:match "^%[=*%["
  local closing = #quote == 1 and quote or "]" .. quote:sub(2, -2) .. "]"
  local inner = text:sub(last.at + #quote)
  if inner:sub(-#closing) == closing and #inner >= #closing then return nil end
  local before = tokens[#tokens - 1]
  if before and (before.text == "=" or before.text == "(" or before.text == ":") then before = tokens[#tokens - 2] end
  return inner, before and before.text
end

local PROMQL = { query = true, value = true, range = true, expr = true, unless = true, good = true, bad = true, total = true, selector = true }

local function candidates(self, text)
  local tokens = locate.tokens(text)
  local inner, owner = open_text(tokens, text)
  if inner then
    if owner == "help" then return doc.topics {}, inner end
    if PROMQL[owner or ""] then return promql(self, inner) end
    return {}, inner
  end
  local dotted, typed = path(self, text)
  if dotted then return dotted, typed end
  typed = text:match "[%a_][%w_]*$" or ""
  local out, fields = {}, fields_at(tokens)
  for _, row in ipairs(fields or {}) do
    if not row.absent then out[#out + 1] = row[1] end
  end
  if fields and typed == "" then return out, typed, " = " end
  for _, name in ipairs(keys_of(self.session.env)) do out[#out + 1] = name end
  for _, name in ipairs(keys_of(_G)) do out[#out + 1] = name end
  for _, name in ipairs(LUA) do out[#out + 1] = name end
  return out, typed
end

local function fitting(list, typed)
  local out, seen = {}, {}
  for _, name in ipairs(list) do
    if type(name) == "string" and name:sub(1, #typed) == typed and not seen[name] then
      seen[name] = true
      out[#out + 1] = name
    end
  end
  table.sort(out)
  return out
end

local function common(list)
  local first = list[1]
  for _, name in ipairs(list) do
    while name:sub(1, #first) ~= first do first = first:sub(1, -2) end
  end
  return first
end

-- The names in columns; what a terminal would obey is left out.
local function columns(list)
  local widest, out, line = 0, {}, ""
  for i = 1, math.min(#list, MOST) do widest = math.max(widest, #list[i]) end
  local per = math.max(1, math.floor(WIDTH / (widest + 2)))
  for i = 1, math.min(#list, MOST) do
    local name = list[i]:gsub("%c", "?")
    line = line .. name .. (" "):rep(widest + 2 - #name)
    if i % per == 0 or i == math.min(#list, MOST) then
      out[#out + 1] = line:gsub("%s+$", "")
      line = ""
    end
  end
  if #list > MOST then out[#out + 1] = ("... and %d more"):format(#list - MOST) end
  return table.concat(out, "\n")
end

--- What to insert behind TEXT, the input up to the cursor, and what to show when there is a choice.
function M:at(text)
  local list, typed = candidates(self, text)
  list = fitting(list, typed)
  if #list == 0 then return nil end
  local insert = common(list):sub(#typed + 1)
  if insert:find "%c" then insert = "" end
  if #list == 1 then return insert end
  return insert, insert == "" and columns(list) or nil
end

return M

--- gotemplate_value.lua - values of a Go template while it is translated: the Lua that gives them, and their type.
--
-- Types are "float", "int", "text", "label" (a text that may not be there), "bool", "labels", "sample", "samples", "data" (the dot
-- outside of everything) and "any".
local lua = require "moonwatch.import.lua_source"

local M = {}

local function unable(what) error({ unable = what }, 0) end
local function value(code, kind, more)
  local v = more or {}
  v.code, v.type = code, kind
  return v
end
local function failure(why) return value(("t.fail(%s)"):format(lua.quoted(why)), "any", { fails = why }) end
local function const(text) return value(lua.quoted(text), "text", { const = text }) end

-- CODE where text must not be nil.
local function as_text(v)
  if v.type == "text" then return v.code end
  if v.type == "label" then return ("(%s or \"\")"):format(v.code) end
  return ("t.text(%s)"):format(v.code)
end

-- The same where it stands alone, between commas.
local function as_argument(v)
  local code = as_text(v)
  return code:match "^%((.* or \"\")%)$" or code
end

local function truth(v)
  if v.type == "bool" then return v.code end
  if v.type == "float" or v.type == "int" then return v.code .. " ~= 0" end
  if v.type == "samples" then return v.code .. "[1]" end
  if v.type == "text" and v.const then return tostring(v.const ~= "") end
  return ("t.truth(%s)"):format(v.code)
end

for name, f in pairs { unable = unable, value = value, failure = failure, const = const, as_text = as_text, as_argument = as_argument, truth = truth } do M[name] = f end

return M

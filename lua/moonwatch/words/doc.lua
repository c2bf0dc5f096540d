--- doc.lua - the manual of the words, written from the tables that check them.
local schema = require "moonwatch.config.schema"
local words = require "moonwatch.words"

local M = {}

--- Every word, in the order of the manual.
function M.names()
  local out = {}
  for i, def in ipairs(words.list) do out[i] = def.word end
  return out
end

local function shown(default)
  if default == nil then return nil end
  if type(default) == "string" then return ("%q"):format(default) end
  if type(default) ~= "table" then return tostring(default) end
  local parts = {}
  for i, item in ipairs(default) do parts[i] = shown(item) end
  return "{" .. (#parts > 0 and " " .. table.concat(parts, ", ") .. " " or "") .. "}"
end

-- Every field as { name, type, default, help }, fields of fields with their path; a table that holds itself (a route has
-- routes) is told once.
local function rows_of(fields, path, out, inside)
  inside = inside or {}
  if inside[fields or false] then return out end
  inside[fields or false] = true
  for _, row in ipairs(fields or {}) do
    local help = row.help or ""
    if row.choices then help = help .. ": " .. table.concat(row.choices, ", ") end
    if row.required then help = help .. " (required)" end
    if row.absent then help = help .. " (not available in this version)" end
    out[#out + 1] = { path .. row[1], schema.says(row), shown(row.default) or "", help }
    if row.fields and not row.absent then rows_of(row.fields, path .. row[1] .. ".", out, inside) end
    if row.items then
      out[#out + 1] = { path .. row[1] .. "[]", "rows such as " .. row.items.says, "", row.items.help }
      rows_of(row.items.fields, path .. row[1] .. "[].", out, inside)
    end
  end
  inside[fields or false] = nil
  return out
end

-- The fields of a word, or of the table among its arguments.
local function fields_of(def)
  for _, argument in ipairs(def.arguments or {}) do
    if argument.fields then return argument.fields end
  end
  return def.fields
end

local function needs(def)
  local out = {}
  for _, names in ipairs(def.exactly_one or {}) do out[#out + 1] = "Exactly one of: " .. table.concat(names, ", ") .. "." end
  for _, names in ipairs(def.at_most_one or {}) do out[#out + 1] = "At most one of: " .. table.concat(names, ", ") .. "." end
  return out
end

-- -- on the terminal -----------------------------------------------------------------

local function text_fields(fields, out)
  for _, row in ipairs(rows_of(fields, "", {})) do
    out[#out + 1] = ("  %-24s %s%s"):format(row[1], row[4], row[3] ~= "" and ("  [%s]"):format(row[3]) or "")
    out[#out + 1] = ("  %-24s   %s"):format("", row[2])
  end
end

--- The page of one word or receiver kind for a terminal; nil when there is no such word.
function M.text(name)
  local def = words.by_name[name] or words.kinds[name]
  if not def then return nil end
  local out = { name .. ": " .. (def.help or ""), "" }
  if def.absent then out[1] = out[1] .. " (not available in this version)" end
  for _, line in ipairs(needs(def)) do out[#out + 1] = line end
  text_fields(fields_of(def), out)
  if def.example then out[#out + 1] = "\n" .. def.example end
  return table.concat(out, "\n") .. "\n"
end

-- -- docs/rules.md -------------------------------------------------------------------

local function cell(text) return (text:gsub("|", "\\|"):gsub("\n", " ")) end

local function markdown_fields(fields, out)
  local rows = rows_of(fields, "", {})
  if #rows == 0 then return end
  out[#out + 1] = "\n| field | what it holds | default | meaning |\n|---|---|---|---|"
  for _, row in ipairs(rows) do
    local default = row[3] ~= "" and "`" .. row[3] .. "`" or ""
    out[#out + 1] = ("| `%s` | %s | %s | %s |"):format(row[1], cell(row[2]), cell(default), cell(row[4]))
  end
end

local function markdown_of(name, def, level, out)
  out[#out + 1] = ("\n%s `%s`\n\n%s%s"):format(level, name, def.help or "", def.absent and " Not available in this version." or "")
  for _, line in ipairs(needs(def)) do out[#out + 1] = "\n" .. line end
  if def.example then out[#out + 1] = "\n```lua\n" .. def.example .. "\n```" end
  markdown_fields(fields_of(def), out)
end

local HEAD = [[
# The words of a rule file

Written by `make docs` from the tables that check the words; `moonwatch help WORD` shows the same on a terminal.

A rule file is Lua. The root file may use every word; files under `rules/` every word but `settings`. Durations are seconds or a
text such as `"250ms"`, `"30s"`, `"1h30m"`, `"7d"`. `env "NAME"` reads the environment, `secret "NAME"` stands for an environment
variable or a file and is read only when it is used; `require "lib.x"` finds `lib/x.lua` beside the rules. Texts may hold
`${labels.NAME}`, `${value}` and `${value|FILTER}`. Functions get a `ctx`: `ctx.now`, `ctx.state`, `ctx:query(expr)`, `ctx:value(expr)`,
`ctx:range(expr, from, to, step)`, `ctx.logs:count{}`, `ctx.logs:search{}`, `ctx.traces:search{}`, `ctx.traces:slowest{}`, `ctx:fire{}`,
`ctx.metrics.counter/gauge/histogram(name, ...)`, `ctx.log.info(...)`,
`ctx.http.get/post(...)` and `ctx.share:get/set/incr` (both outside `when`).]]

--- The whole manual.
function M.markdown()
  local out = { HEAD }
  for _, def in ipairs(words.list) do
    markdown_of(def.word, def, "##", out)
    if def.word == "receiver" then
      for _, name in ipairs(words.kind_names()) do
        local kind = words.kinds[name]
        if not kind.absent then markdown_of(name, kind, "###", out) end
      end
    end
  end
  return table.concat(out, "\n") .. "\n"
end

return M

--- doc.lua - the manual of the words, written from the tables that check them.
local objects = require "moonwatch.words.objects"
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

-- The fields of DEF, or of the table that is one of its arguments.
local function fields_of(def)
  for _, arg in ipairs(def.arguments or {}) do
    if arg.fields then return arg.fields end
  end
  return def.fields
end

local function needs(def)
  local out = {}
  for _, names in ipairs(def.exactly_one or {}) do out[#out + 1] = "Exactly one of: " .. table.concat(names, ", ") .. "." end
  for _, names in ipairs(def.some_of or {}) do out[#out + 1] = "One or more of: " .. table.concat(names, ", ") .. "." end
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

-- What a member holds, or gives: `table of labels`, `rows`.
local function member_line(prefix, m)
  local shape = m.args and m.gives or m[2]
  return ("  %-44s %s%s"):format(objects.written(prefix, m), m.help or m[3], shape and ("  [%s]"):format(shape) or "")
end

-- An object by its name or class, with those it is made of.
local function object_page(o)
  local out, seen, queue = {}, {}, { o }
  while queue[1] do
    local this = table.remove(queue, 1)
    if not seen[this] then
      seen[this] = true
      local title = this.name or this.class
      out[#out + 1] = ("%s%s: %s\n"):format(#out > 0 and "\n" or "", title, this.help)
      for _, m in ipairs(this.members) do
        out[#out + 1] = member_line(this.name and title:match "^%S+" or "", m):gsub("^  %.", "  ")
        local next_one = objects.by_class[((m.args and m.gives or m[2]) or ""):match "^[%w_]*"]
        if next_one then queue[#queue + 1] = next_one end
        for _, arg in ipairs(m.args or {}) do queue[#queue + 1] = objects.by_class[arg[2]:match "^[%w_]*"] end
      end
    end
  end
  return table.concat(out, "\n") .. "\n"
end

local function functions_page()
  local out = { "functions: what every rule file may call besides Lua's own\n" }
  for _, f in ipairs(objects.functions) do out[#out + 1] = member_line("", f) end
  return table.concat(out, "\n") .. "\n"
end

local function object_of(name)
  return objects.by_name[name] or objects.by_class[name] or name == "notification" and objects.by_name.n
end

function M.kind_names()
  local out = {}
  for _, name in ipairs(words.kind_names()) do
    if not words.kinds[name].absent then out[#out + 1] = name end
  end
  return out
end

--- Everything that `help` knows: words, kinds, objects and COMMANDS.
function M.topics(commands)
  local out = M.names()
  for _, name in ipairs(words.kind_names()) do out[#out + 1] = name end
  for name in pairs(objects.by_name) do out[#out + 1] = name end
  for _, row in ipairs(commands or {}) do out[#out + 1] = row[1] end
  out[#out + 1], out[#out + 2] = "texts", "functions"
  table.sort(out)
  return out
end

--- The page of a word, a receiver kind, an object such as ctx, "functions" or "texts" for a terminal; nil when there is none.
function M.text(name)
  if name == "functions" then return functions_page() end
  if name == "texts" then return M.texts() end
  local o = not words.by_name[name] and not words.kinds[name] and object_of(name)
  if o then return object_page(o) end
  local def = words.by_name[name] or words.kinds[name]
  if not def then return nil end
  local out = { name .. ": " .. (def.help or ""), "" }
  if def.absent then out[1] = out[1] .. " (not available in this version)" end
  for _, line in ipairs(needs(def)) do out[#out + 1] = line end
  text_fields(fields_of(def), out)
  if def.notes then out[#out + 1] = "\n" .. def.notes end
  if def.example then out[#out + 1] = "\n" .. def.example end
  return table.concat(out, "\n") .. "\n"
end

--- The page about texts.
function M.texts() return (M.TEXTS:gsub("^## Texts\n\n", "texts: ")) .. "\n" end

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
  if def.notes then out[#out + 1] = "\n" .. def.notes end
end

local HEAD = [[
# The words of a rule file

Written by `make docs` from the tables that check the words; `moonwatch help WORD` shows the same on a terminal.

A rule file is Lua. The root file may use every word; files under `rules/` every word but `settings`. Durations are seconds or a
text such as `"250ms"`, `"30s"`, `"1h30m"`, `"7d"`. `env "NAME"` reads the environment, `secret "NAME"` stands for an environment
variable or a file and is read only when it is used; `require "lib.x"` finds `lib/x.lua` beside the rules.]]

M.TEXTS = [[
## Texts

A text of an alert holds places such as `${labels.pod}`. A place names `value`, `threshold`, `expected` (of a baseline), `severity`, `name`, `now`,
`active_at`, `fired_at` (unix seconds), `external_url`, `labels.NAME`, `external_labels.NAME`, or asks: `${query("sum(up{job='${labels.job}'})")}` is the value of the first
row, with labels filled in fit for the quotes they stand in. Filters follow behind `|`:

| filter | what it makes | 12345.678 |
|---|---|---|
| `humanize` · `humanize1024` · `bytes` | with a unit of 1000, of 1024, of bytes | 12.35k · 12.06ki · 12.06KiB |
| `duration` · `percent` · `timestamp` | seconds, a share, a unix time as people read them | 3h 25m 45s · 1.235e+06% · 1970-01-01 03:25:45.678 +0000 UTC |
| `since` | seconds from then to now: `${active_at\|since\|duration}` | |
| `round:2` · `printf:"%.1f"` | as many digits | 12345.68 · 12345.7 |
| `upper` · `lower` · `title` · `default:"x"` | letters; what stands for an empty value | |
| `label:"NAME"` | a label of the first row of a query | |

Numbers look as they do in Prometheus, whose names `humanizeDuration`, `humanizePercentage` and `humanizeTimestamp` are understood too.
A text may be a function of the alert, `summary = function(alert) ... end`; it has `alert.labels`, `alert.value` and the other names above,
and may call `humanize(v)`, `humanize1024(v)`, `bytes(v)`, `duration(v)`, `percent(v)`, `timestamp(v)`, `query(expr)` (rows), `value(expr)`
(a number or nil), `first(rows)` and `label(row, "x")`. `require "moonwatch.template"` has what else the templates of Prometheus can do.]]

local FUNCTIONS = [[
Functions of a rule run in a sandbox with a budget of their own and answer as of `ctx.now`. What one call may use stands in
`settings.limits`, and in the `budget` of a rule where that is less:

| what | how it is counted |
|---|---|
| instructions | of Lua; what the library does in proportion to its arguments is paid for in instructions too, whatever it finds: walking over a table costs by its places, filled or not. This is the first to end, and the same here and in a test |
| seconds | of processor time, the backstop behind that: half a second is several times what ten million instructions take |
| memory | of the whole file |
| queries, emissions | what they read and take; what is fired, recorded, logged |

In the server one thread evaluates all rules. After ten milliseconds of processor time a function is left, others have their turn, and it
goes on where it was; rules that were quick the last time always come first. Comparisons of `table.sort`, functions given to `gsub` and coroutines of the file's
own are left like anything else. Where a function cannot be left (in the middle of a call of the library, in a metamethod that the library
calls, in one text or table that is very large) it is stopped after 50 milliseconds in one go; so are `relabel` and `keep` of a scrape. `table.sort` keeps the order of equals when it is given a comparison.
`moonwatch test` and `moonwatch backtest` leave nobody, and stop at the budget alone. Whoever was stopped is shown with the reason,
fails (`moonwatch_rule_failures_total`), and after five times in a row is tried less often. How long functions held the thread is the
histogram `moonwatch_rule_held_seconds`.]]

local function markdown_objects(out)
  out[#out + 1] = "\n## Functions\n\n" .. FUNCTIONS
  for _, o in ipairs(objects.list) do
    if o.name then
      out[#out + 1] = ("\n### `%s`\n\n%s\n\n| member | meaning |\n|---|---|"):format(o.name, o.help)
      for _, m in ipairs(o.members) do
        local written = objects.written(o.name:match "^%S+", m)
        out[#out + 1] = ("| `%s` | %s |"):format(written, cell(m.help or m[3]))
      end
    end
  end
end

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
  out[#out + 1] = "\n" .. M.TEXTS
  markdown_objects(out)
  return table.concat(out, "\n") .. "\n"
end

return M

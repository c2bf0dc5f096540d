--- gotemplate_property_spec.lua - templates put together at random: whatever they say, an answer comes, and Lua that loads.
local rounds = require "rounds"
local gotemplate = require "moonwatch.import.gotemplate_lua"

local WORDS = {
  "{{", "}}", "{{-", "-}}", "{{ ", " }}", "(", ")", "|", ",", ".", "$", "$x", ":=", "=", " ", "\n", "if ", "else", "else if ", "end", "range ", "with ",
  "define ", "template ", "block ", "break", "continue", "/*", "*/", '"a"', "`b`", "'c'", '"', "`", "'", "\\", "\\x4", "$labels.a", ".Labels.b", "$value",
  ".Value", "$externalLabels.dc", "printf ", '"%.2f %s"', "humanize ", "query ", "first", "value", "label ", "len ", "index ", "and ", "or ", "not ", "eq ",
  "lt ", "args ", "reReplaceAll ", "toUpper ", "sortByLabel ", "1", "0x1F", "1e999", "-", "nil", "true", "false", "text", "${", "%", "]]", "--", "\0", "\255", "é",
}

local WHOLE = {
  "{{ $labels.a }}", "{{ if gt $value 1.0 }}", "{{ else }}", "{{ else if .Labels.b }}", "{{ end }}", "{{ range query \"up\" }}", "{{ with first (query \"x\") }}",
  "{{ . | value | humanize }}", "{{ $x := $value }}", "{{ $x = 2 }}", "{{ $x }}", "{{ define \"t\" }}", "{{ template \"t\" . }}", "{{ break }}", "{{ continue }}",
  "{{ range $i, $e := query \"y\" }}", "{{ $e.Labels.z }}", "{{ printf \"%q %d\" \"a\" 1 }}", "{{/* c */}}", "{{ len (query \"y\") }}", "{{ .Labels.end }}", " text ",
}

-- Numbers that are the same each time.
local function dice(seed)
  return function(n)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return math.floor(seed / 65536) % n + 1
  end
end

local function made(roll)
  local out = {}
  for i = 1, roll(25) do
    local list = roll(3) == 1 and WORDS or WHOLE
    out[i] = list[roll(#list)]
  end
  for _ = 1, roll(4) - 1 do out[#out + 1] = "{{ end }}" end
  return table.concat(out)
end

-- What is wrong with what comes of TEXT, or nil.
local function fault(text)
  local ok, found, why = pcall(gotemplate.convert, text, { own = { severity = true } })
  if not ok then return "fails: " .. (type(found) == "table" and "with a table" or tostring(found)) end
  if not found then return type(why) ~= "string" and "no reason" or nil end
  if found.text then return type(found.text) ~= "string" and "no text" or nil end
  local loaded, message = loadstring("local t = ... return " .. found.lua)
  return not loaded and ("does not load: %s\n%s"):format(message, found.lua) or nil
end

describe("a template put together at random", function()
  it("becomes a text, Lua that loads, or a reason why not", function()
    local roll, kinds = dice(7), {}
    for _ = 1, rounds(20000) do
      local text = made(roll)
      local wrong = fault(text)
      assert.equal(nil, wrong and ("%s\n%q"):format(wrong, text))
      local found = gotemplate.convert(text, {})
      local kind = not found and "refused" or found.lua and "lua" or "text"
      kinds[kind] = (kinds[kind] or 0) + 1
    end
    for _, kind in ipairs { "refused", "lua", "text" } do assert.truthy((kinds[kind] or 0) > 50, kind) end
  end)

  it("may be nested deeply and be long", function()
    for _, part in ipairs { "{{ if $value }}", "{{ (", "{{ range query \"x\" }}", "{{ $x := 1 }}", "{{ not (not $value) }}", "{{ else if $value }}", "((", "{{ .a.b }}" } do
      for _, n in ipairs { 150, 250, 3000 } do
        local text = part:rep(n)
        assert.equal(nil, fault(text), ("%d times %s"):format(n, part))
        assert.equal(nil, fault(text .. ("{{ end }}"):rep(n)), ("%d times %s, ended"):format(n, part))
      end
    end
    assert.equal(nil, fault("{{ " .. ("("):rep(300) .. "$value" .. (")"):rep(300) .. " }}"))
    assert.equal(nil, fault("{{ $value" .. (" | humanize"):rep(3000) .. " }}"))
  end)
end)

--- gotemplate_spec.lua - templates of Prometheus as texts of ours or as Lua, and what that Lua says when it runs in a rule file.
local gotemplate = require "moonwatch.import.gotemplate_lua"
local host = require "moonwatch.host"
local sources = require "moonwatch.guest_sources"

-- What the function in LUA answers for ALERT, in a guest as rule files have.
local function run(lua, alert)
  local guest, err = host.guest { name = "t", source = 'local t = require "moonwatch.template"\ntexts { ' .. lua .. " }", words = { texts = "table" }, kinds = {},
                                  module = function(name) return sources[name], name end, budget = {} }
  assert(guest, err and err.message)
  local answer
  guest:call(guest:declarations()[1].fields[1]["@fn"], { alert }, { kind = "text", now = 1000 }, function(result) answer = result end)
  guest:close()
  return answer.ok and answer.values[1] or answer.error
end

local ALERT = { value = 1234567, labels = { instance = "web-1.example:9100", severity = "page", path = "/" }, sample = { instance = "web-1.example:9100", path = "/" },
                external_labels = { dc = "lisbon" }, external_url = "http://host:9090/pre/fix", now = 1000 }

local function convert(text) return gotemplate.convert(text, { own = { severity = true, alertname = true } }) end

describe("a template of Prometheus", function()
  local texts = {
    { "nothing to fill in", "nothing to fill in" },
    { "{{ $labels.instance }} is {{ $value }}", "${labels.instance} is ${value|go}" },
    { "{{ .Labels.instance }} is {{ .Value | humanize }}", "${labels.instance} is ${value|humanize}" },
    { "{{ humanizePercentage $value }} {{ $value | humanizeDuration }}", "${value|percent} ${value|duration}" },
    { '{{ printf "%.2f" $value }}%', '${value|printf:"%.2f"}%' },
    { "{{ $labels.severity }} {{ $externalLabels.dc }} {{ toUpper .Labels.x }}", "${sample.severity} ${external_labels.dc} ${labels.x|upper}" },
    { "a  {{- /* gone */ -}}  b {{ \"c\" }}", "ab c" },
  }
  for _, case in ipairs(texts) do
    it(("becomes a text where it can: %s"):format(case[1]), function() assert.equal(case[2], convert(case[1]).text) end)
  end

  it("is refused where it would leave a loop that is not there, as in Go", function()
    for _, text in ipairs { "{{ break }}", "{{ if $value }}{{ continue }}{{ end }}", '{{ range query "x" }}{{ else }}{{ break }}{{ end }}',
                            '{{ range query "x" }}{{ block "b" . }}{{ break }}{{ end }}{{ end }}' } do
      local found, why = convert(text)
      assert.equal(nil, found, text)
      assert.truthy(why:find("outside {{range}}", 1, true), why)
    end
    assert.truthy(convert '{{ range query "x" }}{{ if $value }}{{ break }}{{ end }}{{ end }}'.lua)
  end)

  it("becomes a function that reads like one where it cannot", function()
    assert.equal([[
function(alert)
  if alert.value > 90 then
    return "critical"
  elseif alert.labels.path == "/" then
    return t.text("root of ", alert.labels.instance)
  else
    return "warning"
  end
end]], convert('{{ if gt $value 90.0 }}critical{{ else if eq $labels.path "/" }}root of {{ $labels.instance }}{{ else }}warning{{ end }}').lua)
  end)

  local said = {
    { "VALUE = {{ $value }} {{ $labels }}", "VALUE = 1.234567e+06 map[instance:web-1.example:9100 path:/]" },
    { '{{ printf "%d %d %v %s %q %6.1f|%-4s|%t %x" 3 (len "abc") $value "s" "q" 2.0 "l" true 255 }}', '3 3 1.234567e+06 s "q"    2.0|l   |true ff' },
    { '{{ printf "%d" $value }} {{ printf "%s" }} {{ printf "%z" 1 }}', "%!d(float64=1.234567e+06) %!s(MISSING) %!z(1)" },
    { '{{ $x := "a" }}{{ if $labels.nope }}{{ $x = "b" }}{{ end }}{{ $x }}{{ $end := 1 }}{{ $end }}', "a1" },
    { '{{ range $k, $v := $labels }}{{ $k }}={{ $v }}{{ if eq $k "instance" }};{{ end }}{{ end }}', "instance=web-1.example:9100;path=/" },
    { '{{ with $labels.path }}<{{ . }}>{{ end }}{{ with $labels.nope }}x{{ else }}none{{ end }}', "</>none" },
    { '{{ if not (and $labels.path (or $labels.nope (ne $labels.path "/"))) }}yes{{ end }}', "yes" },
    { '{{ reReplaceAll "([a-z]+)-(\\\\d)" "${2}$1" $labels.instance }} {{ match "^web" $labels.instance }}', "1web.example:9100 true" },
    { '{{ $labels.instance | stripPort }} {{ $labels.instance | stripDomain }} {{ stripDomain "10.0.0.1:80" }} {{ title "ab c" }}', "web-1.example web-1:9100 10.0.0.1:80 Ab C" },
    { '{{ pathPrefix }} {{ externalURL }} {{ parseDuration "1h30m" }} {{ tableLink "a b" }}', "/pre/fix http://host:9090/pre/fix 5400 /graph?g0.expr=a+b&g0.tab=1" },
    { '{{ define "x" }}[{{ .arg0 }}{{ .arg1 }}]{{ end }}{{ template "x" (args 1 "b") }}', "[1b]" },
    { '${not} {{ "ours" }}', "${not} ours" },
    { '{{ if gt $value 5 }}never{{ end }}', "incompatible types for comparison" },
    { '{{ .Nope }}', "can't evaluate field Nope" },
    { '{{ title $value }}', "wrong type for value; expected string; got float64" },
    { '{{ template "nowhere" }}', 'template "nowhere" not defined' },
  }
  for _, case in ipairs(said) do
    it(("says the same as there: %s"):format(case[1]), function()
      local found = convert(case[1])
      local text = found.lua and run(found.lua, ALERT) or found.text
      if text ~= case[2] then assert.truthy(text:find(case[2], 1, true), text) end
    end)
  end

  local refused = {
    { "{{ nope }}", 'function "nope" not defined', 1 }, { "a\n{{ $x }}", 'undefined variable "$x"', 2 }, { "{{ if 1 }}", "if without its end", 1 },
    { "{{ end }}", "unexpected {{end}}", 1 }, { '{{ "a }}', "unclosed action", 1 }, { "{{ }}", "missing value for command", 1 }, { "{{ (1 }}", "unclosed left paren", 1 },
    { "{{" .. (" if 1 }}{{"):rep(200) .. "1}}", "nested too deep", 1 }, { "{{ " .. ("("):rep(500) .. " }}", "nested too deep", 1 }, { "{{ 1 | }}", "missing value for command", 1 },
  }
  for _, case in ipairs(refused) do
    it(("is refused as there: %s"):format(case[2]), function()
      local found, why, line = convert(case[1])
      assert.same({ nil, case[2], case[3] }, { found, why, line })
    end)
  end

  it("that nothing here can say is told of", function()
    assert.same({ false, "the function toTime" }, { convert "{{ $value | toTime }}" })
  end)
end)

describe("the regular expressions of rule files", function()
  local function value(code) return run(("function(alert) %s end"):format(code), ALERT) end
  it("match the whole text, or find a place in it", function()
    assert.equal("b,|nil|b", value [[
      local whole, part = regex.match("a(b)(c)?", "ab"), regex.match("b", "ab")
      return whole[1] .. "," .. whole[2] .. "|" .. tostring(part) .. "|" .. regex.find("b", "ab")[0] ]])
  end)
  it("replace every place, as Go does", function()
    assert.equal("-x-x- xab-b $x", value [[return regex.replace("a*", "xx", "-") .. " " .. regex.replace("(?P<one>a)", "aab", "x${one}") :sub(3) .. "" .. regex.replace("b", "-b", "$0"):sub(1, 2) .. " " .. regex.replace("a", "a", "$$x")]])
  end)
  it("fill in groups of the whole text", function()
    assert.equal("b-a|nil", value [[return regex.expand("(.)(.)", "ab", "$2-${1}") .. "|" .. tostring(regex.expand("(.)", "ab", "$1"))]])
  end)
  it("are refused when they are none", function() assert.truthy(value([[return regex.match("(", "")]]):find("bad regular expression", 1, true)) end)
  it("hold as many patterns as a file asks for", function()
    assert.equal(1000, value [[local n = 0 for i = 1, 1000 do if regex.match("a" .. i, "a" .. i) then n = n + 1 end end return n]])
  end)
end)

describe("hashmod", function()
  it("is the number of Prometheus", function()
    local chunk = assert(loadstring(sources["moonwatch.hashmod"]))
    local env = setmetatable({ bit = require "bit" }, { __index = _G })
    local hashmod = setfenv(chunk, env)()
    -- Counted with md5sum: the last eight bytes as a number.
    assert.same({ 8, 696, 958, 90 }, { hashmod("foo", 16), hashmod("foo", 1000), hashmod("", 1000), hashmod(("a"):rep(100), 97) })
  end)
end)

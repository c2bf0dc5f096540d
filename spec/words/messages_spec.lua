--- messages_spec.lua - every kind of mistake, and the exact line that a person reads.
local host = require "moonwatch.host"
local load = require "moonwatch.config.load"

-- A host with these files besides its own.
local function with_files(files)
  return setmetatable({ read_file = function(path) return files[path] end }, { __index = host })
end

local function problems(text, files)
  local set, list = load.load { host = files and with_files(files) or host, config = "w.lua", source = text }
  local out = {}
  for i, p in ipairs(list) do out[i] = p.text end
  for _, guest in pairs(set and set.guests or {}) do guest:close() end
  return out
end

local function refused(text, ...) assert.same({ ... }, problems(text)) end

describe("a file that is no Lua", function()
  it("is refused in the words of somebody who writes rules", function()
    for text, said in pairs {
      ['alert "A" { expr = "up" above = 3 }'] = "w.lua:1:25: a comma is missing before above, or a }",
      ['alert "A" {\n  expr = "up",\n  hold = "5m"\n'] = "w.lua:4:1: the { of line 1 is never closed",
      ['alert "A" {\n  expr = "up"\n  hold = "5m" }'] = "w.lua:3:3: a comma is missing before hold, or the { of line 1 is not closed",
      ['alert "A" { expr = "up }\n'] = "w.lua:1:20: a text without its closing quote",
      ['if true then\nalert "A" { expr = "up" }\n'] = "w.lua:3:1: the if of line 1 has no end",
      ['alert "A" { expr = "up" }\nend\n'] = "w.lua:2:1: an end too many",
      ['alert "A" { expr = "up" } }'] = "w.lua:1:27: } has no beginning, or something is missing before it",
      ['alert "A" { expr = "up", hold = 5m }'] = 'w.lua:1:33: 5m is no number: a duration is a text, "5m"',
      ["foo bar"] = 'w.lua:1:5: bar cannot stand here: write word "name" { ... }, name = value or a call',
      ["local function f(\nlocal x = 1"] = "w.lua:2:1: the arguments of a function are not closed before local",
      ["local x = ="] = "w.lua:1:11: = cannot stand here",
    } do refused(text, said) end
  end)
end)

describe("a word", function()
  it("that is misspelt is refused with the nearest, words before Lua's own names", function()
    refused('alrt "X" { expr = "up" }', 'w.lua:1:1: unknown word "alrt" (did you mean "alert"?)')
    refused('receiver "r" { slak { url = "x" } }', 'w.lua:1:16: unknown word "slak" (did you mean "slack"?)')
    refused('alert "A" { expr = "up", summary = function(a) return humanise(a.value) end }',
      'w.lua:1:55: unknown word "humanise" (did you mean "humanize"?)')
    refused("local x = tostrng(1)", 'w.lua:1:11: unknown word "tostrng" (did you mean "tostring"?)')
    refused("wibblewobble()", 'w.lua:1:1: unknown word "wibblewobble"')
  end)
  it("whose name a program makes is told of where it stands, not at a neighbour", function()
    refused('alert "A" { expr = "up" }\nlocal function mk(n) alert(n) { expr = "up", sumary = "x" } end\nmk "B"',
      'w.lua:2:46: alert "B": unknown field "sumary" (did you mean "summary"?)')
  end)
  it("without its name or its fields is refused", function()
    refused('alert { expr = "up" }', 'w.lua:1:1: alert wants a name and then its fields: "name" { ... }')
    refused('alert "A" "B"', 'w.lua:1:1: alert "name" wants { ... } after its name')
    refused('alert("B", { expr = "up" })', 'w.lua:1:1: alert "B" has no { ... } after its name')
  end)
end)

describe("an expression", function()
  it("is refused where it is wrong, in quotes, with escapes and over lines", function()
    refused('alert "A" { expr = "up{job=}" }',
      'w.lua:1:28: alert "A": expr: bad PromQL: unexpected "}" in label matching, expected string (at 1:8 of the expression)')
    refused('alert "A" { expr = "x ==\\n (" }',
      'w.lua:1:29: alert "A": expr: bad PromQL: unclosed left parenthesis (at 2:3 of the expression)')
    refused("alert 'A' { expr = [[\n  sum(up) +\n  rte(up[5m]) ]] }",
      'w.lua:3:3: alert "A": expr: bad PromQL: unknown function with name "rte"; did you mean "rate"? (at 2:3 of the expression)')
    refused("alert 'A' { expr = [==[sum(up]==] }",
      'w.lua:1:30: alert "A": expr: bad PromQL: unclosed left parenthesis (at 1:7 of the expression)')
  end)
  it("that gives no samples of one moment is refused", function()
    refused('alert "R" { expr = "up[5m]" }',
      'w.lua:1:13: alert "R": expr: it gives a range of samples: put a function such as rate(...) around it')
    refused([[record "s" { expr = "'x'" }]], 'w.lua:1:14: record "s": expr: it gives a text, not samples')
  end)
end)

describe("a text", function()
  it("is refused at its ${, also behind escapes", function()
    local list = problems('alert "A" { expr = "up", summary = "a\\nb ${valu}" }')
    assert.equal(1, #list)
    assert.truthy(list[1]:find('^w.lua:1:42: alert "A": summary: %${valu}: write value'), list[1])
    list = problems('alert "A" { expr = "up", summary = "${value|humanise}" }')
    assert.truthy(list[1]:find('^w.lua:1:37: alert "A": summary: %${value|humanise}: unknown filter "humanise"'), list[1])
    assert.truthy(list[1]:find('(did you mean "humanize"?)', 1, true), list[1])
  end)
  it("with a bad query is refused at load, and one of a receiver may not ask", function()
    refused('alert "A" { expr = "up", summary = "${query(\'sum(\')}" }',
      'w.lua:1:26: alert "A": summary: bad PromQL in query("sum("): unclosed left parenthesis')
    refused('receiver "r" { slack { url = "x", title = "${query(\'up\')}" } }\nroute { receiver = "r" }',
      'w.lua:1:35: receiver "r": [1].title: query(...) works only in the texts of rules')
  end)
end)

describe("fields of a check that would do nothing, or not what they say", function()
  it("are refused at load", function()
    for fields, message in pairs {
      ['http = { url = "http://x", method = "GET /y\\r\\nA:" }'] = '40: check "a": http: method: "GET /y??A:" is none',
      ['http = { url = "http://x", headers = { A = "1\\r\\nB: 2" } }'] = '40: check "a": http: headers: A has a line break or control character',
      ['http = "http://x/a b"'] = '13: check "a": http: "http://x/a b": an address has no spaces; write %20',
      ['redis = "http://x"'] = '13: check "a": redis: "http://x": expected an address that starts with redis://',
      ['tcp = "h:1", labels = { check = "b" }'] = '37: check "a": labels: check is a label of each check already',
      ['heartbeat = "1h", breaker = {}'] = '31: check "a": a heartbeat is not probed: breaker goes with the other kinds',
      ['tcp = "h:1", degraded = { certificate_within = "1d" }'] = '13: check "a": tcp: certificate_within: there is no certificate without tls = true',
      ['tcp = "h:1", degraded = { slower_than = "2s" }'] =
        '39: check "a": degraded.slower_than: no probe is slower than 2s, as it has failed after its timeout of 2s',
      ['tcp = "h:1", breaker = { slow_rate = 0.5 }'] =
        '38: check "a": breaker.slow_after: no probe takes 1m, as it has failed after its timeout of 2s',
    } do
      refused(('check "a" { %s }'):format(fields), "w.lua:1:" .. message)
    end
    refused('breaker "check/a" {}', 'w.lua:1:1: breaker "check/a": names that begin with check/ and receiver/ are those of the breakers of checks and receivers')
    refused('settings { status_page = { groups = {} } }', "w.lua:1:28: settings: status_page: groups: a page without any group shows nothing")
  end)
end)

describe("names of other declarations", function()
  it("are looked up when everything is read, with the nearest that is there", function()
    refused('receiver "oncall" {}\nroute { receiver = "onkall" }', 'w.lua:2:9: route: there is no receiver "onkall" (did you mean "oncall"?)')
    refused('alert "A" { expr = "up", depends_on = { "B" } }\nalert "B" { expr = "up", depends_on = { "A" } }',
      'w.lua:1:26: alert "A": depends on itself: A -> B -> A')
  end)
end)

describe("what a module does", function()
  local MAKE = [[
local M = {}
function M.make(name, expr)
  alert(name) {
    expr = expr,
    abov = 3,
  }
end
function M.boom(x) return x.y.z end
return M
]]
  it("is told at the call in the file, with the place in the module", function()
    assert.same({
      'w.lua:3:1: alert "A_x": unknown field "abov" (did you mean "above"?) (in lib/mk.lua:5:5)',
      'w.lua:3:1: alert "A_y": unknown field "abov" (did you mean "above"?) (in lib/mk.lua:5:5)',
    }, problems('local mk = require "lib.mk"\nfor _, n in ipairs { "x", "y" } do\n  mk.make("A_" .. n, "up")\nend\n', { ["./lib/mk.lua"] = MAKE, ["lib/mk.lua"] = MAKE }))
  end)
  it("when it fails, is told there, with the call", function()
    assert.same({ "lib/mk.lua:8:1: attempt to index field 'y' (a nil value) (called from w.lua:2)" },
      problems('local mk = require "lib.mk"\nlocal t = mk.boom {}\n', { ["./lib/mk.lua"] = MAKE, ["lib/mk.lua"] = MAKE }))
  end)
end)

describe("a module that is not there", function()
  it("is told with the files that it was looked for in", function()
    assert.same({ 'w.lua:1:1: module "lib.limits" is not there: neither lib/limits.lua nor rules/lib/limits.lua can be read' },
      problems 'local limits = require "lib.limits"\n')
    assert.same({ 'w.lua:1:1: module "../x" is not there: a name such as lib.limits' }, problems 'require "../x"')
  end)
end)

describe("several problems", function()
  it("are told in one go and in order, also those of declarations before an error", function()
    refused('alert "B" { expr = "up", hold = "5 m", severty = "page" }\nalert "A" { exp = "up", expr = "sum(" }\nlocal x = nil .. "a"',
      'w.lua:1:26: alert "B": hold: "5 m" is not a duration such as "30s", "5m", "1h30m" or a number of seconds',
      'w.lua:1:40: alert "B": unknown field "severty" (did you mean "severity"?)',
      'w.lua:2:13: alert "A": unknown field "exp" (did you mean "expr"?)',
      'w.lua:2:37: alert "A": expr: bad PromQL: unclosed left parenthesis (at 1:5 of the expression)',
      "w.lua:3:1: attempt to concatenate a nil value")
  end)
end)

describe("a duration", function()
  it("of more than a hundred years is a slip of the pen", function()
    assert.same({ 'w.lua:1:27: alert "A": every: "1e+300" is longer than 100 years' }, problems 'alert "A" { expr = "up",  every = 1e300 }')
  end)
end)

describe("several mistakes of one file", function()
  it("are problems in one go, also beside a word that is misspelt", function()
    assert.same({
      'w.lua:1:13: alert "A": unknown field "exprr" (did you mean "expr"?)',
      'w.lua:2:1: unknown word "alrt" (did you mean "alert"?)',
      'w.lua:3:27: alert "C": hold: "soon" is not a duration such as "30s", "5m", "1h30m" or a number of seconds',
    }, problems 'alert "A" { exprr = "up" }\nalrt "B" { expr = "up" }\nalert "C" { expr = "up",  hold = "soon" }\n')
  end)
  it("are one where a field that must be there is only misspelt", function()
    assert.same({ 'w.lua:1:18: record "a:b": unknown field "epxr" (did you mean "expr"?)' }, problems 'record "a:b" {   epxr = "up" }\n')
  end)
end)

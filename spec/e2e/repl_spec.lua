--- repl_spec.lua - `moonwatch lua`: a person, or a script, talks with a running server.
local proc = require "proc"
local pty = require "pty"
local server = require "server"

local function absolute(path) return path:sub(1, 1) == "/" and path or io.popen("pwd"):read "*l" .. "/" .. path end

describe("moonwatch lua", function()
  local here, moonwatch, home
  setup(function()
    moonwatch, home = absolute(server.binary()), proc.scratch()
    here = server.start { config = 'settings { external_labels = { dc = "lisbon" }, external_url = "https://watch.example" }', rules = { ["a.lua"] = 'alert "Loaded" { expr = "temperature", above = 100 }' } }
    assert.equal(204, (here:post("/api/v1/import/prometheus", 'temperature{room="kitchen"} 21.5\ntemperature{room="cellar"} 12\n', "text/plain")))
    here:post("/loki/api/v1/push", require("moonwatch.host").json.encode {
      streams = { { stream = { app = "shop" }, values = { { ("%d000000000"):format(os.time()), "payment declined" } } } } })
    proc.eventually(function() return here:value "count(temperature)" == 2 end, 10, "the samples are there")
  end)
  teardown(proc.cleanup)

  -- What the prompt answers to INPUT from a pipe: output and errors together, exit status.
  local function told(input)
    proc.write(home .. "/in", input)
    local pipe = io.popen(("'%s' lua --url %s < '%s/in' 2>&1; echo \"status $?\""):format(moonwatch, here.url, home))
    local text = pipe:read "*a"
    pipe:close()
    return text:gsub("status %d+\n$", ""), tonumber(text:match "status (%d+)\n$")
  end
  local function says(input, ...)
    local text, status = told(input)
    for _, part in ipairs { ... } do assert.truthy(text:find(part, 1, true), text .. "\n  lacks\n" .. part) end
    return text, status
  end

  describe("from a pipe", function()
    it("answers questions about every signal", function()
      local _, status = says('query [[temperature]]\nvalue [[sum(temperature)]]\nrange([[sum(temperature)]], "1m", nil, "10s")\n' ..
        'logs.search{ selector = \'{app="shop"}\' }\nlogs.count{ selector = \'{app="shop"}\', contains = "declined" }\ntraces.search{}\nrules()\n',
        'temperature{room="kitchen"}  21.5', "\n33.5\n", "LOW", "payment declined", "app=shop", "\n1\n", "nothing", "alert  Loaded")
      assert.equal(0, status)
    end)
    it("is Lua: inputs may take several lines, and what is assigned stays", function()
      local _, status = says('x = {}\nfor i = 1, 3 do\n  x[i] = i * 2\nend\nreturn x, humanize(1500)\n= x[3] + 1\n', "{ 2, 4, 6 }\n", '"1.5k"', "\n7\n")
      assert.equal(0, status)
    end)
    it("goes on after a mistake, names its line, and ends with status 1", function()
      local _, status = says('qery [[up]]\nquery [[sum(]]\nif true then end end\nlogs.count{ selctor = "x" }\n1 + 1\n',
        'input:1: unknown word "qery" (did you mean "query"?)', "unclosed left parenthesis", "input:3: ",
        'unknown field "selctor" (did you mean "selector"?)', "\n2\n")
      assert.equal(1, status)
    end)
    it("shows the manual", function()
      says('help()\nhelp "alert"\nhelp "ctx"\n', "query [[EXPR]]", "a condition that becomes pending" and "hold", "ctx:query(expr)")
      says('help "alrt"\n', 'there is no help about "alrt" (did you mean "alert"?)')
    end)
    it("says that there is no server", function()
      local pipe = io.popen(("echo 'query [[up]]' | '%s' lua --url http://127.0.0.1:1 2>&1"):format(moonwatch))
      assert.truthy(pipe:read("*a"):find("http://127.0.0.1:1: ", 1, true))
      pipe:close()
    end)
  end)

  describe("a draft rule", function()
    it("is judged once, now, with the labels and texts that its alerts would have", function()
      local text, status = says([[
alert "Warm" {
  expr = "temperature", above = 20, hold = "5m", labels = { floor = function(a) return a.labels.room == "cellar" and "0" or "1" end },
  summary = "${labels.room} has ${value|round} degrees, all together ${query(\"sum(temperature)\")}",
}
]], "1 alert would be there now, firing after 5m; 1 sample is on the good side",
        '{alertname="Warm", floor="1", room="kitchen", severity="warning"}  value 21.5', "summary: kitchen has 22 degrees, all together 33.5")
      assert.equal(0, status)
      assert.falsy(text:find "cellar")
    end)
    it("knows what the settings of the server add to rules", function()
      says('alert "Warm" { expr = "temperature > 20", summary = "in ${external_labels.dc}: ${external_url}",' ..
        ' labels = { where = function(a) return a.external_labels.dc end } }\n',
        "summary: in lisbon: https://watch.example", 'where="lisbon"')
    end)
    it("may be a function", function()
      says([[
try(alert "Cold" { when = function(ctx)
  for _, row in ipairs(ctx:query "temperature < 15") do ctx:fire { labels = row.labels, value = row.value, summary = "too cold" } end
  ctx.log.info(ctx.logs:count { selector = '{app="shop"}' } .. " records")
end })
]], "info  1 records", '{alertname="Cold", room="cellar", severity="warning"}  value 12', "summary: too cold")
    end)
    it("hears of its mistakes where they stand, and is not loaded", function()
      local _, status = says('alert "A" {\n  exprr = "up", expr = "sum(up",\n}\nalert "B"\n{ when = function(ctx) return ctx:value("sum(") end }\n',
        'input:2:3: alert "A": unknown field "exprr" (did you mean "expr"?)',
        'input:2:31: alert "A": expr: bad PromQL: unclosed left parenthesis', 'alert "B": sum(: ')
      assert.equal(1, status)
      assert.equal(1, #here:json("/api/mw/v1/rules").rules)
    end)
    it("of a recording rule shows the series that it would write", function()
      says('record "warmest" { expr = "max(temperature)", labels = { of = "house" } }\n', "1 series would be written now", 'warmest{of="house"}  21.5')
    end)
  end)

  describe("at a terminal", function()
    local function start()
      return pty.spawn({ moonwatch, "lua", "--url", here.url }, { "HOME=" .. home, "TERM=xterm", "PATH=/usr/bin:/bin", "LANG=C.UTF-8" })
        :wait "moonwatch> "
    end

    it("edits, completes words, fields, metrics, labels and values", function()
      local t = start()
      t:type("que\t"):wait "ry":type(" [[temper\t"):wait "ature":type("{ro\t"):wait "om":type("=\"ki\t"):wait "tchen"
      t:type("\"}]]\n"):wait 'temperature{room="kitchen"}':wait "21.5":wait "moonwatch> "
      t:type("alert \"X\" { expr = \"up\", bel\t"):wait "ow":type(" = 1, summ\t"):wait "ary":type(" = \"s\" }\n"):wait "alerts would be there now"
      t:type("logs.\t"):type("\t"):wait "count":wait "search"
      t:type("\21help \"esc\t"):wait "alation":type("\"\n"):wait "Steps that go on"
      t:wait "moonwatch> ":type "\4"
      assert.equal(0, t:status())
    end)
    it("asks for the rest of an input, and gives it up after Ctrl-C", function()
      local t = start()
      t:type("for i = 1, 2 do\n"):wait ".. ":type("print(i * 111)\n"):wait ".. ":type("end\n"):wait "111":wait "222":wait "moonwatch> "
      t:type("x = {\n"):wait ".. ":type("1,\3"):wait "^C":wait "moonwatch> ":type("7 * 6\n"):wait "42":wait "moonwatch> ":type "\4"
      assert.equal(0, t:status())
    end)
    it("remembers what was typed, also next time, for its owner only", function()
      start():type("1000 + 234\n"):wait "1234":wait "moonwatch> ":type("\4"):status()
      local t = start()
      t:type "\27[A":wait "1000 + 234":type("\n"):wait "1234":wait "moonwatch> ":type "\4"
      assert.equal(0, t:status())
      local pipe = io.popen(("stat -c %%a '%s/.local/state/moonwatch/history'"):format(home))
      assert.equal("600", pipe:read "*l")
      pipe:close()
    end)
  end)
end)

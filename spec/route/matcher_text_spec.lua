--- matcher_text_spec.lua - how matchers are written, in the two grammars that Alertmanager has known.
local matchers = require "moonwatch.route.matchers"
local text_of = require "moonwatch.route.matcher_text"

local function said(text)
  local list, why = matchers.parse(text)
  if not list then return nil, why end
  for i, m in ipairs(list) do list[i] = ("[%s] %s [%s]"):format(m.name, m.op, m.value) end
  return table.concat(list, " ")
end

describe("matchers as texts", function()
  it("have names of any letters, in quotes where they hold blanks or signs", function()
    assert.equal("[foo] = [bar]", said "foo=bar")
    assert.equal("[foo🙂] != [bär]", said '{foo🙂!="bär"}')
    assert.equal("[service.name] =~ [api|web]", said '{"service.name"=~"api|web"}')
    assert.equal('[two words] = [a,b}"]', said [["two words" = "a,b}\""]])
    assert.equal("[a-b] = [c]", said "a-b=c")
    assert.equal("[1a] = [x]", said '1a="x"')
  end)

  it("may stand between commas, the last of which may be too many", function()
    assert.equal("[a] = [b] [c] !~ [d]", said '{a="b", c!~"d",}')
    assert.equal("[a] = [b] [c] = [d]", said "a=b,c=d,")
    assert.equal("", said "{}")
    assert.equal("", said "")
  end)

  it("understand the escapes of a quoted text", function()
    assert.equal("[a] = [tab\there]", said [["a"="tab\there"]])
    assert.equal("[a b] = [🙂]", said [["a b"="\U0001f642"]])
    assert.equal("[a b] = [é]", said [["a b"="\xc3\xa9"]])
    assert.is_nil(said [["a b"="\xc3"]])
    assert.is_nil(said [["a b"="\ud800"]])
  end)

  it("keep their classic meaning where the two grammars differ, or only the classic one understands", function()
    assert.equal([==[[a] =~ [\d+]]==], said [[a=~"\d+"]])
    assert.equal([==[[a] = [\t]]==], said [[a="\t"]])
    assert.equal([==[[a] =~ [x{2}]]==], said [[a=~x{2}]])
    assert.equal("[a] = []", said "a=")
    assert.equal("[a] = [b c]", said "a=b c")
    assert.equal("[a] = [x=y]", said "a=x=y")
  end)

  it("are refused with a reason when neither understands them", function()
    for _, bad in ipairs { "a", '=b', '{a="b"', 'a="b"}}', '{"a b"="c" "d"="e"}', '{a="b",,c="d"}', '"a b"="c', "\255=b", "a=\255", '"a b"' } do
      local ok, why = said(bad)
      assert.is_nil(ok, bad)
      assert.equal("string", type(why))
    end
  end)

  it("are one when one is asked for, and that has no braces", function()
    assert.same({ name = "a b", op = "=", value = "c" }, matchers.parse_one '"a b"="c"')
    assert.is_nil(matchers.parse_one '{a="b"}')
    assert.is_nil(matchers.parse_one '"a b"="c", "d e"="f"')
    assert.same({ name = "a", op = "=", value = "b, c=d" }, matchers.parse_one "a=b, c=d")
  end)

  it("read back as themselves", function()
    for _, m in ipairs { { name = "a", op = "=~", value = [[\d"x]] }, { name = "a b", op = "!=", value = "tab\tquote\"" },
      { name = "näme", op = "=", value = "" }, { name = "a", op = "=", value = "new\nline" } } do
      assert.same(m, matchers.parse_one(matchers.write(m)))
    end
  end)

  it("sort by name, value, and then = != =~ !~", function()
    local host = require("fake_host").new()
    assert.equal('{a="x",a!="x",a=~"x",a!~"x",b="a"}', matchers.compile({ 'b=a', 'a!~x', 'a=~x', 'a!=x', 'a=x' }, host).text)
  end)
end)

describe("UTF-8", function()
  it("is told from what only looks like it", function()
    assert.is_true(text_of.is_utf8 "aé🙂")
    for _, bad in ipairs { "\128", "\192\175", "\224\128\128", "\237\160\128", "\244\144\128\128", "a\195", "\248\128\128\128\128" } do
      assert.is_false(text_of.is_utf8(bad), bad)
    end
  end)
end)

--- loader_spec.lua - loads one after the other: nobody waits for ever, whatever goes wrong in one.
local host = require "moonwatch.host"
local loader = require "moonwatch.actor.rules_load"

-- A loader whose files are read by READ; and what was refused.
local function loader_of(read)
  local refused = {}
  local own = setmetatable({ read_file = read, glob = function() return { "rules/a.lua" } end }, { __index = host })
  return loader.new {
    host = own, engine = { set = nil }, options = function() return { host = own, rules = { "rules" } } end,
    begins = function() end, seen = function() end, kept = function() return {} end,
    swap = function() return { ok = true } end,
    refuse = function(problems)
      refused[#refused + 1] = problems[1].text
      return { ok = false }
    end,
  }, refused
end

describe("a load in which moonwatch itself fails", function()
  it("is refused with what went wrong, and the next one has its turn", function()
    local l, refused = loader_of(function() error "a slip" end)
    local answers = {}
    l:reload("asked", function(result) answers[#answers + 1] = result.ok end)
    l:plan({}, function(_, problems) return problems[1].text end, function(result) answers[#answers + 1] = result end)
    for _ = 1, 9 do l:tick(100) end
    assert.equal(false, answers[1])
    assert.truthy(refused[1]:find("a fault of moonwatch while it loaded: .*a slip"), refused[1])
    assert.truthy(answers[2]:find "a slip")
    assert.equal(false, l:busy())
  end)
end)

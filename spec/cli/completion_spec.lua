--- completion_spec.lua - what TAB gives in a shell comes from the tables of commands.
require("moonwatch.testing").allow_network() -- shells are asked
local cli = require "moonwatch.cli"
local completion = require "moonwatch.cli.completion"

local function run(...)
  local out, err = {}, {}
  local status = completion.main({ out = function(text) out[#out + 1] = text end, err = function(text) err[#err + 1] = text end }, { ... })
  return status, table.concat(out), table.concat(err)
end

describe("moonwatch completion", function()
  for _, shell in ipairs { "bash", "zsh", "fish" } do
    it("knows every command and the flags of its usage line: " .. shell, function()
      local status, text = run(shell)
      assert.equal(0, status)
      for _, row in ipairs(cli.commands) do assert.truthy(text:find(row[1], 1, true), row[1]) end
      assert.truthy(text:find "against")
      assert.truthy(text:find "openslo")
    end)
  end
  it("says which shells there are", function()
    local status, text, err = run "tcsh"
    assert.equal(2, status)
    assert.equal("", text)
    assert.equal('there is no completion for "tcsh"\nusage: moonwatch completion bash|zsh|fish\n', err)
    assert.equal(2, (run()))
  end)
end)

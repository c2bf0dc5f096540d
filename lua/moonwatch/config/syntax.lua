--- syntax.lua - what Lua says of a file that it cannot read, in the words of somebody who writes rules.
local M = {}

-- Each: a pattern of Lua's message, and what is said in its place (with the captures).
local ROWS = {
  { "^unfinished string near '(.*)$", function() return "a text without its closing quote" end },
  { "^unfinished long string .*", function() return "a text [[ without its ]]" end },
  { "^unfinished long comment .*", function() return "a comment --[[ without its ]]" end },
  { "^'(.)' expected %(to close '(.)' at line (%d+)%) near '<eof>'", "the %2 of line %3 is never closed" },
  { "^'(.)' expected %(to close '(.)' at line (%d+)%) near '(.+)'", "a comma is missing before %4, or the %2 of line %3 is not closed" },
  { "^'}' expected near '<eof>'", "a { is never closed" },
  { "^'}' expected near '(.+)'", "a comma is missing before %1, or a }" },
  { "^'%)' expected near '(.+)'", "a comma is missing before %1, or a )" },
  { "^'end' expected %(to close '(.+)' at line (%d+)%) near '<eof>'", "the %1 of line %2 has no end" },
  { "^'end' expected near '<eof>'", "an end is missing" },
  { "^'<eof>' expected near 'end'", "an end too many" },
  { "^'<eof>' expected near '(.+)'", "%1 has no beginning" },
  { "^unexpected symbol near '<eof>'", "the file ends in the middle of something" },
  { "^unexpected symbol near '([%]})])'", "%1 has no beginning, or something is missing before it" },
  { "^unexpected symbol near '(.+)'", "%1 cannot stand here" },
  { "^'=' expected near '(.+)'", "%1 cannot stand here: write word \"name\" { ... }, name = value or a call" },
  { "^<name> or '...' expected near '(.+)'", "the arguments of a function are not closed before %1" },
  { "^<name> expected near '(.+)'", "a name is expected before %1" },
  { "^malformed number near '(.+)'", function(number)
    local near = number:find "^%d+%.?%d*[smhdwy]" and (": a duration is a text, %q"):format(number) or ""
    return ("%s is no number%s"):format(number, near)
  end },
}

--- MESSAGE as it was, or said better.
function M.human(message)
  for _, row in ipairs(ROWS) do
    local found = { message:match(row[1]) }
    if found[1] then
      if type(row[2]) == "function" then return row[2](unpack(found)) end
      return (row[2]:gsub("%%(%d)", function(n) return found[tonumber(n)] end))
    end
  end
  return message
end

return M

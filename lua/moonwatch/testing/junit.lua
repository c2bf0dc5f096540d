--- junit.lua - results of tests as the XML that build servers read.
local M = {}

local NAMED = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- XML 1.0 has no way to write most control characters.
local function escaped(text)
  return (tostring(text):gsub('[&<>"]', NAMED):gsub("[%z\1-\8\11\12\14-\31]", "?"))
end

local function suites_of(results)
  local list, by_name = {}, {}
  for _, r in ipairs(results) do
    local suite = by_name[r.file]
    if not suite then
      suite = { name = r.file, failed = 0, cases = {} }
      by_name[r.file], list[#list + 1] = suite, suite
    end
    suite.cases[#suite.cases + 1] = r
    if r.text then suite.failed = suite.failed + 1 end
  end
  return list
end

--- results: { file=, name=, text= (of a failure) } -> XML.
function M.text(results)
  local out = { '<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>" }
  for _, suite in ipairs(suites_of(results)) do
    out[#out + 1] = ('  <testsuite name="%s" tests="%d" failures="%d">'):format(escaped(suite.name), #suite.cases, suite.failed)
    for _, case in ipairs(suite.cases) do
      local head = ('    <testcase name="%s" classname="%s"'):format(escaped(case.name), escaped(suite.name))
      out[#out + 1] = case.text and ("%s><failure>%s</failure></testcase>"):format(head, escaped(case.text)) or head .. "/>"
    end
    out[#out + 1] = "  </testsuite>"
  end
  out[#out + 1] = "</testsuites>\n"
  return table.concat(out, "\n")
end

return M

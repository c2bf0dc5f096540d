--- page.lua - the address of the page that tells the story of one alert.
local M = {}

local function escape(text)
  return (text:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- Where LABELS are shown, on a server that people reach at BASE.
function M.address(base, labels)
  local texts = {}
  for name, value in pairs(labels) do texts[#texts + 1] = escape(name) .. "=" .. escape(value) end
  table.sort(texts)
  return base .. "/#alert?" .. table.concat(texts, "&")
end

--- URL without what would stand twice when a path follows; nil when it says nothing.
function M.base(url)
  return url and url ~= "" and (url:gsub("/+$", "")) or nil
end

return M

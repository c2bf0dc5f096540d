--- form.lua - bodies that a browser's form, or Slack, sends: a=1&b=2.
local M = {}

local MOST = 64

local function plain(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end))
end

--- TEXT, at most LIMIT bytes, as a table of the first value of each name; nil, message.
function M.read(text, limit)
  text = text or ""
  if #text > limit then return nil, ("the form is larger than %d bytes"):format(limit) end
  local out, n = {}, 0
  for pair in text:gmatch "[^&]+" do
    n = n + 1
    if n > MOST then return nil, ("the form has more than %d fields"):format(MOST) end
    local name, value = pair:match "^([^=]*)=?(.*)$"
    name = plain(name)
    if out[name] == nil then out[name] = plain(value) end
  end
  return out
end

return M

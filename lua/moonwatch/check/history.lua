--- history.lua - when a check changed, to what, and why: a short list of plain values, oldest first.
local M = {}

M.KEPT = 50
local TEXT = 300

--- At T the check became STATUS, because of MESSAGE.
function M.add(list, t, status, message)
  message = message and tostring(message)
  if message and #message > TEXT then message = message:sub(1, TEXT) .. "..." end
  list[#list + 1] = { at = t, status = status, message = message }
  while #list > M.KEPT do table.remove(list, 1) end
end

--- What an older run SAVED, as far as it is of this form.
function M.read(saved)
  local out = {}
  for _, item in ipairs(type(saved) == "table" and saved or {}) do
    if type(item) == "table" and type(item.at) == "number" and type(item.status) == "string" and #out < M.KEPT then
      out[#out + 1] = { at = item.at, status = item.status, message = type(item.message) == "string" and item.message or nil }
    end
  end
  return out
end

return M

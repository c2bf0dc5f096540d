--- values.lua - what came out of a rule file: functions and secrets are tables there, all else is itself.
local M = {}

function M.is_fn(v) return type(v) == "table" and v["@fn"] ~= nil end
function M.is_secret(v) return type(v) == "table" and type(v["@secret"]) == "string" end

--- A table that somebody wrote.
function M.is_plain(v) return type(v) == "table" and not M.is_fn(v) and not M.is_secret(v) end

function M.is_list(v)
  if not M.is_plain(v) then return false end
  local n = 0
  for k in pairs(v) do
    if type(k) ~= "number" then return false end
    n = n + 1
  end
  return n == #v
end

function M.is_finite(v) return type(v) == "number" and v == v and v > -math.huge and v < math.huge end

--- V as labels whose values ALLOWED(value) takes; nil, why.
function M.labels(v, allowed)
  if not M.is_plain(v) then return nil end
  local out = {}
  for name, value in pairs(v) do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
      return nil, ("%q is not a label name"):format(tostring(name))
    end
    if type(value) == "number" then value = tostring(value) end
    if not allowed(value) then return nil, ("label %q: expected a text"):format(name) end
    out[name] = value
  end
  return out
end

function M.is_text(v) return type(v) == "string" end

return M

--- sign_in.lua - request headers of receivers: what they were given, and how they sign in.
local M = {}

--- Headers for FIELDS {headers=, auth={bearer=} or {user=, password=}}; GIVEN are ours, names in lower case.
function M.headers(fields, host, given)
  local out = { ["content-type"] = "application/json" }
  for name, value in pairs(given or {}) do out[name] = value end
  for name, value in pairs(fields.headers or {}) do out[name:lower()] = value end
  local auth = fields.auth
  if auth and auth.bearer then
    out.authorization = "Bearer " .. auth.bearer
  elseif auth and auth.user then
    out.authorization = "Basic " .. host.base64(auth.user .. ":" .. (auth.password or ""))
  end
  return out
end

return M

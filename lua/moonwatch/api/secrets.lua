--- secrets.lua - is a post from whom it says it is?  The secrets of settings{ack={...}}, and their signatures.
local M = {}

-- A secret as a text; nil when it is not set.
local function plain(host, value)
  if type(value) == "table" and value["@secret"] then return host.secret(value["@secret"]) end
  return type(value) == "string" and value ~= "" and value or nil
end

--- The secrets of settings{ack={NAME=}}: one, or several while they change.  nil, message when there is none.
function M.list(router, name)
  local set = (router.settings.ack or {})[name]
  if set == nil then return nil, ("nobody said which secret signs this: settings { ack = { %s = secret \"NAME\" } }"):format(name) end
  local out = {}
  for _, value in ipairs(type(set) == "table" and not set["@secret"] and set or { set }) do out[#out + 1] = plain(router.host, value) end
  if #out == 0 then return nil, ("the secret of settings{ack={%s=}} is not set: no such environment variable or file"):format(name) end
  return out
end

--- Is one of SIGNATURES (hex) an HMAC-SHA256 of TEXT with one of KEYS?
function M.signed(host, keys, text, signatures)
  for _, key in ipairs(keys) do
    local ours = host.hmac_sha256(key, text)
    for _, theirs in ipairs(signatures) do
      if host.same(ours, theirs:lower()) then return true end
    end
  end
  return false
end

return M

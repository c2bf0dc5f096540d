--- sign.lua - texts that only we can have written: what a link in a message may do, for whom, until when.
--
-- A token is `1.WHAT.GROUP.ISSUED.EXPIRES.ID.MAC`: what it allows ("ack", "silence"), the start of the
-- hash of the group's key, seconds, the id of the message it came with, and an HMAC-SHA256 of all that.
-- It tells nothing of the alert, and has no character that a URL, a chat or a mail would change.
local M = {}

local HASH, MAC = 32, 40
local LONGEST = 200

--- T = {what=, group= (hex), issued=, expires=, id=} as a token, signed with KEY.
function M.write(host, key, t)
  local text = ("1.%s.%s.%d.%d.%s"):format(t.what, t.group:sub(1, HASH), math.ceil(t.issued), math.ceil(t.expires), t.id)
  return text .. "." .. host.hmac_sha256(key, text):sub(1, MAC)
end

--- TOKEN → what it says, when one of KEYS signed it; nil when nobody did.
function M.read(host, keys, token)
  if type(token) ~= "string" or #token > LONGEST then return nil end
  local text, mac = token:match "^([%w%.]+)%.(%x+)$"
  if not text or #mac ~= MAC then return nil end
  local what, group, issued, expires, id = text:match "^1%.(%a+)%.(%x+)%.(%d+)%.(%d+)%.(%x+)$"
  if not what or #group ~= HASH then return nil end
  for _, key in ipairs(keys) do
    if host.same(host.hmac_sha256(key, text):sub(1, MAC), mac) then
      return { what = what, group = group, issued = tonumber(issued), expires = tonumber(expires), id = id }
    end
  end
  return nil
end

return M

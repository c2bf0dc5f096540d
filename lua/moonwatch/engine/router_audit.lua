--- router_audit.lua - the router notes who did what, and lets the other nodes know.
local M = {}

-- The header in which a proxy before this server says who has signed in there.
local SIGNED_IN = { "x-forwarded-user", "x-remote-user", "x-webauth-user" }
local CLIENT = 200 -- the longest that a proxy may say

-- From where: the address that asks, and whom a proxy there says it asks for.
local function from(msg)
  local client = msg.headers and msg.headers["x-forwarded-for"]
  if not client or client == "" then return msg.remote end
  return msg.remote and ("%s by %s"):format(client:sub(1, CLIENT), msg.remote) or client
end

--- Who asks in the HTTP message MSG: the person who signed in at a proxy, or who they SAY they are.  {name=, user=, from=}.
function M.who(msg, says)
  local headers = msg and msg.headers or {}
  local user
  for _, name in ipairs(SIGNED_IN) do
    if headers[name] and headers[name] ~= "" then user = user or headers[name] end
  end
  return { name = user or says ~= "" and says or "unknown", user = user, from = msg and from(msg) }
end

--- Note WHAT ("silence.made", "ack.made", "test.sent") was done by WHO: a name, or what `who` gave.
function M.note(router, what, who, now, details)
  if type(who) ~= "table" then who = { name = who } end
  local entry = router.audits:add(what, who.name, who.from, now, details)
  router.share("audit", entry.id, entry)
  return entry
end

return M

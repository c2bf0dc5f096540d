--- audit.lua - an entry of the audit chain: what was done, by whom, from where.
--
-- WHAT is "part.deed": "silence.made", "config.loaded", "gate.refused".  Details are texts, numbers and booleans by name; what one
-- entry may hold is bounded, so that whoever may write cannot make the chain grow by one request.
local M = {}

local TEXT, DETAILS = 500, 40

local function cut(v)
  if type(v) == "number" or type(v) == "boolean" then return v end
  v = tostring(v)
  return #v > TEXT and v:sub(1, TEXT) .. "..." or v
end

local function plain(details)
  local out, n = {}, 0
  for name, value in pairs(details or {}) do
    n = n + 1
    if n > DETAILS then break end
    out[tostring(name)] = cut(value)
  end
  return out
end

-- The header in which a proxy before this server says who has signed in there.
local SIGNED_IN = { "x-forwarded-user", "x-remote-user", "x-webauth-user" }

local CLIENT = 200 -- the longest that a proxy may say

-- From where: the address that asks, and whom a proxy there says it asks for.
local function where(msg)
  local client = msg.headers and msg.headers["x-forwarded-for"]
  if not client or client == "" then return msg.remote end
  return msg.remote and ("%s by %s"):format(client:sub(1, CLIENT), msg.remote) or client
end

--- Who asks in the HTTP message MSG: the person who signed in at a proxy, or who they say they are: SAYS, unless it is no text.
-- {name=, user=, from=}.
function M.who(msg, says)
  local headers = msg and msg.headers or {}
  local user
  for _, name in ipairs(SIGNED_IN) do
    if headers[name] and headers[name] ~= "" then user = user or headers[name] end
  end
  if type(says) ~= "string" or says == "" then says = "unknown" end
  return { name = user or says, user = user, from = msg and where(msg) }
end

--- An entry that is in no chain yet.
function M.entry(host, what, who, from, details)
  return { id = host.random_hex(8), what = what, who = cut(who or "unknown"), from = from and cut(from) or nil, details = plain(details) }
end

--- Put ENTRY into the chain of this node, where there is one: it then knows its number.  What the disk does not take is told to the
-- log and goes on: who cannot silence an alert because a disk is full is worse off than who can.
function M.keep(host, entry)
  if not host.audit then return end
  local seq, err, node = host.audit(entry)
  if seq then entry.seq, entry.node = seq, node
  elseif err and err ~= "nothing is audited here" then
    host.log("error", "an audit entry was not written", { what = entry.what, who = entry.who, error = err })
  end
end

--- Note it for a part that keeps no ring: WHO is a name, or what `who` gave.
function M.note(host, what, who, details)
  if type(who) ~= "table" then who = { name = who } end
  M.keep(host, M.entry(host, what, who.name, who.from, details))
end

return M

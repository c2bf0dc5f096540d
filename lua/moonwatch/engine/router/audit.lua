--- audit.lua - the router notes who did what, and lets the other nodes know.
local Audit = require "moonwatch.route.audit"
local audit = require "moonwatch.audit"

local M = {}

M.who = audit.who

--- Note WHAT ("silence.made", "ack.made", "test.sent") was done by WHO: a name, or what `who` gave.
function M.note(router, what, who, now, details)
  if type(who) ~= "table" then who = { name = who } end
  local entry = router.audits:add(what, who.name, who.from, now, details)
  router.share("audit", entry.id, entry)
  return entry
end

--- ENTRY of the chain of a node stands where OTHER did: said once of each node.
function M.rewritten(router, entry, other, now)
  local told = router.rewritten or {}
  router.rewritten = told
  if told[entry.node] then return end
  told[entry.node] = true
  router.host.log("error", "an audit chain began anew, or was written anew", { node = entry.node, entry = entry.seq, was = other.what, is = entry.what })
  M.note(router, "audit.rewritten", "moonwatch", now, { node = entry.node, entry = entry.seq, was = other.what, is = entry.what })
end

--- Another part of this node made ENTRY of the chain; what the router noted itself is known.
function M.heard(router, entry)
  local e = Audit.of_chain(router.host, entry)
  if e and router.audits:merge(e) then router.share("audit", e.id, e) end
end

return M

--- links.lua - links in messages that acknowledge or silence without signing in.
--
-- A link carries a token (route/sign.lua) of the group it came with; what it may do it may do once, and
-- for a while.  The key that signs is that of the settings, or one made up at the first start, which the
-- nodes agree on: the oldest wins, and what another signed meanwhile stays good.
local page = require "moonwatch.alert.page"
local sign = require "moonwatch.route.sign"

local M = {}
M.__index = M

local VALID = 86400
local KEYS, USED = 4, 10000
local ROOT = "/api/mw/v1/ack/link/"

function M.new(router)
  return setmetatable({ router = router, host = router.host, keys = {}, used = {}, count = 0, claimed = {} }, M)
end

-- -- keys ------------------------------------------------------------------------

local function settings_of(self) return self.router.settings.ack or {} end

-- The secret of the settings as a text; false when it should be there and is not.
local function configured(self)
  local secret = settings_of(self).secret
  if type(secret) == "table" then return self.host.secret(secret["@secret"]) or false end
  return secret
end

-- The key made up by some node, this one if there is none yet.
local function made_up(self, now)
  if not self.keys[1] then
    self.keys[1] = { key = self.host.random_hex(32), at = now }
    self:share()
  end
  return self.keys[1].key
end

function M:share()
  if self.keys[1] then self.router.share("links", "key", { key = self.keys[1].key, at = self.keys[1].at }) end
end

local function older(a, b)
  if a.at ~= b.at then return a.at < b.at end
  return a.key < b.key
end

local function drop(self, id)
  if self.used[id] then self.used[id], self.count = nil, self.count - 1 end
end

-- A peer told of its key, of a link that was used there, or (VALUE is nil) that the use ID is forgotten.
function M:merge(id, value)
  if value == nil then return drop(self, id) end
  if type(value) ~= "table" then return end
  if value.used then return self:note_use(value.used, value) end
  local mine = self.keys[1]
  if not value.key or mine and mine.key == value.key then return end
  for i = #self.keys, 1, -1 do
    if self.keys[i].key == value.key then table.remove(self.keys, i) end
  end
  table.insert(self.keys, { key = value.key, at = value.at })
  table.sort(self.keys, older)
  self.keys[KEYS + 1] = nil
  if mine and self.keys[1] == mine then self:share() end
end

-- -- tokens ----------------------------------------------------------------------

-- Where the page tells the story of the first alert of NOTE.
local function why_url(base, note)
  local first = note.alerts[1]
  return page.address(base, first and first.labels or {})
end

--- The links of NOTE: {ack=, silence=, why=, token=, silence_token=, slack=}; the tokens are for buttons that bring them back, which
-- Slack's do when `slack` is true.
-- nil when nobody said where people reach us.
function M:of(note, settings, now)
  local ack, base = settings.ack or {}, page.base(settings.external_url)
  if not base then return nil end
  local out = { why = why_url(base, note), slack = ack.slack ~= nil or nil }
  local key = ack.links ~= false and note.status == "firing" and configured(self)
  if key == nil then key = made_up(self, now) end
  if not key then return out end
  local group = note.group_hash or self.host.sha256(note.group_key)
  local t = { group = group, issued = now, expires = now + (ack.valid or VALID), id = note.id }
  for what, name in pairs { ack = "token", silence = "silence_token" } do
    t.what = what
    out[name] = sign.write(self.host, key, t)
    out[what] = base .. ROOT .. out[name]
  end
  return out
end

--- What TOKEN allows at NOW: {what=, group=, issued=, id=}; or nil, "forged" | "expired" | "used", and in the last case who
-- used it: {by=, at=}.
function M:open(token, now)
  local keys = {}
  local secret = configured(self)
  if secret then keys[1] = secret end
  for _, k in ipairs(self.keys) do keys[#keys + 1] = k.key end
  local t = sign.read(self.host, keys, token)
  if not t then return nil, "forged" end
  local used = self.used[t.what .. t.id]
  if used then return nil, "used", used end
  if t.expires <= now then return nil, "expired" end
  return t
end

function M:note_use(id, use)
  if not self.used[id] then self.count = self.count + 1 end
  self.used[id] = { by = use.by, at = use.at, expires = use.expires }
end

--- A peer told of the acknowledgement A, and will tell of the link it came by, if any: that one is used from now on.
function M:note_ack(a)
  local id = a.link and "ack" .. a.link
  if id and not self.used[id] then self:note_use(id, { by = a.by or a.author, at = a.created_at, expires = a.created_at + VALID }) end
end

-- Never more than so many: the oldest are forgotten, and the ack itself then says that somebody is on it.
local function forget(self, now)
  local list = {}
  for id in pairs(self.used) do list[#list + 1] = id end
  table.sort(list, function(a, b) return self.used[a].at < self.used[b].at end)
  for i, id in ipairs(list) do
    if self.used[id].expires <= now or i <= #list - USED then
      drop(self, id)
      self.router.share("links", id, nil)
    end
  end
end

--- Somebody uses T, and whether they may is being asked: false when that is so already.  Ends with `release`.
function M:claim(t)
  local id = t.what .. t.id
  if self.claimed[id] then return false end
  self.claimed[id] = true
  return true
end

function M:release(t) self.claimed[t.what .. t.id] = nil end

--- T, that `open` gave, was used by BY.
function M:use(t, by, now)
  local id = t.what .. t.id
  self:note_use(id, { by = by, at = now, expires = t.expires })
  self.router.share("links", id, { used = id, by = by, at = now, expires = t.expires })
  if self.count % 100 == 0 or self.count > USED then forget(self, now) end
end

-- -- state -----------------------------------------------------------------------

--- SAVED: "key" → the list of keys, and each use by its id.
function M:restore(saved)
  self.keys, self.used, self.count = {}, {}, 0
  for id, value in pairs(saved or {}) do
    if id == "key" then self.keys = value else self.used[id], self.count = value, self.count + 1 end
  end
end

return M

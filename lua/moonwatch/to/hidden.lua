--- hidden.lua - what in the fields of a receiver is for nobody's eyes, and texts without it.
--
-- Which fields take a secret is in the tables of the kinds (words/kinds_*.lua); that one was written as a plain text makes it no
-- less of one.  Of an address that is a secret the host may be read, its path and query may not; of any other one all but who
-- signs in and what is asked.  Headers and variables are judged by their names.
--
--   local unread = hidden.of("slack", fields, host)   -- fields with the texts of their secrets
--   unread:out_of(text)                               -- *** in their places
--   unread:host(host)                                 -- what it is answered and what it writes into the log has none
local kinds = require "moonwatch.words.kinds"

local M = {}
M.__index = M

local SIGN = "***"
local SHORT = 3     -- what is shorter keeps no secret, and would spoil every text
local VALUE, SEGMENT = 8, 16 -- a value of a query, a piece of a path that may be a key of its own

local NAMES = { "auth", "token", "secret", "passw", "key", "cookie", "credential", "signature" }

local function telling(name)
  name = tostring(name):lower()
  for _, word in ipairs(NAMES) do
    if name:find(word, 1, true) then return true end
  end
  return false
end

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- -- gathering --------------------------------------------------------------------

local function add(self, text, least)
  if #text >= (least or SHORT) and not self.set[text] then
    self.set[text] = true
    self.list[#self.list + 1] = text
  end
end

-- As it is written, and as it is meant.
local function add_both(self, text, least)
  add(self, text, least)
  add(self, decoded(text), least)
end

local function add_signature(self, user, password) add(self, self.base64(user .. ":" .. password)) end

-- ALL: its path is a secret, too.
local function add_address(self, url, all)
  local place, tail = url:match "^%a[%w+.-]*://([^/?#]*)(.*)$"
  if not place then return end
  local signed = place:match "^(.*)@"
  if signed then
    local user, password = signed:match "^([^:]*):?(.*)$"
    add(self, signed)
    add_both(self, password)
    add_signature(self, decoded(user), decoded(password))
  end
  local path, query = tail:match "^([^?]*)%??(.*)$"
  for value in query:gmatch "=([^&#]*)" do add_both(self, value, VALUE) end
  if not all then return end
  add(self, tail, VALUE)
  for segment in path:gmatch "[^/]+" do add_both(self, segment, SEGMENT) end
end

local function add_secret(self, text)
  add(self, text)
  add_address(self, text, true)
end

-- "Bearer abc" is a secret, and so is abc.
local function add_value(self, text)
  add(self, text)
  add(self, text:match "^%S+%s+(%S.*)$" or "")
end

local function gather(self, rows, fields)
  local types = {}
  for _, row in ipairs(rows or {}) do types[row[1]] = row end
  for name, value in pairs(fields) do
    local row = types[name]
    if type(value) == "table" then
      if not value["@fn"] then gather(self, row and row.fields, value) end
    elseif type(value) == "string" then
      if row and row[2] == "secret" then add_secret(self, value)
      elseif not rows and telling(name) then add_value(self, value)
      else add_address(self, value) end
    end
  end
  if type(fields.user) == "string" and type(fields.password) == "string" then add_signature(self, fields.user, fields.password) end
end

--- What is hidden of a receiver of KIND with FIELDS, and SECRETS: a list of texts.
function M.of(kind, fields, host, secrets)
  local self = setmetatable({ list = {}, set = {}, base64 = host.base64 }, M)
  for _, text in ipairs(secrets or {}) do add_secret(self, text) end
  gather(self, kinds[kind] and kinds[kind].fields, fields)
  table.sort(self.list, function(a, b) return #a > #b end) -- so that no end of a longer one is left
  return self
end

-- -- hiding -----------------------------------------------------------------------

--- TEXT without them.
function M:out_of(text)
  for _, secret in ipairs(self.list) do
    if text:find(secret, 1, true) then text = text:gsub(secret:gsub("%p", "%%%0"), SIGN) end
  end
  return text
end

--- VALUE without them, however deep they are in it.
function M:clean(value)
  if type(value) == "string" then return self:out_of(value) end
  if type(value) ~= "table" then return value end
  local out = {}
  for k, v in pairs(value) do out[k] = self:clean(v) end
  return out
end

--- HOST as a kind of receiver is to see it.  What is answered is cleaned before anything is cut off from it.
function M:host(host)
  local out = {}
  function out.call(what, request, done)
    return host.call(what, request, function(reply) done(self:clean(reply)) end)
  end
  function out.log(level, message, fields) return host.log(level, message, self:clean(fields)) end
  return setmetatable(out, { __index = host })
end

--- URL, which is no secret itself, as it may be shown.
function M.address(url)
  return (url:gsub("^(%a[%w+.-]*://)[^/?#]*@", "%1" .. SIGN .. "@"):gsub("%?.*$", "?" .. SIGN))
end

return M

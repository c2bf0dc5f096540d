--- mime.lua - what a mail looks like on its way: headers, two bodies, nothing that a text from outside could add to.
--
-- Header values lose their control characters, so that no alert can write a header of its own; what is not ASCII is
-- written as encoded words (RFC 2047), the bodies are quoted-printable in UTF-8 (RFC 2045), lines end in CRLF.
local calendar = require "moonwatch.route.calendar"
local keys_of = require "moonwatch.keys"

local M = {}

local WORD = 45      -- bytes of a text in one encoded word: 60 in base64
local HEADER = 76    -- where a header is folded
local BODY = 76      -- longest line of quoted-printable
local LONGEST = 2000 -- bytes of one header

--- Headers that nobody else may write, and what to write instead.
M.ours = {
  from = "; give from", to = "; give to", subject = "; give subject", date = "", ["message-id"] = "", ["references"] = "; give thread",
  ["in-reply-to"] = "; give thread", ["mime-version"] = "", ["content-type"] = "", ["content-transfer-encoding"] = "", bcc = "; give to", sender = "",
}

-- -- addresses -----------------------------------------------------------------------------

--- "host:port" or "[::1]:25" → host, port; nil.
function M.host_port(text)
  local host, port = text:match "^%[([%x:%.]+)%]:(%d+)$"
  if not host then host, port = text:match "^([%w%.%-_]+):(%d+)$" end
  port = tonumber(port)
  if not port or port < 1 or port > 65535 then return nil end
  return host, port
end

-- One address, "a@b.c" or "Name <a@b.c>" → { name=, address= }; nil, why.
local function address_of(text)
  local name, bare = text:match "^%s*(.-)%s*<([^<>]*)>%s*$"
  bare = bare or text:match "^%s*(.-)%s*$"
  name = name and name:gsub('^"(.*)"$', "%1") or nil
  if #bare > 254 or text:find "%c" or not bare:find "^[^%s%c<>@,;:\\\"()%[%]]+@[^%s%c<>@,;:\\\"()]+$" or bare:find "%.%." then
    return nil, ("%q is no mail address"):format(bare)
  end
  return { name = name ~= "" and name or nil, address = bare }
end

--- Pieces of TEXT between commas that are in no quotes.
local function pieces(text)
  local out, at, quoted = {}, 1, false
  for i = 1, #text do
    local c = text:sub(i, i)
    if c == '"' then quoted = not quoted end
    if c == "," and not quoted then
      out[#out + 1], at = text:sub(at, i - 1), i + 1
    end
  end
  out[#out + 1] = text:sub(at)
  return out
end
M.pieces = pieces

--- Texts with addresses → list of { name=, address= }, each address once; nil, why.
function M.addresses(texts)
  local out, seen = {}, {}
  for _, text in ipairs(texts) do
    for _, piece in ipairs(pieces(text)) do
      local one, why = address_of(piece)
      if not one then return nil, why end
      if not seen[one.address] then
        seen[one.address] = true
        out[#out + 1] = one
      end
    end
  end
  if #out == 0 then return nil, "no address" end
  return out
end

-- -- headers -----------------------------------------------------------------------------

-- At most MOST bytes of TEXT, never half a character.
local function bytes(text, most)
  if #text <= most then return text end
  local n = most
  while n > 0 and text:byte(n + 1) >= 0x80 and text:byte(n + 1) < 0xc0 do n = n - 1 end
  return text:sub(1, n > 0 and n or most)
end
M.bytes = bytes

local function clean(text) return (bytes(text, LONGEST):gsub("[%z\1-\31\127]+", " ")) end

local function plain(text) return not text:find "[\128-\255]" and not text:find("=?", 1, true) end

local function encoded(text, host)
  local out = {}
  while #text > 0 do
    local piece = bytes(text, WORD)
    out[#out + 1] = ("=?utf-8?B?%s?="):format(host.base64(piece))
    text = text:sub(#piece + 1)
  end
  return table.concat(out, "\r\n ")
end

-- TEXT with line breaks before words that would go beyond HEADER; FIRST: columns used already.
local function folded(text, first)
  local out, column = {}, first
  for space, word in text:gmatch "(%s*)(%S+)" do
    local fits = column + #space + #word <= HEADER
    out[#out + 1] = (fits or #out == 0 or space == "") and space .. word or "\r\n " .. word
    column = (fits or #out == 1) and column + #space + #word or 1 + #word
  end
  return table.concat(out)
end

--- "Name: value", folded, without its line end.  Anything may be in VALUE.
function M.header(name, value, host)
  value = clean(value)
  if not plain(value) then return ("%s: %s"):format(name, encoded(value, host)) end
  return ("%s: %s"):format(name, folded(value, #name + 2))
end

local function shown(one, host)
  if not one.name then return one.address end
  local name = clean(one.name)
  if not plain(name) then return ("%s <%s>"):format(encoded(name, host), one.address) end
  return ('"%s" <%s>'):format(name:gsub('["\\]', "\\%0"), one.address)
end

-- A list of addresses, one a line.
local function address_header(name, list, host)
  local out = {}
  for i, one in ipairs(list) do out[i] = shown(one, host) end
  return ("%s: %s"):format(name, table.concat(out, ",\r\n "))
end

local DAYS = { [0] = "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local MONTHS = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

--- Seconds → "Fri, 29 May 2026 05:06:40 +0000".
function M.date(seconds)
  local f = calendar.fields(seconds)
  local second = math.floor(seconds) % 60
  return ("%s, %02d %s %d %02d:%02d:%02d +0000"):format(DAYS[f.wday], f.day, MONTHS[f.month], f.year, math.floor(f.minute / 60), f.minute % 60, second)
end

-- -- bodies -------------------------------------------------------------------------------

local function hex(c) return ("=%02X"):format(c:byte()) end

local function quoted_line(line)
  line = line:gsub("[^\t -<>-~]", hex):gsub("[ \t]$", hex)
  if #line <= BODY then return line end
  local out, at = {}, 1
  while #line - at + 1 > BODY do
    local stop = at + BODY - 2
    -- not within an escape
    if line:sub(stop, stop) == "=" then stop = stop - 1 elseif line:sub(stop - 1, stop - 1) == "=" then stop = stop - 2 end
    out[#out + 1] = line:sub(at, stop) .. "="
    at = stop + 1
  end
  out[#out + 1] = line:sub(at)
  return table.concat(out, "\r\n")
end

--- TEXT as quoted-printable, every line ended.
function M.quoted(text)
  local out = {}
  text = text:gsub("\r\n?", "\n")
  for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch "([^\n]*)\n" do out[#out + 1] = quoted_line(line) end
  return table.concat(out, "\r\n") .. "\r\n"
end

local function part(kind, text)
  return ("Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%s"):format(kind, M.quoted(text))
end

local function body(mail, boundary)
  if not mail.html or not mail.text then return mail.html and part("html", mail.html) or part("plain", mail.text or "") end
  return table.concat { ('Content-Type: multipart/alternative; boundary="%s"\r\n\r\n'):format(boundary),
    "--", boundary, "\r\n", part("plain", mail.text), "\r\n--", boundary, "\r\n", part("html", mail.html), "\r\n--", boundary, "--\r\n" }
end

--- mail = { from=, to= (lists of addresses), subject=, date=, id=, references=, headers=, text=, html= } → the whole message.
-- The boundary cannot be in quoted-printable text, for it has "=_" in it.
function M.message(mail, host)
  local out = {
    address_header("From", mail.from, host), address_header("To", mail.to, host), M.header("Subject", mail.subject, host),
    "Date: " .. M.date(mail.date), ("Message-ID: <%s>"):format(mail.id),
  }
  if mail.references then
    out[#out + 1] = ("In-Reply-To: <%s>"):format(mail.references)
    out[#out + 1] = ("References: <%s>"):format(mail.references)
  end
  for _, name in ipairs(keys_of(mail.headers)) do out[#out + 1] = M.header(name, mail.headers[name], host) end
  out[#out + 1] = "MIME-Version: 1.0"
  return table.concat(out, "\r\n") .. "\r\n" .. body(mail, "=_" .. host.sha256(mail.id):sub(1, 32))
end

return M

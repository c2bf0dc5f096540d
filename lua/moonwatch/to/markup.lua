--- markup.lua - foreign text inside the markup of chat programs: escaped, so that it says what it says and no more.
--
-- A dialect has `text` and `code`, which say what becomes of a character outside and inside of a block of code, and how a word is
-- made bold, an address a link, lines a block.  A label may hold anything: it must call nobody (@channel, <!everyone>, <@all>), open no
-- tag and make no link.  Where a program cannot escape, a space of no width stands behind the character.
local M = {}

local NOTHING = "\226\128\139" -- U+200B

local function escaping(characters, more)
  local out = {}
  for c in characters:gmatch "." do out[c] = "\\" .. c end
  for c, text in pairs(more or {}) do out[c] = text end
  return out
end

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }
local HTML = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local TICK = { ["`"] = "'" }
local CALL = { ["@"] = "@" .. NOTHING }

local function with(map, more)
  local out = {}
  for k, v in pairs(map) do out[k] = v end
  for k, v in pairs(more) do out[k] = v end
  return out
end

local function wrapped(left, right) return function(text) return left .. text .. (right or left) end end
local function bracketed(text, url) return ("[%s](%s)"):format(text, url) end
local FENCE = { "```\n", "\n```" }

M.plain = { text = {}, code = {}, bold = function(text) return text end, link = function(text, url) return text .. ": " .. url end, fence = { "", "" } }
M.slack = { text = ENTITIES, code = with(ENTITIES, TICK), bold = wrapped "*", fence = { "```", "```" },
  link = function(text, url) return ("<%s|%s>"):format(url:gsub("&", "&amp;"), text) end }
M.discord = { text = escaping("\\*_~`|>#[]<", CALL), code = with(TICK, CALL), bold = wrapped "**", link = bracketed, fence = FENCE }
M.mattermost = { text = escaping("\\*_~`[]#>|!<", CALL), code = with(TICK, CALL), bold = wrapped "**", link = bracketed, fence = FENCE }
M.rocketchat = { text = with(TICK, { ["@"] = CALL["@"], ["]"] = "]" .. NOTHING }), code = with(TICK, CALL), bold = wrapped "*", link = bracketed, fence = FENCE }
M.webex = { text = escaping("\\*_`[]#", ENTITIES), code = with(TICK, { ["<"] = "<" .. NOTHING }), bold = wrapped "**", link = bracketed, fence = FENCE }
M.teams = { text = escaping "\\*_`[]#>~", code = {}, bold = wrapped "**", link = bracketed, fence = { "", "" } }
M.telegram = { text = HTML, code = HTML, bold = wrapped("<b>", "</b>"), fence = { "<pre>", "</pre>" },
  link = function(text, url) return ('<a href="%s">%s</a>'):format(url:gsub("&", "&amp;"), text) end }
M.telegram_v2 = { text = escaping "\\_*[]()~`>#+-=|{}.!", code = escaping "\\`", bold = wrapped "*", link = bracketed, fence = FENCE }
M.telegram_v1 = { text = escaping "_*`[", code = TICK, bold = wrapped "*", link = bracketed, fence = FENCE }

-- -- writing ---------------------------------------------------------------------

local BROKEN = "\239\191\189" -- U+FFFD

-- One character as it should be, from the bytes that begin with its first.
local function whole(c)
  local lead = c:byte()
  local length = lead < 128 and 1 or lead < 224 and 2 or lead < 240 and 3 or 4
  return #c < length and BROKEN or #c > length and c:sub(1, length) or c
end

-- How long TEXT, a character or what replaces it, is for those who count: in bytes, or as UTF-16 counts, which is never less than
-- the number of characters.
local function size(text, bytes)
  if bytes then return #text end
  local n = 0
  for lead in text:gmatch "[%z\1-\127\194-\244]" do n = n + (lead:byte() >= 240 and 2 or 1) end
  return n
end

--- How long TEXT is: in bytes, or in characters as UTF-16 counts them.
M.size = size

local ELLIPSIS = "…"

--- TEXT with each character replaced by what MAP says, cut to MOST where it stands, never inside of a character or of what it was
-- replaced by.  how = {line = on one line, bytes = MOST counts bytes}.
function M.write(map, text, most, how)
  local line, bytes = how and how.line, how and how.bytes
  local room = most - size(ELLIPSIS, bytes)
  local out, used, safe = {}, 0, 0
  for c in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do
    c = whole(c)
    if c:find "^%c" and (line or c ~= "\n") then c = " " end
    c = map[c] or c
    used = used + size(c, bytes)
    if used > most then
      for i = #out, safe + 1, -1 do out[i] = nil end
      return table.concat(out) .. ELLIPSIS
    end
    out[#out + 1] = c
    if used <= room then safe = #out end
  end
  return table.concat(out)
end

--- TEXT, which is markup already, cut to MOST.
function M.cut(text, most, bytes) return M.write(M.plain.text, text, most, { bytes = bytes }) end

local LONGEST_URL = 2000

--- URL when it is an address that people may be sent to, written so that it stays one inside of any markup; or nil.
function M.url(url)
  if type(url) ~= "string" or #url > LONGEST_URL or not url:find "^[hH][tT][tT][pP][sS]?://[^/]" then return nil end
  return (url:gsub("[^%w%-%._~:/?#!$&+,;=%%]", function(c) return ("%%%02X"):format(c:byte()) end))
end

return M

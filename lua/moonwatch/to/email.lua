--- email.lua - a mail: what is in it, and what the answers of the mail server mean.
--
-- All recipients are in one mail.  When the server takes it for some of them only, those are remembered in the note, so
-- that the next try goes to the others; whom it refuses for good (5xx) is given up and told in the log.
-- The mails of a group refer to one id that no mail has, so that mail programs show them together.
local filled = require "moonwatch.to.filled"
local html = require "moonwatch.to.html"
local letter = require "moonwatch.to.letter"
local mime = require "moonwatch.to.mime"

local M = { kind = "email" }

local LONGEST_SUBJECT = 250

-- -- what is in it ------------------------------------------------------------------------

local function thread_of(note, fields, host, domain)
  if fields.thread == "none" or note.digest or note.test then return nil end
  local what = note.group_key
  if fields.thread == "day" then what = what .. "/" .. host.rfc3339(note.time):sub(1, 10) end
  return ("group.%s@%s"):format(host.sha256(what):sub(1, 32), domain)
end

-- Ours, unless the configuration has texts of its own; a text of one kind alone stands alone.
local function bodies(note, fields, host)
  if note.digest or (not fields.text and not fields.html) then return letter.text(note, host), html.page(note, host) end
  local own = fields.html and fields.html ~= "" and letter.filled(fields.html, note, html.escape) or nil
  local plain = letter.filled(fields.text, note)
  if fields.html == "" then return plain or letter.text(note, host), nil end
  if not own then return plain, nil end
  return plain, own
end

-- Everybody to whom NOTE goes, as `mime.addresses` gives them; nil, why.  Where texts of `to` are filled in from the message, what comes
-- out empty is nobody, and what is no address is given up for itself.
local function recipients(note, fields)
  local texts = {}
  for _, text in ipairs(fields.to) do
    if not filled.is_template(text) then texts[#texts + 1] = text
    else
      for _, piece in ipairs(mime.pieces(filled.text(text, note))) do
        local ok, why = mime.addresses { piece }
        if ok then texts[#texts + 1] = piece
        elseif piece:find "%S" then
          note.given_up = note.given_up or {}
          note.given_up[piece] = why
        end
      end
    end
  end
  local list, why = mime.addresses(texts)
  if not list and #texts == 0 then why = "nobody is named by " .. table.concat(fields.to, ", ") end
  return list, why
end

--- NOTE for the recipients TO → what host.call("mail") takes; nil, why.
function M.build(note, fields, host, to)
  local server, port = mime.host_port(fields.smarthost)
  local from, why = mime.addresses { fields.from }
  if not server or not from then return nil, why or ("smarthost %q is no host:port"):format(fields.smarthost) end
  local domain = from[1].address:match "@(.*)$"
  local plain, page = bodies(note, fields, host)
  local everybody = recipients(note, fields)
  local mail = { from = from, to = everybody or to, subject = letter.title(note, fields.subject), date = note.time, headers = filled.deep(fields.headers or {}, note),
    id = ("%s.%s@%s"):format(note.id, host.sha256(note.group_key .. note.receiver):sub(1, 16), domain),
    references = thread_of(note, fields, host, domain), text = plain, html = page }
  mail.subject = mime.bytes(mail.subject, LONGEST_SUBJECT)
  local auth, addresses = fields.auth or {}, {}
  for i, one in ipairs(to) do addresses[i] = one.address end
  local implicit = fields.implicit_tls
  if implicit == nil then implicit = port == 465 end
  return { host = server, port = port, implicit_tls = implicit, require_tls = fields.require_tls ~= false, hello = fields.hello or host.hostname(),
    user = auth.user, password = auth.password, identity = auth.identity, mechanism = auth.mechanism,
    from = from[1].address, to = host.json.array(addresses), message = mime.message(mail, host), timeout = fields.timeout or 30, tls = fields.tls }
end

-- -- what became of it ----------------------------------------------------------------------

local function words_of(given_up)
  local out = {}
  for address, said in pairs(given_up) do out[#out + 1] = ("%s: %s"):format(address, said) end
  table.sort(out)
  return table.concat(out, "; ")
end

-- Who has it, who will never have it, as NOTE remembers; and what was said to those who may have it later.
local function sort_out(note, reply, to)
  note.mailed, note.given_up = note.mailed or {}, note.given_up or {}
  local later, n = {}, 0
  local refused = {}
  for _, row in ipairs(reply.refused or {}) do
    refused[row.to], n = row, n + 1
    local said = row.reply or tostring(row.status)
    if row.status >= 500 then note.given_up[row.to] = said else later[row.to] = said end
  end
  if not reply.error then
    for _, one in ipairs(to) do
      if not refused[one.address] then note.mailed[one.address] = true end
    end
  end
  return later, n
end

--- REPLY of host.call("mail") about NOTE for TO → outcome, as answer.judge gives it.
function M.judge(note, reply, to)
  local out = { status = reply.status, seconds = reply.seconds }
  local later, refused = sort_out(note, reply, to)
  local gave_up = next(note.given_up) and "refused for good: " .. words_of(note.given_up)
  if reply.error and refused < #to then -- not about recipients
    local passing = (reply.status or 0) >= 400 and reply.status < 500
    out.retry = passing or not (reply.bad or reply.no_tls or reply.login or (reply.status or 0) >= 500)
    out.error = reply.error
    return out
  end
  if next(later) then
    out.retry, out.error = true, "not taken yet: " .. words_of(later) .. (gave_up and "; " .. gave_up or "")
    return out
  end
  out.ok, out.retry, out.error = next(note.mailed) ~= nil, false, gave_up
  return out
end

local function left_of(note, fields)
  local all, why = recipients(note, fields)
  if not all then return nil, why end
  local out = {}
  for _, one in ipairs(all) do
    if not (note.mailed and note.mailed[one.address]) and not (note.given_up and note.given_up[one.address]) then out[#out + 1] = one end
  end
  return out
end

function M.send(note, fields, host, done)
  local to, why = left_of(note, fields)
  if to and #to == 0 then return done(M.judge(note, { refused = {} }, to)) end
  local mail
  if to then mail, why = M.build(note, fields, host, to) end
  if not mail then return done { retry = false, error = why } end
  host.call("mail", mail, function(reply)
    local outcome = M.judge(note, reply, to)
    if outcome.ok and outcome.error then
      host.log("warn", "a mail went to some of its recipients only", { receiver = note.receiver, error = outcome.error })
    end
    done(outcome)
  end)
end

return M

--- audit_chain.lua - `moonwatch audit verify` and `audit export`: the chain of who did what, of a folder, a file or a server.
--
-- A folder or file is read here; nobody needs to be trusted but this program.  With --url the server reads its own.
local client = require "moonwatch.cli.client"

local M = {}

-- -- verify ----------------------------------------------------------------------

local function anchor_of(text)
  local seq, hash = text:match "^(%d+):(%x+)$"
  if not seq or #hash < 8 or #hash > 64 or #seq > 15 or tonumber(seq) < 1 then
    return nil, ("--head %s: it is NUMBER:HASH, the number of an entry and at least 8 digits of its hash"):format(text)
  end
  return { seq = tonumber(seq), hash = hash:lower() }
end

-- What the chain says of itself: somebody was at it, and the server saw it.
local DAMAGE = { ["audit.cut"] = true, ["audit.broken"] = true, ["audit.misfit"] = true, ["audit.gap"] = true }
local SHOWN = 5

-- Notes in FOUND the entries of damage, as they are visited.
local function watch(host, found)
  return function(text)
    local what = text:match '"what":"(audit%.%l+)"'
    local e = what and DAMAGE[what] and host.json.decode(text)
    if e then found[#found + 1] = ("entry %d, %s: %s"):format(e.seq, e.time, e.what) end
  end
end

-- The report in words; the exit status.
local function tell(ctx, r, head)
  if r.problem then
    ctx.out(("does not fit at entry %d: %s\n"):format(r.bad, r.problem))
    ctx.out(("entries that fit: %d, up to number %d\n"):format(r.entries, r.last))
    return 1
  end
  if r.entries == 0 then
    ctx.out "the chain is empty: there is nothing to verify\n"
    return 2
  end
  ctx.out(("%d entries fit, from %d to %d, in %d files\n"):format(r.entries, r.first, r.last, r.segments))
  if r.expired then ctx.out(("entries before %d have expired, and the chain says so\n"):format(r.first)) end
  if (r.torn or 0) > 0 then ctx.out(("%d bytes at the end are no whole entry; the next start cuts them off\n"):format(r.torn)) end
  if head then
    ctx.out(r.met and ("entry %d is the one that was remembered\n"):format(head.seq)
      or ("entry %d has expired: it cannot be compared\n"):format(head.seq))
  end
  for i = 1, math.min(SHOWN, #r.damage) do ctx.out(("it tells of damage itself: %s\n"):format(r.damage[i])) end
  if #r.damage > SHOWN then ctx.out(("and of %d more\n"):format(#r.damage - SHOWN)) end
  ctx.out(("head %d:%s\n"):format(r.last, r.hash))
  return 0
end

function M.verify(ctx, options, rest)
  local head, bad
  if options.head then
    head, bad = anchor_of(options.head)
    if not head then return nil, bad end
  end
  if #rest > 1 then return nil, "verify takes one folder or file" end
  local r, err
  if rest[1] then
    local damage = {}
    r, err = ctx.host.audit_walk(rest[1], head, watch(ctx.host, damage))
    if not r then
      ctx.err(("moonwatch: %s\n"):format(err))
      return 2
    end
    r.damage = ctx.host.json.array(damage)
  else
    r = client.ask(ctx, "GET", "/api/mw/v1/audit/verify" .. (head and "?head=" .. client.escape(("%d:%s"):format(head.seq, head.hash)) or ""))
    if not r then return 2 end
    r.damage = r.damage or ctx.host.json.array {}
  end
  if options.json then
    client.json(ctx, r)
    return r.problem and 1 or 0
  end
  return tell(ctx, r, head)
end

-- -- export ------------------------------------------------------------------------

-- A sheet runs what begins like a formula, and who writes into an audit may be anybody.
local function cell(text)
  text = tostring(text == nil and "" or text)
  if text:find "^[=+%-@\t\r]" then text = "'" .. text end
  if text:find '[",\r\n]' then text = '"' .. text:gsub('"', '""') .. '"' end
  return text
end

local COLUMNS = { "seq", "time", "node", "what", "who", "from", "details", "hash" }

-- How a form begins: a function for each entry (its text, and what it says), and one for the end.
local write = {}

function write.csv(ctx)
  local json = ctx.host.json
  ctx.out(table.concat(COLUMNS, ",") .. "\r\n")
  return function(_, e)
    local row = {}
    for i, name in ipairs(COLUMNS) do
      local value = e[name]
      if name == "seq" then value = ("%d"):format(value) end
      if name == "details" then value = value and json.encode(value) end
      row[i] = cell(value)
    end
    ctx.out(table.concat(row, ",") .. "\r\n")
  end, function() end
end

function write.json(ctx)
  local before = "[\n"
  return function(text)
    ctx.out(before .. text)
    before = ",\n"
  end, function() ctx.out(before == "[\n" and "[]\n" or "\n]\n") end
end

local function time_of(ctx, text, now)
  if not text then return nil end
  local t = ctx.host.parse_time(text)
  local ago = not t and ctx.host.duration(text)
  if not t and not ago then return nil, ("%q is neither a time (2026-05-28T20:00:00Z) nor a duration (30d)"):format(text) end
  return ctx.host.rfc3339(t or now - ago)
end

-- Entries of the folder or file PLACE to PUT(text with its hash).
local function from_place(ctx, place, put)
  local r, err = ctx.host.audit_walk(place, nil, function(text, hash) put(text:sub(1, -2) .. ',"hash":"' .. hash .. '"}') end)
  if not r then
    ctx.err(("moonwatch: %s\n"):format(err))
    return 2
  end
  if not r.problem then return 0 end
  ctx.err(("moonwatch: the chain does not fit at entry %d; what comes before it was exported: %s\n"):format(r.bad, r.problem))
  return 1
end

local function from_server(ctx, from, to, put)
  local query = {}
  if from then query[#query + 1] = "from=" .. client.escape(from) end
  if to then query[#query + 1] = "to=" .. client.escape(to) end
  local body = client.text(ctx, "/api/mw/v1/audit/export" .. (#query > 0 and "?" .. table.concat(query, "&") or ""))
  if not body then return 2 end
  for line in body:gmatch "[^\n]+" do put(line) end
  return 0
end

function M.export(ctx, options, rest)
  local now = ctx.host.now()
  local from, bad_from = time_of(ctx, options.from, now)
  local to, bad_to = time_of(ctx, options.to, now)
  if bad_from or bad_to then return nil, bad_from or bad_to end
  if #rest > 1 then return nil, "export takes one folder or file" end
  if options.json and options.csv then return nil, "export writes JSON or CSV, not both" end
  local each, finish = write[options.csv and "csv" or "json"](ctx)
  local function put(text)
    local e = ctx.host.json.decode(text)
    if type(e) ~= "table" or from and e.time < from or to and e.time >= to then return end
    each(text, e)
  end
  local status
  if rest[1] then status = from_place(ctx, rest[1], put) else status = from_server(ctx, from, to, put) end
  finish()
  return status
end

return M

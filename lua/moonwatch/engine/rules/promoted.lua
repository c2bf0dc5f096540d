--- promoted.lua - which shadows are live, on disk and on every node.
--
-- DATA/promotions.json: live id -> the text that it belongs to, see rules/shadow.lua.
local identity = require "moonwatch.config.identity"
local shadow = require "moonwatch.engine.rules.shadow"

local M = {}

local function path(host) return host.data_dir .. "/promotions.json" end

--- What is on disk, as live id -> text.
function M.read(host)
  local out, text = {}, host.read_file(path(host))
  local saved = text and host.json.decode(text)
  if text and type(saved) ~= "table" then
    host.log("error", "the promotions are unreadable: the files say what is live", { file = path(host) })
  end
  for id, of in pairs(type(saved) == "table" and saved or {}) do
    if type(id) == "string" and type(of) == "string" then out[id] = of end
  end
  return out
end

function M.write(host, promoted)
  local ok, why = host.write_file(path(host), host.json.encode(setmetatable(promoted, nil)))
  if not ok then host.log("error", "the promotions were not written: after a restart the files say what is live: " .. tostring(why)) end
end

--- The pair of ENGINE that is called NAME (a name or a live id): id, pair; nil and why.
function M.find(engine, name)
  local found, ids = nil, {}
  for id, pair in pairs(engine.set and shadow.pairs_of(engine.set) or {}) do
    if id == name then return id, pair end
    if pair.shadow.name == name then found, ids[#ids + 1] = pair, id end
  end
  if #ids == 1 then return ids[1], found end
  table.sort(ids)
  if #ids == 0 then return nil, ("there is no shadow %q"):format(name) end
  return nil, ("several shadows are called %q, say which: %s"):format(name, table.concat(ids, "  "))
end

local function place(rule) return ("%s:%d"):format(rule.file, rule.line) end

-- What the user edits so that it stays, or is over.
local function advice(pair, undo)
  if undo then return ("%s is a shadow again"):format(place(pair.shadow)) end
  local text = ("%s is live until it is edited; to keep it so take `shadow = true` out of it"):format(place(pair.shadow))
  if pair.live then text = text .. (", and the %s at %s away"):format(pair.live.word, place(pair.live)) end
  return text
end

--- Make the shadow NAME live, or with UNDO the rule before it again: { id=, title=, promoted=, message= }; nil, why.
function M.set(engine, name, undo, now)
  local id, pair = M.find(engine, name)
  if not id then return nil, pair end
  local on = engine.promoted[id] ~= nil
  if on == not undo then
    return nil, on and ("%s is live already"):format(identity.title(pair.shadow)) or ("%s is not promoted"):format(identity.title(pair.shadow))
  end
  engine.promoted[id] = not undo and shadow.text_of(pair, engine.host) or nil
  engine:load(engine.set, now)
  if engine.keep_promoted then engine.keep_promoted(engine.promoted) end
  engine.host.call("cluster.put", { kind = "promotion", id = id, value = engine.promoted[id] and { text = engine.promoted[id], at = now } or { at = now } })
  engine.host.log("info", ("%s %s"):format(identity.title(pair.shadow), undo and "is promoted no longer" or "is promoted"))
  return { id = id, title = identity.title(pair.shadow), promoted = not undo, message = advice(pair, undo) }
end

--- Another node promoted ID, or took that back.
function M.shared(engine, id, value, now)
  local text = type(value) == "table" and type(value.text) == "string" and value.text or nil
  if engine.promoted[id] == text then return end
  local pair = engine.set and shadow.pairs_of(engine.set)[id]
  if text and not (pair and shadow.text_of(pair, engine.host) == text) then return end -- our files are others
  engine.promoted[id] = text
  engine:load(engine.set, now)
  if engine.keep_promoted then engine.keep_promoted(engine.promoted) end
end

return M

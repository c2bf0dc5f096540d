--- init.lua - `moonwatch lua` without a file: read, run, show, again.
--
-- At a terminal with editing, history and completion; from a pipe one input after the other, each as soon as it is whole.
local complete = require "moonwatch.repl.complete"
local session_of = require "moonwatch.repl.session"

local M = {}

local HISTORY = 1000
local LONGEST = 1048576

local function history_file(host)
  local base = host.env "XDG_STATE_HOME"
  if not base or base:sub(1, 1) ~= "/" then
    local home = host.env "HOME"
    base = home and home ~= "" and home .. "/.local/state"
  end
  if not base then return nil end
  if not host.mkdir(base .. "/moonwatch") then return nil end
  return base .. "/moonwatch/history"
end

-- -- at a terminal ---------------------------------------------------------------------------

-- One whole input, perhaps of several lines; "" after an interrupt, nil at the end.
local function read_input(session, editor, before)
  before.text = ""
  while true do
    local line = editor:read(before.text == "" and "moonwatch> " or "        .. ")
    if line == nil then return nil end
    if line == false then return "" end
    local text = before.text .. line
    local _, _, unfinished = session:compile(text)
    -- An empty line ends an input that has no end.
    if not unfinished or line == "" or #text > LONGEST then return text end
    before.text = text .. "\n"
  end
end

local function talk(ctx, session)
  local before = { text = "" }
  local completer = complete.new(session)
  local editor = ctx.host.editor {
    history = history_file(ctx.host), size = HISTORY,
    complete = function(line) return completer:at(before.text .. line) end,
  }
  ctx.out(("moonwatch %s at %s. help() tells what there is, TAB completes.\n"):format(ctx.host.version(), ctx.url))
  while true do
    local text = read_input(session, editor, before)
    if text == nil then break end
    if text:find "%S" then
      editor:remember((text:gsub("\n$", "")))
      session:run(text)
    end
  end
  editor:close()
  ctx.out "\n"
  return 0
end

-- -- from a pipe -----------------------------------------------------------------------------

-- Lines keep their number in what is said about them.
local function pipe(session)
  local ok, text, first, number = true, nil, 1, 0
  for line in io.stdin:lines() do
    number = number + 1
    if not text then first = number end
    text = text and text .. "\n" .. line or line
    local _, _, unfinished = session:compile(text)
    if not unfinished or #text > LONGEST then
      if text:find "%S" then ok = session:run(("\n"):rep(first - 1) .. text) and ok end
      text = nil
    end
  end
  if text and text:find "%S" then ok = session:run(("\n"):rep(first - 1) .. text) and ok end
  return ok and 0 or 1
end

--- ctx: that of a command.  Gives the exit status: from a pipe 1 when anything failed.
function M.main(ctx)
  local session = session_of.new(ctx)
  if ctx.host.terminal() then return talk(ctx, session) end
  return pipe(session)
end

return M

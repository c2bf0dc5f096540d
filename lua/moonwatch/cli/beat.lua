--- beat.lua - `moonwatch beat NAME`: what a heartbeat check waits for, from a script or around a program.
local client = require "moonwatch.cli.client"

local M = { raw = true }

M.usage = "beat NAME [--fail MESSAGE | --start] [--message TEXT] [--seconds N] [--retry D] [-- PROGRAM ARGUMENT...]"
M.help = "tell a heartbeat check that all is well, or not; around a program: that it starts, how it ended and how long it took"
M.details = [[
With a PROGRAM its exit status is what `beat` ends with, whether the server could be told or not; a status other than 0 is told as a
failure. --retry 1m: when the server does not answer, it is told again until so much time has passed.]]

M.flags = { fail = "value", start = "switch", message = "value", seconds = "value", retry = "value", url = "value", token = "value" }

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

-- ARGV up to "--", and what stands behind it.
local function split(argv)
  local own, program = {}, nil
  for _, word in ipairs(argv) do
    if program then program[#program + 1] = word
    elseif word == "--" then program = {}
    else own[#own + 1] = word end
  end
  return own, program
end

-- Tell it until it is there.  True when it was taken.
local function tell(ctx, name, beat, patience)
  local clock, untill = ctx.host.monotonic, ctx.host.monotonic() + patience
  local quiet = { host = ctx.host, url = ctx.url, token = ctx.token, err = function() end }
  while true do
    local last = clock() >= untill
    local status, body = client.request(last and ctx or quiet, "POST", "/api/mw/v1/checks/" .. client.escape(name) .. "/beat", beat)
    if status and status < 300 then return true end
    if status and status < 500 then
      ctx.err(("moonwatch: %s\n"):format(type(body) == "table" and body.error and body.error.message or "answered " .. status))
      return false
    end
    if last then
      if status then ctx.err(("moonwatch: %s answered %d\n"):format(ctx.url, status)) end
      return false
    end
    os.execute "sleep 1"
  end
end

-- The exit status of PROGRAM, as a shell would give it.
local function run(program)
  local words = {}
  for i, word in ipairs(program) do words[i] = quote(word) end
  local a, how, code = os.execute(table.concat(words, " "))
  if type(a) == "number" then
    if a >= 256 then return math.floor(a / 256) end
    return a == 0 and 0 or 128 + a
  end
  return how == "signal" and 128 + code or code
end

local function around(ctx, name, program, options, patience)
  tell(ctx, name, { kind = "start" }, 0)
  local before = ctx.host.monotonic()
  local code = run(program)
  local beat = { kind = code == 0 and "ok" or "fail", seconds = ctx.host.monotonic() - before, message = options.message }
  if code ~= 0 then beat.message = options.message or ("%s ended with status %d"):format(program[1], code) end
  tell(ctx, name, beat, patience)
  return code
end

function M.main(ctx, argv)
  local own, program = split(argv)
  local options, rest = client.parse(own, M.flags)
  if not options or #rest ~= 1 then return client.misused(ctx, M, options and "say which check" or rest) end
  ctx.url, ctx.token = options.url or ctx.url, options.token or ctx.token
  local patience = options.retry and ctx.host.duration(options.retry) or 0
  if options.retry and not ctx.host.duration(options.retry) then return client.misused(ctx, M, "--retry is a duration such as 1m") end
  if program then
    if not program[1] or options.fail or options.start or options.seconds then return client.misused(ctx, M, "say which program, without --fail, --start and --seconds") end
    return around(ctx, rest[1], program, options, patience)
  end
  if options.fail and options.start then return client.misused(ctx, M, "--fail and --start exclude each other") end
  local seconds = options.seconds and tonumber(options.seconds)
  if options.seconds and not seconds then return client.misused(ctx, M, "--seconds is a number") end
  local beat = { kind = options.fail and "fail" or options.start and "start" or "ok", message = options.fail or options.message, seconds = seconds }
  return tell(ctx, rest[1], beat, patience) and 0 or 1
end

return M

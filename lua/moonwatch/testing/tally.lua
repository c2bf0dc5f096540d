--- tally.lua - how `moonwatch test` shows a run: a line for each failure, and counts.
local M = { passed = 0, failed = 0 }

local function place(element)
  local trace = element and element.trace
  return trace and trace.short_src and ("%s:%d"):format(trace.short_src, trace.currentline or 0) or "?"
end

local function text_of(message)
  if type(message) == "string" then return message end
  if type(message) == "table" and message.message then return tostring(message.message) end
  return require("pl.pretty").write(message)
end

local function tell(kind, handler, element, message, trace)
  M.failed = M.failed + 1
  io.stdout:write(("%s: %s: %s\n"):format(kind, place(trace and { trace = trace } or element), handler.getFullName(element)))
  if message then io.stdout:write("  " .. text_of(message):gsub("\n", "\n  ") .. "\n") end
  if trace and trace.traceback then io.stdout:write("  " .. trace.traceback:gsub("^\n", ""):gsub("\n", "\n  ") .. "\n") end
  io.stdout:flush()
end

--- What busted calls an output handler.
function M.handler()
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()

  busted.subscribe({ "test", "end" }, function(element, _, status, trace)
    if status == "success" then M.passed = M.passed + 1 end
    return nil, element == nil or trace == nil
  end)
  busted.subscribe({ "failure" }, function(element, _, message, trace)
    tell("FAILED", handler, element, message, trace)
    return nil, true
  end)
  busted.subscribe({ "error" }, function(element, _, message, trace)
    tell("ERROR", handler, element, message, trace)
    return nil, true
  end)
  return handler
end

return M

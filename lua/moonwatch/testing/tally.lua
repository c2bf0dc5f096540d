--- tally.lua - how `moonwatch test` shows a run: a line for each failure, and counts.
local nonet = require "moonwatch.testing.nonet"

local M = { passed = 0, failed = 0, results = {} }

local function place(element)
  local trace = element and element.trace
  return trace and trace.short_src and ("%s:%d"):format(trace.short_src, trace.currentline or 0) or "?"
end

local function text_of(message)
  if type(message) == "string" then return message end
  if type(message) == "table" and message.message then return tostring(message.message) end
  return require("pl.pretty").write(message)
end

--- A test that passed, of FILE.
function M.pass(file, name)
  M.passed = M.passed + 1
  M.results[#M.results + 1] = { file = file, name = name }
end

--- One that did not: KIND is FAILED or ERROR, WHERE is "file:line".
function M.fail(kind, where, name, text)
  M.failed = M.failed + 1
  M.results[#M.results + 1] = { file = where:match "^(.*):%d+$" or where, name = name, text = text or kind }
  io.stdout:write(("%s: %s: %s\n"):format(kind, where, name))
  if text then io.stdout:write("  " .. text:gsub("\n", "\n  ") .. "\n") end
  io.stdout:flush()
end

local function tell(kind, handler, element, message, trace)
  local text = message and text_of(message)
  if trace and trace.traceback then text = (text and text .. "\n" or "") .. trace.traceback:gsub("^\n", "") end
  -- What one of our own files raised is the fault of the spec that called it.
  local ours = not trace or tostring(trace.short_src):find "^lua/moonwatch/"
  local where, name = place(ours and element or { trace = trace }), handler.getFullName(element)
  M.fail(kind, where == "?" and name or where, name, text and text:gsub("^lua/moonwatch/[%w_/]+%.lua:%d+: ", ""))
end

-- A test that caught the error of a guard has touched something all the same.
local function ended(handler, element, status)
  local touched = nonet.touched
  nonet.touched = nil
  if status ~= "success" then return end
  if touched then return M.fail("FAILED", place(element), handler.getFullName(element), touched) end
  local trace = element.trace
  M.pass(trace and trace.short_src or "?", handler.getFullName(element))
end

--- What busted calls an output handler.
function M.handler()
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()

  busted.subscribe({ "file", "start" }, function()
    nonet.begin_file()
    return nil, true
  end)
  busted.subscribe({ "test", "end" }, function(element, _, status, trace)
    ended(handler, element, status)
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

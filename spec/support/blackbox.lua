--- blackbox.lua - Debian's blackbox exporter, probing what we probe.
require("moonwatch.testing.nonet").allow() -- real programs
local net = require "net"
local proc = require "proc"

local M = {}
local Exporter = {}
Exporter.__index = Exporter

--- MODULES: the text of its configuration, in JSON or YAML, below "modules:".
function M.start(modules)
  local dir, port = proc.scratch(), proc.free_port()
  proc.write(dir .. "/blackbox.yml", "modules:\n" .. modules)
  local p = proc.spawn({ "prometheus-blackbox-exporter", "--config.file=" .. dir .. "/blackbox.yml", "--web.listen-address=127.0.0.1:" .. port }, dir .. "/log")
  local self = setmetatable({ proc = p, url = "http://127.0.0.1:" .. port }, Exporter)
  proc.eventually(function()
    assert(p:alive(), p:output())
    return net.request(self.url .. "/-/healthy") == 200
  end, 20, "blackbox exporter answers")
  return self
end

--- What it measures: a table "name{labels}" → value.
function Exporter:probe(module, target)
  local status, body = net.request(("%s/probe?module=%s&target=%s"):format(self.url, module, net.escape(target)))
  assert(status == 200, body)
  local out = {}
  for line in body:gmatch "[^\n]+" do
    local name, value = line:match "^([^#%s].*) (%S+)$"
    if name then out[name] = tonumber(value) end
  end
  return out
end

function Exporter:stop() self.proc:stop() end

return M

--- bundle.lua - the pushed rule files on this node: loaded when they come, kept when Redis goes away.
--
-- The last bundle that loaded lies in DATA/bundle.json and is loaded at start, before Redis has said a word. One that
-- does not load is left aside: the rules that run go on, and every node can see who refused what.
local M = {}
M.__index = M

local function path(self) return self.host.data_dir .. "/bundle.json" end

local function texts(problems)
  local out = {}
  for i, p in ipairs(problems or {}) do out[i] = type(p) == "table" and p.text or tostring(p) end
  return out
end

-- Every node learns what this one runs.
local function tell(self)
  local status = self.mine
  self.host.call("cluster.nodes", {}, function(nodes)
    if nodes.error or not nodes.enabled then return end
    self.host.call("cluster.put", { kind = "bundle-status", id = nodes.self, value = status })
  end)
end

local function set_status(self, bundle, ok, problems, now)
  self.mine = {
    version = bundle.version, sha = bundle.sha, ok = ok, at = now,
    running = self.current and self.current.version or nil,
    problems = #problems > 0 and self.host.json.array(problems) or nil,
  }
end

local function keep(self, bundle)
  self.current = bundle
  local text = self.host.json.encode { version = bundle.version, sha = bundle.sha, files = bundle.files }
  local ok, why = self.host.write_file(path(self), text)
  if not ok then self.host.log("error", "the bundle could not be kept on disk: " .. tostring(why)) end
end

local function load_kept(self)
  local text = self.host.read_file(path(self))
  if not text then return end
  local bundle = self.host.json.decode(text)
  if type(bundle) ~= "table" or type(bundle.files) ~= "table" then
    self.host.log("error", "the kept bundle is unreadable and was left aside", { file = path(self) })
    return
  end
  local ok, problems = self.apply(bundle.files, bundle.version)
  if ok then
    self.current = bundle
    self.host.log("info", ("bundle version %s loaded from disk"):format(tostring(bundle.version)))
  else
    self.host.log("error", ("the kept bundle does not load: %s"):format(texts(problems)[1] or "unknown"))
  end
end

--- options: { host=, apply=function(files, version) -> ok, problems }.
function M.new(options)
  local self = setmetatable({ host = options.host, apply = options.apply, nodes = {} }, M)
  load_kept(self)
  return self
end

local on = {}

function on.bundle(self, msg, now)
  local bundle = { version = msg.version, sha = msg.sha, files = msg.files }
  if self.current and self.current.sha == msg.sha then
    keep(self, bundle)
    set_status(self, bundle, true, {}, now)
    return tell(self)
  end
  local ok, problems = self.apply(msg.files, msg.version)
  if ok then
    keep(self, bundle)
    self.host.log("info", ("bundle version %s loaded"):format(tostring(msg.version)))
  else
    self.host.log("error", ("bundle version %s refused; the rules that ran go on"):format(tostring(msg.version)))
  end
  set_status(self, bundle, ok and true or false, ok and {} or texts(problems), now)
  tell(self)
end

function on.shared(self, msg)
  if msg.kind == "bundle-status" then self.nodes[msg.id] = msg.value end
end

function M:handle(msg, now)
  local f = on[msg.type]
  if f then return f(self, msg, now) end
end

--- What node NAME said last about its bundle: { version=, sha=, ok=, problems=, running= }, or nil.
function M:status(name) return self.nodes[name] end

return M

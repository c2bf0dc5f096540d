--- assertions.lua - what busted's assert learns: assert.fires(world, "Down", { instance = "a" }) and its kin.
--
--   assert.fires(world, NAME, labels, value)     an alert fires now; labels and value may be left out
--   assert.pends(world, NAME, labels, value)     the same for pending
--   assert.resolved(world, NAME, labels)         it fired, and that is over
--   assert.quiet(world, NAME)                    nothing (of that name) is pending or firing
--   assert.sent(world, { receiver=, ... }, n)    a message like that left (n of them); see World:sent
--   assert.silent(world, { receiver=, ... })     no message (like that) left
--   assert.routes(world, labels, { "web", ... }) an alert with these labels goes to these receivers, in any order
-- Each also as assert.is_not.fires(...), and each failure says what there was instead.
local metric = require "moonwatch.testing.metric"
local routes_of = require "moonwatch.api.why_routes"

local M = {}

local function is_world(x) return type(x) == "table" and x.story ~= nil and x.engine ~= nil end

local function wanted_text(name, labels, value)
  return (name or "an alert") .. (labels and metric.text(labels) or "") .. (value and " with value " .. metric.number(value) or "")
end

local function tell(state, world, text, ...)
  state.failure_message = text:format(...) .. "\n" .. world:describe()
end

-- An assertion ABOUT(state, world, ...) -> truth; it tells what to say when that is not what was expected.
local function of_world(name, about)
  return function(state, arguments)
    local world = arguments[1]
    if not is_world(world) then error(("assert.%s is about a world, which comes first"):format(name), 2) end
    return about(state, world, unpack(arguments, 2, arguments.n))
  end
end

local function in_state(kind, verb)
  return function(state, world, name, labels, value)
    local found = {}
    for _, alert in ipairs(world:alerts(kind, name, labels)) do
      if value == nil or alert.value == value then found[#found + 1] = alert end
    end
    tell(state, world, state.mod and "expected that %s %s" or "did not expect that %s %s", wanted_text(name, labels, value), verb)
    return #found > 0
  end
end

-- The last that happened to some alert like that is that it ended.
local function resolved(state, world, name, labels)
  local last = {}
  for _, e in ipairs(world:timeline(name)) do
    local fits = true
    for k, v in pairs(labels or {}) do fits = fits and e.labels[k] == tostring(v) end
    if fits then last[metric.text(e.labels)] = e.to end
  end
  local any = false
  for _, to in pairs(last) do any = any or to == "resolved" end
  tell(state, world, state.mod and "expected that %s is resolved" or "did not expect that %s is resolved", wanted_text(name, labels))
  return any
end

local function quiet(state, world, name)
  tell(state, world, state.mod and "expected that nothing%s is pending or firing" or "expected that something%s is pending or firing",
    name and " of " .. name or "")
  return #world:alerts("firing", name) + #world:alerts("pending", name) == 0
end

local function filter_text(wanted)
  local out = {}
  for key, value in pairs(wanted or {}) do
    out[#out + 1] = ("%s=%s"):format(key, type(value) == "table" and metric.text(value) or tostring(value))
  end
  table.sort(out)
  return #out > 0 and " with " .. table.concat(out, ", ") or ""
end

local function sent(state, world, wanted, times)
  local n = #world:sent(wanted)
  tell(state, world, "%s %s%s, there %s %d", state.mod and "expected" or "did not expect",
    times and ("%d messages"):format(times) or "a message", filter_text(wanted), n == 1 and "was" or "were", n)
  if times then return n == times end
  return n > 0
end

local function silent(state, world, wanted)
  local n = #world:sent(wanted)
  tell(state, world, state.mod and "expected no message%s, there were %d" or "expected a message%s, there were %d", filter_text(wanted), n)
  return n == 0
end

local function sorted(list)
  local out = {}
  for i, name in ipairs(list) do out[i] = name end
  table.sort(out)
  return table.concat(out, ", ")
end

local function routes(state, world, labels, receivers)
  if type(labels) ~= "table" or type(receivers) ~= "table" then error("assert.routes(world, labels, { receivers })", 3) end
  local set = {}
  for name, value in pairs(labels) do set[name] = tostring(value) end
  local there, tree = sorted(routes_of.would(world.router, set, world.now).receivers), {}
  for i, row in ipairs(routes_of.tree(world.router, set)) do tree[i] = ("  "):rep(row.depth + 1) .. row.route .. ": " .. row.text end
  state.failure_message = ("%s that %s goes to {%s}, it goes to {%s}\n%s"):format(state.mod and "expected" or "did not expect",
    metric.text(set), sorted(receivers), there, table.concat(tree, "\n"))
  return there == sorted(receivers)
end

local ASSERTIONS = {
  routes = routes,
  fires = in_state("firing", "fires"), pends = in_state("pending", "is pending"), resolved = resolved, quiet = quiet, sent = sent, silent = silent,
}

--- Teach ASSERT, busted's.
function M.register(assert)
  for name, about in pairs(ASSERTIONS) do
    assert:register("assertion", name, of_world(name, about))
  end
end

return M

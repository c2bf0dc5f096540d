--- check_against.lua - `moonwatch check PATH --against URL`: what a reload of that server would do with these files.
--
-- The server answers, with its own root file and data beside the files sent; nothing changes there.
local client = require "moonwatch.cli.client"
local load = require "moonwatch.config.load"

local M = {}

local function below(path, dirs)
  for _, dir in ipairs(dirs) do
    dir = dir:gsub("/+$", "")
    if dir == "." or path:sub(1, #dir + 1) == dir .. "/" then return true end
  end
  return false
end

-- Every file that loading GIVEN reads, and what they are.
local function files_of(ctx, given)
  local set, _, watch = load.load(given)
  if set then load.discard(set) end
  local files, what, dirs = {}, {}, { unpack(given.rules or {}) }
  for path in pairs(watch.files) do
    files[path] = path == given.config and given.source or ctx.host.read_file(path) or nil
  end
  if given.config then
    what[1] = { kind = "config", path = given.config }
    dirs[#dirs + 1] = given.config:match "^(.*)/[^/]*$" or "."
  end
  for _, dir in ipairs(given.rules or {}) do what[#what + 1] = { kind = "folder", path = dir } end
  local alone = {}
  for path in pairs(files) do
    if not below(path, dirs) then alone[#alone + 1] = path end
  end
  table.sort(alone)
  for _, path in ipairs(alone) do what[#what + 1] = { kind = "file", path = path } end
  return files, what
end

-- -- for a person ----------------------------------------------------------

local function block(out, head, lines)
  if #lines == 0 then return end
  out[#out + 1] = head
  for _, line in ipairs(lines) do out[#out + 1] = "  " .. line end
end

local function rules(plan)
  local out = {}
  for _, name in ipairs(plan.added) do out[#out + 1] = "+ " .. name end
  for _, name in ipairs(plan.changed) do
    out[#out + 1] = ("~ %s (%s)"):format(name, table.concat(plan.fields[name] or {}, ", "))
  end
  for _, name in ipairs(plan.removed) do out[#out + 1] = "- " .. name end
  for _, name in ipairs(plan.targets.added) do out[#out + 1] = "+ target " .. name end
  for _, name in ipairs(plan.targets.removed) do out[#out + 1] = "- target " .. name end
  return out
end

local function alerts(plan)
  local out = {}
  for i, r in ipairs(plan.resolves) do
    out[i] = ("%s {%s} %s since %s -> %s: %s"):format(r.rule, client.labels(r.labels), r.state, r.since, r.becomes, r.why)
  end
  return out
end

local function texts(list, f)
  local out = {}
  for i, item in ipairs(list or {}) do out[i] = f(item) end
  return out
end

local function show(plan)
  local out = { plan.summary }
  block(out, "rules:", rules(plan))
  block(out, "alerts that change:", alerts(plan))
  block(out, "state that is lost:", texts(plan.lost, function(l) return ("%s: %s"):format(l.rule, l.why) end))
  block(out, "state that is migrated:", plan.migrated)
  block(out, "promotions that are over:", plan.demoted or {})
  block(out, "files that are left out:", texts(plan.quarantined, function(q)
    return q.file .. (q.running and ": its version before goes on running" or "")
  end))
  return table.concat(out, "\n") .. "\n"
end

-- -- the whole -------------------------------------------------------------

function M.main(ctx, given, options)
  ctx.url = options.against
  local files, what = files_of(ctx, given)
  if next(files) == nil then
    ctx.err "moonwatch: there is no file to send\n"
    return 1
  end
  local status, plan = client.request(ctx, "POST", "/api/mw/v1/plan", { files = files, what = what })
  if not status then return 1 end
  if options.json and type(plan) == "table" then
    client.json(ctx, plan)
    return plan.ok and #plan.problems == 0 and 0 or 1
  end
  if type(plan) ~= "table" or plan.ok == nil then
    local why = type(plan) == "table" and type(plan.error) == "table" and plan.error.message
    ctx.err(("moonwatch: %s: %s\n"):format(ctx.url, why or "answered " .. status))
    return 1
  end
  for _, problem in ipairs(plan.problems) do ctx.err(problem .. "\n") end
  if plan.ok then ctx.out(show(plan)) else ctx.err(plan.summary .. "\n") end
  return plan.ok and #plan.problems == 0 and 0 or 1
end

return M

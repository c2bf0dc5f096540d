--- plan.lua - POST /api/mw/v1/plan: what would a reload change if these were the files?
--
--   {"files": {"rules/web.lua": "alert ..."}, "what": [{"kind": "folder", "path": "rules"}]}
-- Without "what" each file stands for itself.  200 with the plan, 422 with the problems; nothing changes in either case.
local answer = require "moonwatch.api.answer"

local function bad(host, message) return answer.problem(host, 400, "bad_request", message) end

local function files_of(body)
  if type(body.files) ~= "table" or next(body.files) == nil then return nil end
  for path, text in pairs(body.files) do
    if type(path) ~= "string" or type(text) ~= "string" or path == "" then return nil end
  end
  return body.files
end

local function what_of(body, files)
  local out = {}
  if body.what == nil then
    for path in pairs(files) do out[#out + 1] = { kind = "file", path = path } end
    return out
  end
  if type(body.what) ~= "table" then return nil end
  for i, item in ipairs(body.what) do
    if type(item) ~= "table" or type(item.kind) ~= "string" or type(item.path) ~= "string" then return nil end
    out[i] = { kind = item.kind, path = item.path }
  end
  return #out > 0 and out or nil
end

return {
  ["/api/mw/v1/plan"] = function(engine, req)
    local host = engine.host
    if req.method ~= "POST" then return answer.problem(host, 405, "method", "use POST here") end
    local body = host.json.decode(req.body or "")
    if type(body) ~= "table" then return bad(host, "the body must be a JSON object") end
    local files = files_of(body)
    if not files then return bad(host, "files must be an object: path -> text") end
    local what = what_of(body, files)
    if not what then return bad(host, "what must be a list of {kind, path}") end
    local ok, why, busy = engine.plan(files, what, function(result)
      req.reply(answer.json(host, result.ok and 200 or 422, result))
    end)
    if ok then return host.later end
    return answer.problem(host, busy and 429 or 400, busy and "busy" or "bad_request", why)
  end,
}

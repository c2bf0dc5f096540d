--- reload.lua - POST /-/reload: 200 with what changed, or 422 with what is wrong.
local audit = require "moonwatch.audit"
local answer = require "moonwatch.api.answer"

return {
  ["/-/reload"] = function(engine, req)
    if req.method ~= "POST" and req.method ~= "PUT" then
      return answer.problem(engine.host, 405, "method", "reload is a POST")
    end
    engine.reload("POST /-/reload", function(result)
      req.reply(answer.json(engine.host, result.ok and 200 or 422, result))
    end, audit.who(req))
    return engine.host.later
  end,
}

--- func.lua - a receiver that is a Lua function of a rule file; it runs in its guest, with a budget.
local M = { kind = "function", digests = "alerts" }

--- Run it; DONE(outcome).  A function that fails is not run again for this message: it would fail again.
function M.send(note, fields, host, done)
  host.ask("rules", { type = "call", fn = fields.fn, args = { note } }, function(answer)
    if answer.ok then return done { ok = true, seconds = answer.seconds } end
    done { retry = answer.ok == nil, error = answer.error or "the function failed", seconds = answer.seconds }
  end)
end

return M

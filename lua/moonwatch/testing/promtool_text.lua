--- promtool_text.lua - the texts of Prometheus rules: as they are, or Go templates made functions.
--
-- To the engine this is one more guest: it calls functions of it by number, with the alert as their argument.
local M = {}
M.__index = M

M.GUEST = "(templates)"

--- context: { labels=, url= }, what $externalLabels and $externalURL are.
function M.new(host, context) return setmetatable({ host = host, context = context, fns = {} }, M) end

--- TEXT as a field of a rule; nil and why when it is a template that cannot be read.
function M:add(text)
  if not text:find("{{", 1, true) then
    -- ${ } means something in our own texts: a plain text with it is given as a function too.
    if not text:find("${", 1, true) then return text end
    self.fns[#self.fns + 1] = function() return text end
  else
    return nil, "templates are not read yet"
  end
  return { ["@fn"] = #self.fns, guest = M.GUEST }
end

function M:call(fn, args, ctx, done)
  local ok, text = pcall(self.fns[fn], args[1], ctx.now)
  -- As Prometheus: what went wrong is the text.
  done { ok = true, values = { ok and text or ("<error expanding template: %s>"):format(tostring(text)) } }
end

function M.close() end

return M

--- budget.lua - the field `budget` of rules: what one evaluation may use, less than settings.limits gives everybody.
local M = {}

local ROWS = {
  { "seconds", "interval", help = "processor time of one call of a function" },
  { "instructions", "count", help = "Lua instructions of one call of a function" },
  { "memory", "bytes", help = "memory of the rule's file while one of its functions runs" },
  { "query_samples", "count", help = "samples that all its queries may read" },
  { "query_seconds", "interval", help = "time that all its queries may take" },
  { "emissions", "count", help = "alerts fired, samples recorded, log lines and measurements" },
}

--- Their names; in settings.limits each has "rule_" in front.
M.NAMES = {}
for i, row in ipairs(ROWS) do M.NAMES[i] = row[1] end

--- The row of fields for a word whose rules may use NAMES.
function M.row(names)
  local fields, wanted = {}, {}
  for _, name in ipairs(names) do wanted[name] = true end
  for _, row in ipairs(ROWS) do
    if wanted[row[1]] then fields[#fields + 1] = row end
  end
  return { "budget", "table", help = "what one evaluation may use, where that is less than settings.limits says", fields = fields }
end

--- Where the budget of a rule with FIELDS is more than LIMITS allows: list of { path=, message= }.
function M.beyond(fields, limits)
  local out = {}
  for _, name in ipairs(M.NAMES) do
    local own, most = fields.budget and fields.budget[name], limits["rule_" .. name]
    if own and most and own > most then
      out[#out + 1] = { path = { "budget", name },
                        message = ("budget.%s: more than settings.limits.rule_%s, which is %.15g"):format(name, name, most) }
    end
  end
  return out
end

return M

--- degraded.lua - well, but not quite: why.
--
-- A probe that succeeded may have been slow, may have seen a certificate that ends soon or a server that is nearly full, or may say so
-- itself.  Reasons count once `degraded.after` probes in a row gave one.
local M = {}

local REASONS = {
  { "said", function(result) return result.degraded and (result.message or "as the check says") end },
  { "limit", function(result) return result.beyond end },
  { "slow", function(result, limits, host)
    local most = limits.slower_than
    return most and result.seconds and result.seconds > most and ("slower than %s"):format(host.duration_text(most))
  end },
  { "certificate", function(result, limits, host, t)
    local ends = result.certificate_ends
    if not (limits.certificate_within and ends) or ends - t >= limits.certificate_within then return nil end
    return ("the certificate ends %s"):format(host.rfc3339(ends))
  end },
}

local NONE = {}

--- What keeps RESULT of a probe at T from being quite well: names of reasons, and the same for a person; nil when nothing does.
-- result.beyond: what goes beyond a limit of `degraded` that only its kind knows; result.certificate_ends: when the first
-- certificate of the chain to end does, in unix seconds.
function M.reasons(result, limits, host, t)
  local names, texts
  for _, row in ipairs(result.good and REASONS or NONE) do
    local text = row[2](result, limits or NONE, host, t)
    if text then
      names, texts = names or {}, texts or {}
      names[#names + 1], texts[#texts + 1] = row[1], text
    end
  end
  return names, texts and table.concat(texts, "; ")
end

return M

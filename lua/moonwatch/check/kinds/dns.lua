--- dns.lua - the check kind `dns`: one question to a name server.
local measure = require "moonwatch.check.measure"

-- Names have no case, and one with the dot at its end is the same name.
local function plain(text) return (text:lower():gsub("%.$", "")) end

local function has(list, text)
  for _, item in ipairs(list) do
    if plain(item) == plain(text) then return true end
  end
end

-- What the records of the type that was asked for hold, and their shortest time to live.
local function records(answer, type)
  local out, ttl = {}, nil
  for _, record in ipairs(answer.answers or {}) do
    if record.type == type then
      out[#out + 1] = record.data
      ttl = math.min(ttl or record.ttl, record.ttl)
    end
  end
  table.sort(out)
  return out, ttl
end

local function listed(list) return #list == 0 and "none" or table.concat(list, ", ") end

local function judge_records(result, d, found, ttl, run)
  local expect = d.expect
  local least = expect.least or ((expect.answers or not has(expect.rcode, "NOERROR")) and 0 or 1)
  if #found < least then measure.fail(result, "%d %s records, expected at least %d", #found, d.type, least) end
  for _, text in ipairs(expect.answers or {}) do
    if not has(found, text) then measure.fail(result, "%s is not among the answers: %s", text, listed(found)) end
  end
  for _, text in ipairs(found) do
    if expect.only and not has(expect.answers or {}, text) then measure.fail(result, "%s is among the answers, which nobody expects", text) end
    if expect.matches and not run.host.regex(expect.matches, "search"):match(text) then
      measure.fail(result, "the answer %s does not match %s", text, expect.matches)
    end
  end
  if ttl and expect.ttl_least and ttl < expect.ttl_least then measure.fail(result, "a time to live of %d s, expected at least %g s", ttl, expect.ttl_least) end
  if ttl and expect.ttl_most and ttl > expect.ttl_most then measure.fail(result, "a time to live of %d s, expected at most %g s", ttl, expect.ttl_most) end
end

local function judge(d, answer, run)
  local result, expect = measure.result(answer), d.expect
  measure.network(result, answer)
  measure.phases(result, "probe_dns_duration_seconds", { { "resolve", answer.resolve }, { "request", answer.request } })
  measure.add(result, "probe_dns_query_succeeded", answer.rcode ~= nil and not answer.error)
  for _, section in ipairs { "answer", "authority", "additional" } do
    measure.add(result, ("probe_dns_%s_rrs"):format(section), answer[section .. "_rrs"])
  end
  if not answer.rcode or answer.error then return result end
  if d.type == "SOA" then measure.add(result, "probe_dns_serial", answer.serial) end
  local found, ttl = records(answer, d.type)
  result.details.rcode, result.details.answers, result.details.ttl = answer.rcode, found, ttl
  measure.add(result, "probe_dns_ttl_seconds", ttl)
  if not has(expect.rcode, answer.rcode) then
    return measure.fail(result, "%s, expected %s", answer.rcode, table.concat(expect.rcode, " or "))
  end
  if expect.authoritative and not answer.authoritative then measure.fail(result, "the answer is not authoritative") end
  judge_records(result, d, found, ttl, run)
  return result
end

return function(rule, run, done)
  local d = rule.dns
  run.host.call("dns", { name = d.name, type = d.type, server = d.server, protocol = d.protocol, recursion = d.recursion, ip = d.ip,
                         timeout = rule.timeout }, function(answer) done(judge(d, answer, run)) end)
end

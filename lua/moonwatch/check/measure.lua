--- measure.lua - from the answer of a probe to its result: verdict, details, and series under blackbox_exporter's names.
--
-- A result is { good=, degraded=, beyond=, message=, seconds=, details={}, series={ {name, value, labels}, ... } }; see degraded.lua.
-- What fails first is the message; only what is good can be degraded.  `unasked`: there was no room for this probe, which says
-- nothing about its target.
local M = {}

--- A secret of the rules as a text, or nil when it is not set.
function M.secret(host, v)
  if type(v) ~= "table" then return v end
  return host.secret(v["@secret"])
end

--- "host:port" → host, port.
function M.address(text)
  local host, port = text:match "^%[?(.-)%]?:(%d+)$"
  return host, tonumber(port)
end

--- ANSWER of host.call.
function M.result(answer)
  return { good = not answer.error, message = answer.error or "ok", seconds = answer.seconds, details = {}, series = {}, unasked = answer.unasked }
end

function M.fail(result, message, ...)
  if not result.good then return result end
  result.good, result.degraded = false, nil
  result.message = select("#", ...) > 0 and message:format(...) or message
  return result
end

function M.degrade(result, message, ...)
  if result.good and not result.degraded then result.degraded, result.message = true, message:format(...) end
  return result
end

--- A series; nothing without a value.
function M.add(result, name, value, labels)
  if value == true then value = 1 elseif value == false then value = 0 end
  if value then table.insert(result.series, { name, value, labels }) end
end

-- Differences of times have digits that nobody measured.
local function nanoseconds(t) return t and math.floor(t * 1e9 + 0.5) / 1e9 end

--- PHASES is a list of { phase, seconds }; those without seconds were not reached.
function M.phases(result, name, phases)
  local shown = {}
  for _, p in ipairs(phases) do
    local took = nanoseconds(p[2])
    M.add(result, name, took, { phase = p[1] })
    shown[p[1]] = took
  end
  if next(shown) then result.details.phases = shown end
end

--- The family of addresses that was used, and how long its name took.
function M.network(result, answer)
  M.add(result, "probe_ip_protocol", tonumber(answer.ip))
  M.add(result, "probe_dns_lookup_time_seconds", answer.resolve)
end

-- -- limits ----------------------------------------------------------------

--- VALUE goes beyond LIMITS.NAME of the kind (it fails) or of `degraded` (it is degraded).  SAYS gives words for a number.
function M.above(result, rule, own, name, value, what, says)
  local fails, degrades = own[name], rule.degraded and rule.degraded[name]
  if value == nil then
    if fails then M.fail(result, "%s is not known, and %s asks for it", what, name) end
    return
  end
  if fails and value > fails then M.fail(result, "%s is %s, above %s", what, says(value), says(fails)) end
  if degrades and value > degrades then result.beyond = result.beyond or ("%s is %s, above %s"):format(what, says(value), says(degrades)) end
end

function M.percent(share) return ("%.3g%%"):format(share * 100) end

-- -- certificates ----------------------------------------------------------

local function expiry(result, own, run, ends)
  local left, most = ends - run.now, own.certificate_within
  result.certificate_ends = ends -- what `degraded` may say about it is for degraded.lua
  if most and left < most then
    M.fail(result, "the certificate ends %s, within %s", run.host.rfc3339(ends), run.host.duration_text(most))
  end
end

local function info(result, tls)
  local first = tls.chain[1]
  if tls.version then M.add(result, "probe_tls_version_info", 1, { version = tls.version }) end
  M.add(result, "probe_ssl_earliest_cert_expiry", tls.earliest)
  M.add(result, "probe_ssl_last_chain_expiry_timestamp_seconds", tls.verified)
  if first and tls.verified then
    M.add(result, "probe_ssl_last_chain_info", 1, { fingerprint_sha256 = first.fingerprint, subject = first.subject, issuer = first.issuer,
                                                   subjectalternative = table.concat(first.names or {}, ",") })
  end
end

--- What a handshake showed: TLS of an answer, or nil when there was none.  OWN may have certificate_within and tls_at_least.
function M.tls(result, own, run, tls)
  if not tls then
    if own.certificate_within and result.good then M.fail(result, "there is no certificate: the connection is in plain text") end
    return
  end
  local first = tls.chain[1] or {}
  result.details.tls = { version = tls.version, cipher = tls.cipher, subject = first.subject, issuer = first.issuer, names = first.names,
                         fingerprint = first.fingerprint, expires = tls.earliest and run.host.rfc3339(tls.earliest),
                         days_left = tls.earliest and math.floor((tls.earliest - run.now) / 8640) / 10 }
  info(result, tls)
  local least = own.tls_at_least
  if least and (tonumber((tls.version or ""):match "^TLS (%d%.%d)$") or 0) < tonumber(least) then
    M.fail(result, "%s, expected TLS %s or newer", tls.version or "no TLS", least)
  end
  if tls.earliest then expiry(result, own, run, tls.earliest) end
end

return M

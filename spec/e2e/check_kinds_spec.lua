--- check_kinds_spec.lua - name servers, certificates and pings, asked by us and by the blackbox exporter, which must agree.
local blackbox = require "blackbox"
local check_eyes = require "check_eyes"
local mail_server = require "mail_server"
local proc = require "proc"
local server = require "server"
local tls_server = require "tls_server"

local ZONE = [[
www.example CNAME shop.example
shop.example A 10.0.0.7
shop.example A 10.0.0.8
shop.example MX 10 mail.example
shop.example TXT v=spf1 -all
shop.example SOA ns.example admin.example 2024 1 2 3 4
shop.example AAAA ::1
refused.example RCODE 5
silent.example SILENT -
long.example LONG -
long.example A 10.0.0.9
]]

local MODULES = [[
  dns: { prober: dns, timeout: 2s, dns: { query_name: shop.example, query_type: A, preferred_ip_protocol: ip4 } }
  soa: { prober: dns, timeout: 2s, dns: { query_name: shop.example, query_type: SOA, preferred_ip_protocol: ip4 } }
  gone: { prober: dns, timeout: 2s, dns: { query_name: gone.example, query_type: A, preferred_ip_protocol: ip4 } }
  refused: { prober: dns, timeout: 2s, dns: { query_name: refused.example, query_type: A, preferred_ip_protocol: ip4 } }
  icmp: { prober: icmp, timeout: 2s, icmp: { preferred_ip_protocol: ip4 } }
  tls: { prober: tcp, timeout: 2s, tcp: { tls: true, tls_config: { ca_file: "DIR/ours.pem", server_name: metrics.internal } } }
  other: { prober: tcp, timeout: 2s, tcp: { tls: true, tls_config: { ca_file: "DIR/ours.pem", server_name: wrong.internal } } }
]]

describe("checks of", function()
  local node, mail, peer, exporter, dns, dns_port, eyes

  local RULES = [[
local function check_(name, fields)
  fields.every, fields.fail_after, fields.pass_after = "300ms", 1, 1
  check(name)(fields)
end
local NS = "127.0.0.1:DNSPORT"
check_("dns", { dns = { name = "shop.example", server = NS, expect = { answers = { "10.0.0.8", "10.0.0.7" }, only = true } } })
check_("mx", { dns = { name = "shop.example", type = "MX", server = NS, expect = { answers = "10 mail.example." } } })
check_("txt", { dns = { name = "shop.example", type = "TXT", server = NS, expect = { matches = "^v=spf1 " } } })
check_("soa", { dns = { name = "shop.example", type = "SOA", server = NS, expect = { authoritative = true } } })
check_("cname", { dns = { name = "www.example", server = NS, expect = { least = 2 } } })
check_("tcp", { dns = { name = "shop.example", server = NS, protocol = "tcp" } })
check_("long", { dns = { name = "long.example", server = NS } })
check_("gone", { dns = { name = "gone.example", server = NS } })
check_("gone as expected", { dns = { name = "gone.example", server = NS, expect = { rcode = "NXDOMAIN" } } })
check_("refused", { dns = { name = "refused.example", server = NS } })
check_("silent", { dns = { name = "silent.example", server = NS }, timeout = "500ms" })
check_("ttl", { dns = { name = "shop.example", server = NS, expect = { ttl_least = "1m" } } })
check_("more", { dns = { name = "shop.example", server = NS, expect = { answers = "10.0.0.7", only = true } } })
check_("tls", { tls = { address = "ADDRESS", ca = "DIR/ours.pem", server_name = "metrics.internal", tls_at_least = "1.2", names = "metrics.internal" },
  degraded = { certificate_within = "30d" } })
check_("tls ending", { tls = { address = "ADDRESS", insecure = true, certificate_within = "30d" } })
check_("tls 1.3", { tls = { address = "ADDRESS", insecure = true, tls_at_least = "1.3" } })
check_("other", { tls = { address = "ADDRESS", ca = "DIR/ours.pem", server_name = "wrong.internal" } })
check_("strangers", { tls = { address = "ADDRESS", server_name = "metrics.internal" } })
check_("names", { tls = { address = "ADDRESS", insecure = true, names = "shop.example" } })
check_("plain", { tls = "EXPORTER" })
check_("talk", { tcp = { address = "ADDRESS", tls = { ca = "DIR/ours.pem", server_name = "metrics.internal" }, steps = {
  { send = "GET /metrics HTTP/1.0\r\n\r\n", matches = "^HTTP/1\\.[01] 200" }, { expect = "asked" } } } })
check_("mail", { tls = { address = "MAIL", starttls = "smtp", ca = "MDIR/ours.pem", names = "127.0.0.1" } })
check_("no starttls", { tls = { address = "PLAINMAIL", starttls = "smtp" }, timeout = "700ms" })
check_("icmp", { icmp = { host = "127.0.0.1", size = 100 } })
check_("icmp6", { icmp = "::1" })
check_("no host", { icmp = "nowhere.invalid" })
]]

  setup(function()
    mail = mail_server.start()
    peer, dns_port = tls_server.start(), proc.free_port()
    local zone = peer.dir .. "/zone"
    proc.write(zone, ZONE)
    dns = proc.spawn { "luajit", "spec/support/dns_server.lua", tostring(dns_port), zone }
    exporter = blackbox.start((MODULES:gsub("DIR", peer.dir)))
    node = server.start { rules = { ["kinds.lua"] = (RULES:gsub("DNSPORT", dns_port):gsub("MDIR", mail.dir):gsub("DIR", peer.dir):gsub("ADDRESS", peer.address)
      :gsub("PLAINMAIL", mail.plain):gsub("MAIL", mail.starttls)
      :gsub("EXPORTER", (exporter.url:gsub("http://", "")))) } }
    eyes = check_eyes.new(node, exporter)
  end)
  teardown(function()
    node:stop()
    exporter:stop()
    dns:kill()
    peer.proc:stop()
    mail:stop()
    proc.cleanup()
  end)

  local function is(...) return eyes:is(...) end

  it("name servers", function()
    local d = is("healthy", "dns")
    assert.same({ "10.0.0.7", "10.0.0.8" }, d.answers)
    assert.equal(30, d.ttl)
    for _, name in ipairs { "mx", "txt", "soa", "cname", "tcp", "long", "gone as expected" } do is("healthy", name) end
    is("unhealthy", "gone", "^NXDOMAIN, expected NOERROR$")
    is("unhealthy", "refused", "^REFUSED, expected NOERROR$")
    is("unhealthy", "silent", "^timed out after 0%.5 s$")
    is("unhealthy", "ttl", "^a time to live of 30 s, expected at least 60 s$")
    is("unhealthy", "more", "^10%.0%.0%.8 is among the answers, which nobody expects$")
  end)

  it("name servers, as the blackbox exporter sees them", function()
    local target = "127.0.0.1:" .. dns_port
    local theirs = eyes:agree("dns", "dns", target, { "probe_success", "probe_dns_answer_rrs", "probe_dns_authority_rrs", "probe_dns_additional_rrs",
      "probe_dns_query_succeeded", "probe_ip_protocol" })
    eyes:phases("dns", "probe_dns_duration_seconds", theirs, { "resolve", "request" })
    eyes:agree("soa", "soa", target, { "probe_success", "probe_dns_serial" })
    eyes:agree("gone", "gone", target, { "probe_success", "probe_dns_query_succeeded" })
    eyes:agree("refused", "refused", target, { "probe_success", "probe_dns_query_succeeded" })
  end)

  it("certificates", function()
    local d = is("degraded", "tls", "^the certificate ends 2%d+%-")
    assert.same({ "metrics.internal" }, d.tls.names)
    assert.equal("CN=ours", d.tls.issuer)
    is("unhealthy", "tls ending", "^the certificate ends 2%S+, within 30d$")
    is("unhealthy", "tls 1.3", "^TLS 1%.2, expected TLS 1%.3 or newer$")
    is("unhealthy", "other", "^certificate: hostname mismatch$")
    is("unhealthy", "strangers", "^certificate: unable to get local issuer certificate$")
    is("unhealthy", "names", "^the certificate is not for shop%.example but for metrics%.internal$")
    is("unhealthy", "plain", "^TLS: no handshake")
    is("healthy", "talk")
    is("healthy", "mail")
    is("unhealthy", "no starttls", "^step 2: timed out")
  end)

  it("certificates, as the blackbox exporter sees them", function()
    local theirs = eyes:agree("tls", "tls", peer.address, { "probe_success", "probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds",
      'probe_tls_version_info{version="TLS 1.2"}', "probe_ip_protocol" })
    assert.truthy(theirs.probe_duration_seconds)
    eyes:agree("other", "other", peer.address, { "probe_success" })
    -- The exporter does not say when a certificate ends that it does not accept.
    assert.equal(theirs.probe_ssl_earliest_cert_expiry, eyes:value("other", "probe_ssl_earliest_cert_expiry"))
  end)

  it("hosts that answer pings", function()
    local c = eyes:check "icmp"
    if c.message:find "not permitted" then return pending(c.message) end
    is("healthy", "icmp")
    is("healthy", "icmp6")
    is("unhealthy", "no host", "^nowhere%.invalid: ")
    local theirs = eyes:agree("icmp", "icmp", "127.0.0.1", { "probe_success", "probe_icmp_reply_hop_limit", "probe_ip_protocol" })
    eyes:phases("icmp", "probe_icmp_duration_seconds", theirs, { "resolve", "setup", "rtt" })
  end)
end)

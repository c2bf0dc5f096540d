-- moonwatch.lua - the quickstart: this program, this host, and the demo shop beside it.

settings {
  listen = "127.0.0.1:9490",
  external_labels = { site = "quickstart" },
}

-- moonwatch's own page also carries the figures of this host: cpu_usage_percent, node_*, ...
scrape "moonwatch" { targets = { "127.0.0.1:9490" }, every = "5s" }

-- The shop serves its counters at /metrics; its logs and spans come by OTLP.
scrape "shop" { targets = { "127.0.0.1:9491" }, every = "5s" }

include "rules/*.lua"

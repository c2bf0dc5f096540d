alert "Svc7Errors1" {
  expr = 'sum by (job) (rate(http_requests_total{svc="7",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="7"}[5m]))',
  above = 0.01, hold = "61s", labels = { team = "team-7" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}
alert "Svc7Errors2" {
  expr = 'sum by (job) (rate(http_requests_total{svc="7",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="7"}[5m]))',
  above = 0.02, hold = "61s", labels = { team = "team-7" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}
alert "Svc7Errors3" {
  expr = 'sum by (job) (rate(http_requests_total{svc="7",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="7"}[5m]))',
  above = 0.03, hold = "61s", labels = { team = "team-7" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}
alert "Svc7Errors4" {
  expr = 'sum by (job) (rate(http_requests_total{svc="7",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="7"}[5m]))',
  above = 0.04, hold = "61s", labels = { team = "team-7" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}
record "svc7:requests:rate5" { expr = "sum by (job) (rate(http_requests_total{svc=\"7\"}[5m]))" }
alert "Svc7Errors6" {
  expr = 'sum by (job) (rate(http_requests_total{svc="7",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="7"}[5m]))',
  above = 0.06, hold = "61s", labels = { team = "team-7" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}
alert "Svc7Errors7" {
  expr = 'sum by (job) (rate(http_requests_total{svc="7",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="7"}[5m]))',
  above = 0.07, hold = "61s", labels = { team = "team-7" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}
alert "Svc7Errors8" {
  expr = 'sum by (job) (rate(http_requests_total{svc="7",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="7"}[5m]))',
  above = 0.08, hold = "61s", labels = { team = "team-7" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}
alert "Svc7Errors9" {
  expr = 'sum by (job) (rate(http_requests_total{svc="7",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{svc="7"}[5m]))',
  above = 0.09, hold = "61s", labels = { team = "team-7" }, summary = "${value|percent} of the requests of ${labels.job} fail",
}
record "svc7:requests:rate10" { expr = "sum by (job) (rate(http_requests_total{svc=\"7\"}[5m]))" }
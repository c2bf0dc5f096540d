--- names.lua - the series in which an SLO keeps its sums.
return { EVENTS = "slo_events_total", BAD = "slo_bad_events_total", PART_EVENTS = "slo_label_events_total", PART_BAD = "slo_label_bad_events_total" }

--- self.lua - moonwatch watches itself.
alert "TargetDown" { expr = "up == 0", hold = "2m", summary = "${labels.job} at ${labels.instance} cannot be scraped" }
alert "DiscoveryFailing" { expr = "sum by (mechanism) (increase(moonwatch_sd_refresh_failures_total[10m])) > 0", hold = "10m",
                           summary = "targets by ${labels.mechanism} cannot be discovered; those known last are scraped" }
alert "RelabelFailing" { expr = "moonwatch_sd_relabel_failing_targets > 0", hold = "2m",
                         summary = "${value} targets are not scraped because the relabel function of their job fails" }
alert "ReloadFailed" { expr = "moonwatch_config_last_reload_successful == 0", hold = "1m",
                       summary = "the rules on disk do not load; older ones are running" }
alert "RuleFailing" { expr = "sum by (word, rule) (increase(moonwatch_rule_failures_total[5m])) > 0", hold = "1m",
                      summary = "${labels.word} ${labels.rule} fails" }
alert "RulesLate" { expr = "sum by (rule_group) (increase(moonwatch_rule_iterations_missed_total[5m])) > 0", hold = "5m",
                    summary = "rules of ${labels.rule_group} are not evaluated in time: there is more to do than the interval allows" }
alert "NotificationsFailing" { expr = "sum by (receiver) (increase(moonwatch_notification_failures_total[5m])) > 0", severity = "page",
                               summary = "${labels.receiver} does not take messages" }
alert "OncallCalendarFailing" { expr = "moonwatch_oncall_calendar_failing == 1", hold = "1h",
                                summary = "the calendar of ${labels.oncall} cannot be read: who was on call by it last stays in force" }
alert "NotificationsWaiting" { expr = "max by (receiver) (moonwatch_notifications_oldest_seconds)", above = 600, hold = "1m", severity = "page",
                               summary = "the oldest message for ${labels.receiver} has waited for ${value|duration}: `moonwatch receivers` says what keeps it" }
alert "ReceiverAway" { expr = "max by (receiver) (moonwatch_notifications_trouble_seconds)", above = 300, hold = "1m", severity = "page",
                       summary = "${labels.receiver} has taken no message for ${value|duration}" }
alert "BreakerOpen" { expr = 'max by (receiver, integration, breaker) (moonwatch_breaker_state{check=""})', above = 1.5, hold = "5m",
                      summary = "the breaker of ${labels.breaker}${labels.receiver} is open: it keeps failing" }
alert "NotificationsLost" { expr = 'sum by (receiver, result) (increase(moonwatch_notifications_total{result=~"failed|dropped|deferred"}[10m])) > 0',
                            severity = "page", summary = "messages for ${labels.receiver} were ${labels.result}; `moonwatch receivers` says why" }
alert "NotificationsDigested" { expr = "sum by (receiver) (increase(moonwatch_notifications_digests_total[10m])) > 0", severity = "info",
                                summary = "${labels.receiver} was told of many groups in one message" }
alert "DrillFailed" { expr = "moonwatch_drill_success == 0", severity = "page",
                      summary = "the fire drill ${labels.drill} did not reach everybody in time: `moonwatch drills` says why" }
alert "DrillMissing" { expr = "time() - moonwatch_drill_last_success_timestamp_seconds > 2 * moonwatch_drill_interval_seconds", severity = "page",
                       summary = "the fire drill ${labels.drill} has reached nobody for ${value|duration}" }
alert "SeriesRefused" { expr = "increase(moonwatch_tsdb_refused_series_total[5m]) > 0", summary = "the store is full: new series are refused" }
alert "MemoryHigh" { expr = "process_resident_memory_bytes", above = 2147483648, hold = "10m", summary = "this process holds ${value|bytes}" }
alert "BlocksDamaged" { expr = "moonwatch_tsdb_quarantined_blocks_total > 0", severity = "page",
                        summary = "${value} damaged blocks were set aside: look into metrics/quarantine of the data folder" }
alert "StoreNotWriting" { expr = "increase(moonwatch_tsdb_write_failures_total[5m]) > 0", severity = "page",
                          summary = "the disk does not take samples; senders are told to come again" }
alert "StoreReadOnly" { expr = "moonwatch_tsdb_read_only == 1", hold = "1m", severity = "page", summary = "the disk takes nothing: samples are refused" }
alert "SendersRefused" { expr = "increase(moonwatch_http_refused_total[5m]) > 0", hold = "5m",
                         summary = "requests are refused: more is coming in than settings{ limits = { in_flight = ... } } allows" }
alert "AuditChainMisfit" { expr = "moonwatch_audit_intact == 0", severity = "page",
                           summary = "entries of the audit chain were changed, removed or moved: `moonwatch audit verify` says which" }
alert "AuditNotWritten" { expr = "increase(moonwatch_audit_failures_total[10m]) > 0", severity = "page",
                          summary = "the disk does not take entries of the audit chain: what is done meanwhile is in it as a gap only" }

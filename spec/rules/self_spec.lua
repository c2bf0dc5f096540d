--- self_spec.lua - rules/self.lua: moonwatch hears of its own troubles.
local testing = require "moonwatch.testing"

describe("rules/self.lua", function()
  it("fires for a target that is down and for a reload that was refused, after their hold", function()
    local world = testing.world "rules/self.lua"
    world:set('up{job="a",instance="i"}', 0):set("moonwatch_config_last_reload_successful", 0):advance "90s"
    assert.same({ "ReloadFailed" }, world:firing())
    world:advance "1m"
    assert.same({ "ReloadFailed", "TargetDown" }, world:firing())
    world:set('up{job="a",instance="i"}', 1):set("moonwatch_config_last_reload_successful", 1):advance "30s"
    assert.same({}, world:firing())
  end)
  it("fires for targets that cannot be discovered or relabelled", function()
    local world = testing.world "rules/self.lua"
    for i = 0, 11 do world:set('moonwatch_sd_refresh_failures_total{mechanism="dns"}', i):advance "1m" end
    world:set("moonwatch_sd_relabel_failing_targets", 2):advance "1m"
    assert.same({ "DiscoveryFailing" }, world:firing())
    world:advance "2m"
    assert.same({ "DiscoveryFailing", "RelabelFailing" }, world:firing())
  end)
  it("fires for groups of rules that are not evaluated in time", function()
    local world = testing.world "rules/self.lua"
    local missed = 'moonwatch_rule_iterations_missed_total{rule_group="web.lua;web"}'
    for i = 0, 4 do world:set(missed, i):advance "1m" end
    assert.same({}, world:firing())
    for i = 5, 8 do world:set(missed, i):advance "1m" end
    assert.same({ "RulesLate" }, world:firing())
  end)
  it("fires for messages that wait for long, receivers that take none, breakers that stay open and drills that fail", function()
    local world = testing.world "rules/self.lua"
    world:set('moonwatch_notifications_oldest_seconds{receiver="r",integration="slack"}', 601):advance "30s"
    assert.same({}, world:firing())
    world:set('moonwatch_notifications_trouble_seconds{receiver="r",integration="slack"}', 400)
    world:set('moonwatch_drill_success{drill="d"}', 0):advance "2m"
    assert.same({ "DrillFailed", "NotificationsWaiting", "ReceiverAway" }, world:firing())
    world:set('moonwatch_notifications_oldest_seconds{receiver="r",integration="slack"}', 0)
    world:set('moonwatch_notifications_trouble_seconds{receiver="r",integration="slack"}', 0)
    world:set('moonwatch_drill_success{drill="d"}', 1)
    world:set('moonwatch_breaker_state{receiver="r",integration="slack"}', 2):advance "6m"
    assert.same({ "BreakerOpen" }, world:firing())
  end)
  it("fires for messages that were lost and tells of digests", function()
    local world = testing.world "rules/self.lua"
    for i = 0, 3 do
      world:set('moonwatch_notifications_total{receiver="r",integration="slack",result="failed"}', i)
      world:set('moonwatch_notifications_digests_total{receiver="r",integration="slack"}', i):advance "1m"
    end
    assert.same({ "NotificationsDigested", "NotificationsLost" }, world:firing())
  end)
  it("fires at once for blocks set aside and for commits that the disk did not take", function()
    local world = testing.world "rules/self.lua"
    world:set("moonwatch_tsdb_quarantined_blocks_total", 0):set("moonwatch_tsdb_write_failures_total", 0):advance "2m"
    assert.same({}, world:firing())
    world:set("moonwatch_tsdb_quarantined_blocks_total", 1):set("moonwatch_tsdb_write_failures_total", 3):advance "1m"
    assert.same({ "BlocksDamaged", "StoreNotWriting" }, world:firing())
  end)
  it("fires for a store that stays read-only, and for senders that are refused all the time", function()
    local world = testing.world "rules/self.lua"
    world:set("moonwatch_tsdb_read_only", 1):advance "30s"
    assert.same({}, world:firing())
    world:advance "1m"
    assert.same({ "StoreReadOnly" }, world:firing())
    world:set("moonwatch_tsdb_read_only", 0)
    for i = 0, 7 do world:set('moonwatch_http_refused_total{reason="in_flight"}', i):advance "1m" end
    assert.same({ "SendersRefused" }, world:firing())
  end)
end)

--- host_spec.lua - figures of this host beside those of the real node_exporter, and of processes that were named.
local net = require "net"
local proc = require "proc"
local server = require "server"

-- name{labels} -> value of a page, of the families whose names begin with one of PREFIXES.
local function samples(page, prefixes)
  local out = {}
  for line in page:gmatch "[^\n]+" do
    local series, value = line:match "^([%w_:]+%b{}) (%S+)$"
    if not series then series, value = line:match "^([%w_:]+) (%S+)$" end
    for _, prefix in ipairs(series and prefixes or {}) do
      if series:sub(1, #prefix) == prefix then out[series] = tonumber(value) end
    end
  end
  return out
end

-- Families that both know, and how far two looks at them, a moment apart, may differ: as a share and as a number.
local FAMILIES = {
  { "node_cpu_seconds_total", 0.05, 5 }, { "node_memory_", 0.2, 5e8 }, { "node_load", 0.5, 5 }, { "node_boot_time_seconds", 0, 1 },
  { "node_disk_", 0.1, 1e8 }, { "node_filesystem_size_bytes", 0, 0 }, { "node_filesystem_avail_bytes", 0.1, 5e8 },
  { "node_filesystem_files", 0.1, 1e5 }, { "node_filesystem_readonly", 0, 0 }, { "node_pressure_", 0.2, 5 }, { "node_uname_info", 0, 0 }, { "node_context_switches_total", 0.2, 1e6 },
  { "node_intr_total", 0.2, 1e6 }, { "node_forks_total", 0.2, 1e5 }, { "node_procs_", 1, 50 }, { "node_filefd_", 0.5, 1e4 },
  { "node_vmstat_", 0.3, 1e7 }, { "node_sockstat_", 1, 1e4 }, { "node_netstat_", 0.3, 1e6 },
  { "node_network_", 0.2, 1e7 }, { "node_filesystem_device_error", 0, 0 }, { "node_arp_", 1, 20 }, { "node_entropy_", 0, 0 }, { "node_nf_conntrack_", 0.5, 1e4 },
  { "node_softnet_", 0.2, 1e6 }, { "node_schedstat_", 0.2, 1e6 }, { "node_time_", 0, 60 }, { "node_timex_", 0.5, 20 }, { "node_udp_queues", 1, 1e7 },
  { "node_cpu_scaling_", 1, 0 }, { "node_thermal_", 1, 0 }, { "node_cooling_", 1, 20 }, { "node_hwmon_temp_celsius", 1, 0 }, { "node_power_supply_online", 0, 0 },
}

-- Of node_exporter's what moonwatch does not tell: figures of its own collectors, and what is not read from these files.
local NOT_TOLD = { "^node_disk_info", "^node_disk_ata", "^node_disk_device_mapper", "^node_disk_filesystem", "^node_filesystem_mount_info",
                   "^node_network_info", "^node_network_speed_bytes.* %-" }

-- And what moonwatch tells beyond it: newer figures of protocols, the loopback device (which it has when it does not ask by netlink),
-- and mounts that another one hides.
local MORE = { "^node_netstat_TcpExt_TCP[OR]", 'device="lo"', "^node_filesystem_", "^node_network_info", "^node_softnet_[rf]", "^node_processes_" }

local function is_more(series)
  for _, pattern in ipairs(MORE) do
    if series:find(pattern) then return true end
  end
  return false
end

local function is_told(series)
  for _, pattern in ipairs(NOT_TOLD) do
    if series:find(pattern) then return false end
  end
  return true
end

describe("figures of this host", function()
  it("have the names, the labels and the values of node_exporter", function()
    local port = proc.free_port()
    local exporter = proc.spawn { "prometheus-node-exporter", "--web.listen-address=127.0.0.1:" .. port }
    local s = server.start()
    proc.eventually(function() return net.request(("http://127.0.0.1:%d/metrics"):format(port)) == 200 end, 20, "node_exporter answers")
    local _, theirs = net.request(("http://127.0.0.1:%d/metrics"):format(port))
    local _, ours = s:get "/metrics"
    local problems, compared = {}, 0
    for _, family in ipairs(FAMILIES) do
      local a, b = samples(theirs, { family[1] }), samples(ours, { family[1] })
      for series, v in pairs(a) do
        if is_told(series .. " " .. v) then
          local own = b[series]
          if not own then problems[#problems + 1] = "missing: " .. series
          elseif math.abs(own - v) > math.max(family[2] * math.abs(v), family[3]) then
            problems[#problems + 1] = ("%s: %s there, %s here"):format(series, v, own)
          else compared = compared + 1 end
        end
      end
      for series in pairs(b) do
        if not a[series] and not is_more(series) then problems[#problems + 1] = "only here: " .. series end
      end
    end
    s:stop()
    exporter:stop()
    table.sort(problems)
    assert.same({}, problems)
    assert.is_true(compared > 150, compared .. " series were compared")
  end)

  it("tell of processes that the settings name, and of others after a reload", function()
    local dir = proc.scratch()
    os.execute(("cp \"$(command -v sleep)\" '%s/watched-sleeper'"):format(dir))
    local one = proc.spawn { dir .. "/watched-sleeper", "60" }
    local two = proc.spawn { dir .. "/watched-sleeper", "60" }
    local s = server.start { config = 'settings { processes = { "watched-sleeper" } }' }
    local function own(name)
      local _, page = s:get "/metrics"
      return samples(page, { "namedprocess_" })[name]
    end
    assert.equal(2, own 'namedprocess_namegroup_num_procs{groupname="watched-sleeper"}')
    assert.is_true(own 'namedprocess_namegroup_memory_bytes{groupname="watched-sleeper",memtype="resident"}' > 0)
    assert.is_true(own 'namedprocess_namegroup_open_filedesc{groupname="watched-sleeper"}' >= 6)
    assert.is_true(math.abs(own 'namedprocess_namegroup_oldest_start_time_seconds{groupname="watched-sleeper"}' - os.time()) < 60)
    two:stop()
    proc.eventually(function() return own 'namedprocess_namegroup_num_procs{groupname="watched-sleeper"}' == 1 end, 10, "one of them is gone")
    proc.write(s.dir .. "/moonwatch.lua", 'settings { processes = { "nobody-is-called-so" } }')
    assert.is_true(s:reload().ok)
    assert.equal(0, own 'namedprocess_namegroup_num_procs{groupname="nobody-is-called-so"}')
    assert.is_nil(own 'namedprocess_namegroup_num_procs{groupname="watched-sleeper"}')
    one:stop()
    s:stop()
  end)
end)

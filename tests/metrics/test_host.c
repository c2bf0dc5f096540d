/* test_host.c - promises of what is read from /proc.  Runs in the root of the project.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/host.h"

#define FIXTURES "tests/metrics/data/proc"
#define SYS      "tests/metrics/data/sys"

/* The page of a registry that collected from ROOT and SYS; freed by the caller. */
static char *page_with(const char *root, const char *sys)
{
    mw_registry *reg = mw_registry_new(0);
    mw_host_stats *h = mw_host_stats_new(reg, root);
    if (sys) mw_host_stats_sys(h, sys);
    mw_registry_on_collect(reg, mw_host_stats_collect, h);
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_byte(&b, '\n');
    mw_registry_expose(reg, MW_TEXT_004, &b);
    mw_host_stats_free(h);
    mw_registry_free(reg);
    return mw_buf_take(&b);
}

static char *page_of(const char *root) { return page_with(root, NULL); }

static bool has_line(const char *page, const char *line)
{
    char text[256];
    snprintf(text, sizeof text, "\n%s\n", line);
    return strstr(page, text);
}

static void files_of_proc_become_the_metrics_of_node_exporter(void **state)
{
    static const char *const lines[] = {
        "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 2",
        "node_cpu_seconds_total{cpu=\"1\",mode=\"steal\"} 0.05",
        "node_boot_time_seconds 1700000000",
        "node_intr_total 395103",
        "node_context_switches_total 759230",
        "node_procs_blocked 1",
        "cpu_usage_percent 22",
        "node_memory_MemTotal_bytes 16777216000",
        "node_memory_Active_anon_bytes 12641280",
        "node_memory_HugePages_Total 7",
        "memory_usage_bytes 8388608000",
        "node_load1 0.25",
        "node_load15 12.75",
        "node_disk_read_bytes_total{device=\"sda\"} 1024000",
        "node_disk_read_time_seconds_total{device=\"sda\"} 1.5",
        "node_disk_io_now{device=\"sda\"} 2",
        "node_disk_flush_requests_time_seconds_total{device=\"sda\"} 0.118",
        "node_disk_io_time_weighted_seconds_total{device=\"nvme0n1\"} 0.011",
        "node_network_receive_bytes_total{device=\"eth0\"} 209570181",
        "node_network_receive_multicast_total{device=\"eth0\"} 6",
        "node_network_transmit_carrier_total{device=\"eth0\"} 11",
        "node_network_transmit_packets_total{device=\"lo\"} 104",
        "node_pressure_cpu_waiting_seconds_total 1.5",
        "node_pressure_io_waiting_seconds_total 2.5",
        "node_pressure_io_stalled_seconds_total 0.25",
        "node_pressure_memory_stalled_seconds_total 2.1e-05",
        "node_filefd_allocated 2048",
        "node_vmstat_pgmajfault 30",
        "node_vmstat_oom_kill 4",
        "node_vmstat_pswpout 2",
        "node_sockstat_sockets_used 290",
        "node_sockstat_TCP_tw 23",
        "node_sockstat_UDP_mem 2",
        "node_netstat_TcpExt_ListenDrops 2",
        "node_netstat_IpExt_OutOctets 654321",
        "node_netstat_Ip_Forwarding 1",
        "node_netstat_Tcp_CurrEstab 12",
        "node_netstat_Ip6_InOctets 3800",
        "node_netstat_UdpLite6_InErrors 1",
        "node_sockstat_TCP6_inuse 4",
        "process_cpu_seconds_total 2",
        "process_threads 9",
        "process_virtual_memory_bytes 104857600",
        "process_start_time_seconds 1700001000",
        "process_open_fds 2",
    };
    char *page = page_of(FIXTURES);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!has_line(page, lines[i])) fail_msg("no line \"%s\" in %s", lines[i], page);
    assert_non_null(strstr(page, "node_filesystem_size_bytes{device=\"/dev/root disk\",fstype="
                                 "\"ext4\",mountpoint=\"/\"} "));
    assert_non_null(strstr(page, "\ndisk_usage_bytes "));
    static const char *const absent[] = {
        "loop0",         "sda1",       "nvme0n1p1",      "nfs4",    "read_failures",
        "nr_free_pages", "workingset", "TcpExt_Unknown", "MaxConn", "pressure_cpu_stalled"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_null(strstr(page, absent[i]));
    mw_free(page);
}

static void tables_of_the_kernel_become_the_metrics_of_node_exporter(void **state)
{
    static const char *const lines[] = {
        "node_softnet_processed_total{cpu=\"0\"} 9469602",
        "node_softnet_dropped_total{cpu=\"0\"} 3",
        "node_softnet_times_squeezed_total{cpu=\"1\"} 2",
        "node_softnet_received_rps_total{cpu=\"0\"} 4",
        "node_softnet_flow_limit_count_total{cpu=\"0\"} 5",
        "node_nf_conntrack_stat_found 11",
        "node_nf_conntrack_stat_early_drop 0",
        "node_nf_conntrack_stat_drop 3",
        "node_nf_conntrack_stat_search_restart 16",
        "node_nf_conntrack_entries 77",
        "node_nf_conntrack_entries_limit 262144",
        "node_arp_entries{device=\"eth0\"} 2",
        "node_arp_entries{device=\"br0\"} 1",
        "node_udp_queues{ip=\"v4\",queue=\"tx\"} 17",
        "node_udp_queues{ip=\"v4\",queue=\"rx\"} 258",
        "node_schedstat_running_seconds_total{cpu=\"0\"} 2.5",
        "node_schedstat_waiting_seconds_total{cpu=\"0\"} 0.75",
        "node_schedstat_timeslices_total{cpu=\"1\"} 7",
        "node_entropy_available_bits 256",
        "node_entropy_pool_size_bits 4096",
        "node_processes_max_threads 63000",
        "node_processes_max_processes 32768",
        "node_processes_threads 101",
        "node_pressure_irq_stalled_seconds_total 1.5",
    };
    char *page = page_of(FIXTURES);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!has_line(page, lines[i])) fail_msg("no line \"%s\" in %s", lines[i], page);
    mw_free(page);
}

static void devices_of_sys_become_the_metrics_of_node_exporter(void **state)
{
    static const char *const lines[] = {
        "node_network_up{device=\"eth0\"} 1",
        "node_network_up{device=\"wlan0\"} 0",
        "node_network_speed_bytes{device=\"eth0\"} 125000000",
        "node_network_mtu_bytes{device=\"eth0\"} 1500",
        "node_network_flags{device=\"eth0\"} 4099",
        "node_network_carrier_changes_total{device=\"eth0\"} 3",
        "node_network_receive_nohandler_total{device=\"eth0\"} 9",
        "node_network_info{address=\"02:fc:00:00:00:01\",device=\"eth0\",duplex=\"full\","
        "operstate=\"up\"} 1",
        "node_thermal_zone_temp{type=\"x86_pkg_temp\",zone=\"0\"} -1.5",
        "node_cooling_device_max_state{name=\"1\",type=\"Processor\"} 10",
        "node_power_supply_online{power_supply=\"BAT0\"} 0",
        "node_power_supply_capacity{power_supply=\"BAT0\"} 87",
        "node_hwmon_chip_names{chip=\"platform_coretemp_0\",chip_name=\"coretemp\"} 1",
        "node_hwmon_temp_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 46",
        "node_hwmon_temp_celsius{chip=\"platform_coretemp_0\",sensor=\"temp3\"} 45.5",
        "node_hwmon_temp_crit_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 100",
        "node_hwmon_fan_rpm{chip=\"nct_6775\",sensor=\"fan2\"} 1200",
        "node_hwmon_fan_min_rpm{chip=\"nct_6775\",sensor=\"fan2\"} 300",
        "node_hwmon_in_volts{chip=\"nct_6775\",sensor=\"in0\"} 1.008",
        "node_cpu_scaling_frequency_hertz{cpu=\"0\"} 2400000000",
        "node_cpu_scaling_frequency_max_hertz{cpu=\"0\"} 3600000000",
        "node_time_clocksource_available_info{clocksource=\"hpet\",device=\"0\"} 1",
        "node_time_clocksource_current_info{clocksource=\"tsc\",device=\"0\"} 1",
    };
    static const char *const absent[] = {"speed_bytes{device=\"wlan0", "mtu_bytes{device=\"wlan0",
                                         "flags{device=\"wlan0", "bonding", "read_failures"};
    char *page = page_with(FIXTURES, SYS);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!has_line(page, lines[i])) fail_msg("no line \"%s\" in %s", lines[i], page);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (strstr(page, absent[i])) fail_msg("\"%s\" in %s", absent[i], page);
    mw_free(page);
    mw_free(page_with(FIXTURES, "/nowhere"));
}

static void this_machine_has_no_file_that_cannot_be_read(void **state)
{
    char *page = page_with("/proc", "/sys");
    assert_null(strstr(page, "read_failures"));
    assert_non_null(strstr(page, "\nprocess_resident_memory_bytes "));
    assert_non_null(strstr(page, "\nnode_memory_MemTotal_bytes "));
    mw_free(page);
}

static void what_cannot_be_read_is_counted(void **state)
{
    char *page = page_of("/nowhere/at/all");
    assert_true(has_line(page, "moonwatch_host_read_failures_total{file=\"stat\"} 1"));
    assert_true(has_line(page, "moonwatch_host_read_failures_total{file=\"self/fd\"} 1"));
    mw_free(page);
}

/* -- garbage -------------------------------------------------------------------------------- */

static const char *const names[] = {"stat",
                                    "meminfo",
                                    "loadavg",
                                    "diskstats",
                                    "net/dev",
                                    "mounts",
                                    "self/stat",
                                    "pressure/cpu",
                                    "pressure/io",
                                    "pressure/memory",
                                    "sys/fs/file-nr",
                                    "vmstat",
                                    "net/sockstat",
                                    "net/netstat",
                                    "net/snmp",
                                    "net/sockstat6",
                                    "net/snmp6",
                                    "net/softnet_stat",
                                    "net/stat/nf_conntrack",
                                    "net/arp",
                                    "net/udp",
                                    "schedstat",
                                    "sys/kernel/random/poolsize"};
enum { FILES = sizeof names / sizeof *names, RUNS = 300, FILE_BYTES = 4096 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t mutate(char *text, size_t n, uint64_t *seed)
{
    size_t changes = next_random(seed) % 20;
    for (size_t i = 0; i < changes && n; i++) text[next_random(seed) % n] = (char)next_random(seed);
    if (next_random(seed) % 3 == 0) n = next_random(seed) % (n + 1);
    return n;
}

static void write_mutated(const char *root, const char *name, uint64_t *seed)
{
    char path[256], text[FILE_BYTES];
    snprintf(path, sizeof path, FIXTURES "/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    n = mutate(text, n, seed);
    snprintf(path, sizeof path, "%s/%s", root, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

static void garbage_in_proc_harms_nothing(void **state)
{
    char root[] = "/tmp/mw-host-XXXXXX", path[256];
    uint64_t seed = 4711;
    assert_non_null(mkdtemp(root));
    static const char *const dirs[] = {"net",    "self",     "pressure",   "sys",
                                       "sys/fs", "net/stat", "sys/kernel", "sys/kernel/random"};
    enum { DIRS = sizeof dirs / sizeof *dirs };
    for (size_t i = 0; i < DIRS; i++) {
        snprintf(path, sizeof path, "%s/%s", root, dirs[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (int run = 0; run < RUNS; run++) {
        for (size_t i = 0; i < FILES; i++) write_mutated(root, names[i], &seed);
        mw_free(page_of(root));
    }
    for (size_t i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        unlink(path);
    }
    for (size_t i = DIRS; i--;) {
        snprintf(path, sizeof path, "%s/%s", root, dirs[i]);
        rmdir(path);
    }
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_proc_become_the_metrics_of_node_exporter),
        cmocka_unit_test(tables_of_the_kernel_become_the_metrics_of_node_exporter),
        cmocka_unit_test(devices_of_sys_become_the_metrics_of_node_exporter),
        cmocka_unit_test(this_machine_has_no_file_that_cannot_be_read),
        cmocka_unit_test(what_cannot_be_read_is_counted),
        cmocka_unit_test(garbage_in_proc_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

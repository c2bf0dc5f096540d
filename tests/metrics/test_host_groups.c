/* test_host_groups.c - control groups, and processes that somebody named.  Runs in the root of the
 * project.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/host.h"

#define FIXTURES "tests/metrics/data/groups"

struct world {
    mw_registry *reg;
    mw_host_stats *h;
    char *page;
};

static void look(struct world *w)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_byte(&b, '\n');
    mw_registry_expose(w->reg, MW_TEXT_004, &b);
    mw_free(w->page);
    w->page = mw_buf_take(&b);
}

static void begin(struct world *w, const char *proc, const char *cgroups)
{
    *w = (struct world){.reg = mw_registry_new(0)};
    w->h = mw_host_stats_new(w->reg, proc);
    if (cgroups) mw_host_stats_cgroups(w->h, cgroups);
    mw_registry_on_collect(w->reg, mw_host_stats_collect, w->h);
}

static void end(struct world *w)
{
    mw_host_stats_free(w->h);
    mw_registry_free(w->reg);
    mw_free(w->page);
}

static void expect_line(const struct world *w, const char *line)
{
    char text[300];
    snprintf(text, sizeof text, "\n%s\n", line);
    if (!strstr(w->page, text)) fail_msg("no line \"%s\" in %s", line, w->page);
}

#define CONTAINER                                                                        \
    "id=\"/system.slice/docker-0123456789abcdefcdefcdefcdefcdefcdefcdefcdefcdefcdefcdef" \
    "cdefcdef.scope\",name=\"0123456789ab\"} "
#define NGINX "{cgroup=\"/system.slice/nginx.service\"} "

static void control_groups_have_figures_of_their_own(void **state)
{
    static const char *const lines[] = {
        "cgroup_cpu_usage_seconds_total{cgroup=\"/\"} 9",
        "cgroup_cpu_usage_seconds_total" NGINX "3.5",
        "cgroup_cpu_user_seconds_total" NGINX "2.5",
        "cgroup_cpu_periods_total" NGINX "20",
        "cgroup_cpu_throttled_periods_total" NGINX "5",
        "cgroup_cpu_throttled_seconds_total" NGINX "0.25",
        "cgroup_cpu_limit_cores" NGINX "1.5",
        "cgroup_memory_usage_bytes" NGINX "104857600",
        "cgroup_memory_peak_bytes" NGINX "209715200",
        "cgroup_memory_working_set_bytes" NGINX "83886080",
        "cgroup_memory_anon_bytes" NGINX "52428800",
        "cgroup_memory_major_faults_total" NGINX "3",
        "cgroup_memory_oom_kills_total" NGINX "4",
        "cgroup_pids" NGINX "7",
        "cgroup_pids_limit" NGINX "100",
        "cgroup_io_read_bytes_total{cgroup=\"/system.slice/nginx.service\",device=\"8:0\"} 4096",
        "cgroup_io_writes_total{cgroup=\"/system.slice/nginx.service\",device=\"252:0\"} 4",
        "cgroup_pressure_memory_waiting_seconds_total" NGINX "1.5",
        "cgroup_pressure_memory_stalled_seconds_total" NGINX "0.5",
        "container_cpu_usage_seconds_total{cpu=\"total\"," CONTAINER "2.5",
        "container_cpu_user_seconds_total{" CONTAINER "2",
        "container_memory_working_set_bytes{" CONTAINER "1000000",
        "container_memory_rss{" CONTAINER "4096",
        "container_spec_memory_limit_bytes{" CONTAINER "4194304",
        "container_oom_events_total{" CONTAINER "1",
        "container_threads{" CONTAINER "3",
        "container_fs_writes_bytes_total{device=\"8:0\"," CONTAINER "1024",
        "moonwatch_host_cgroups_left_out 0",
    };
    struct world w;
    begin(&w, FIXTURES "/proc", FIXTURES "/cgroup");
    look(&w);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) expect_line(&w, lines[i]);
    assert_null(strstr(w.page, "cgroup_memory_limit_bytes" NGINX));
    assert_null(strstr(w.page, "id=\"/system.slice/nginx"));
    end(&w);
}

static void a_machine_without_control_groups_has_none(void **state)
{
    struct world w;
    begin(&w, FIXTURES "/proc", FIXTURES "/proc");
    look(&w);
    assert_null(strstr(w.page, "cgroup"));
    end(&w);
}

static void processes_are_found_by_their_name_or_by_how_they_were_started(void **state)
{
    static const char *const lines[] = {
        "namedprocess_namegroup_num_procs{groupname=\"nginx\"} 2",
        "namedprocess_namegroup_num_threads{groupname=\"nginx\"} 5",
        "namedprocess_namegroup_cpu_seconds_total{groupname=\"nginx\",mode=\"user\"} 7.5",
        "namedprocess_namegroup_cpu_seconds_total{groupname=\"nginx\",mode=\"system\"} 1.5",
        "namedprocess_namegroup_memory_bytes{groupname=\"nginx\",memtype=\"virtual\"} 75000000",
        "namedprocess_namegroup_memory_bytes{groupname=\"nginx\",memtype=\"swapped\"} 12288",
        "namedprocess_namegroup_open_filedesc{groupname=\"nginx\"} 2",
        "namedprocess_namegroup_worst_fd_ratio{groupname=\"nginx\"} 0.2",
        "namedprocess_namegroup_oldest_start_time_seconds{groupname=\"nginx\"} 1700000010",
        "namedprocess_namegroup_read_bytes_total{groupname=\"nginx\"} 4096",
        "namedprocess_namegroup_write_bytes_total{groupname=\"nginx\"} 8192",
        "namedprocess_namegroup_minor_page_faults_total{groupname=\"nginx\"} 150",
        "namedprocess_namegroup_major_page_faults_total{groupname=\"nginx\"} 2",
        "namedprocess_namegroup_context_switches_total{ctxswitchtype=\"voluntary\",groupname="
        "\"nginx\"} 7",
        "namedprocess_namegroup_states{groupname=\"nginx\",state=\"Running\"} 1",
        "namedprocess_namegroup_states{groupname=\"nginx\",state=\"Sleeping\"} 1",
        "namedprocess_namegroup_num_procs{groupname=\"kafka-server-start\"} 1",
        "namedprocess_namegroup_num_procs{groupname=\"nothing\"} 0",
    };
    static const char *const names[] = {"nginx", "kafka-server-start", "nothing"};
    struct world w;
    begin(&w, FIXTURES "/proc", NULL);
    mw_host_stats_processes(w.h, names, 3);
    look(&w);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) expect_line(&w, lines[i]);
    mw_host_stats_processes(w.h, names + 2, 1);
    look(&w);
    assert_null(strstr(w.page, "nginx"));
    expect_line(&w, lines[17]);
    end(&w);
}

static void copy(const char *from, const char *to)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", to, from, to);
    assert_int_equal(system(command), 0);
}

static void counters_of_a_group_do_not_go_back_when_a_process_ends(void **state)
{
    static const char *const names[] = {"nginx"};
    char root[] = "/tmp/mw-groups-XXXXXX", proc[100], gone[130];
    struct world w;
    assert_non_null(mkdtemp(root));
    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(gone, sizeof gone, "rm -rf '%s/101'", proc);
    copy(FIXTURES "/proc", proc);
    begin(&w, proc, NULL);
    mw_host_stats_processes(w.h, names, 1);
    look(&w);
    expect_line(&w,
                "namedprocess_namegroup_cpu_seconds_total{groupname=\"nginx\",mode=\"user\"} 7.5");
    assert_int_equal(system(gone), 0);
    mw_host_stats_processes(w.h, names, 1); /* as a reload does; it is looked at again at once */
    look(&w);
    expect_line(&w, "namedprocess_namegroup_num_procs{groupname=\"nginx\"} 1");
    expect_line(&w,
                "namedprocess_namegroup_cpu_seconds_total{groupname=\"nginx\",mode=\"user\"} 7.5");
    end(&w);
    snprintf(gone, sizeof gone, "rm -rf '%s'", root);
    assert_int_equal(system(gone), 0);
}

static void this_process_is_found_by_its_name(void **state)
{
    static const char *const names[] = {"test_host_groups"};
    struct world w;
    begin(&w, "/proc", "/sys/fs/cgroup");
    mw_host_stats_processes(w.h, names, 1);
    look(&w);
    expect_line(&w, "namedprocess_namegroup_num_procs{groupname=\"test_host_groups\"} 1");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_groups_have_figures_of_their_own),
        cmocka_unit_test(a_machine_without_control_groups_has_none),
        cmocka_unit_test(processes_are_found_by_their_name_or_by_how_they_were_started),
        cmocka_unit_test(counters_of_a_group_do_not_go_back_when_a_process_ends),
        cmocka_unit_test(this_process_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

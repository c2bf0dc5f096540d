/* host_container.c - groups that are containers, under the names that cAdvisor gives their figures.
 *
 * Engines call the group of a container by its number, 64 hexadecimal digits, perhaps with a word
 * before it and ".scope" behind it (docker-, cri-containerd-, crio-, libpod-).  What people call
 * the container, its image and its pod are known to the engine only, so `name` is the short form of
 * the number, as `docker ps` shows it.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "metrics/host_inside.h"

enum { NUMBER = 64, SHORT = 12 };

bool mw_container_is(mw_str path, mw_str *name)
{
    static const char scope[] = ".scope";
    const size_t scope_n = sizeof scope - 1;
    if (path.n > scope_n && !memcmp(path.p + path.n - scope_n, scope, scope_n)) path.n -= scope_n;
    if (path.n <= NUMBER) return false;
    const char *number = path.p + path.n - NUMBER;
    for (size_t i = 0; i < NUMBER; i++)
        if (!memchr("0123456789abcdef", number[i], 16)) return false;
    if (number[-1] != '/' && number[-1] != '-') return false;
    *name = (mw_str){number, SHORT};
    return true;
}

static const struct {
    const char *ours, *theirs, *label, *value; /* a label that cAdvisor has beside id and name */
} names[] = {
    {"cgroup_cpu_usage_seconds_total", "container_cpu_usage_seconds_total", "cpu", "total"},
    {"cgroup_cpu_user_seconds_total", "container_cpu_user_seconds_total", NULL, NULL},
    {"cgroup_cpu_system_seconds_total", "container_cpu_system_seconds_total", NULL, NULL},
    {"cgroup_cpu_periods_total", "container_cpu_cfs_periods_total", NULL, NULL},
    {"cgroup_cpu_throttled_periods_total", "container_cpu_cfs_throttled_periods_total", NULL, NULL},
    {"cgroup_cpu_throttled_seconds_total", "container_cpu_cfs_throttled_seconds_total", NULL, NULL},
    {"cgroup_memory_usage_bytes", "container_memory_usage_bytes", NULL, NULL},
    {"cgroup_memory_working_set_bytes", "container_memory_working_set_bytes", NULL, NULL},
    {"cgroup_memory_anon_bytes", "container_memory_rss", NULL, NULL},
    {"cgroup_memory_file_bytes", "container_memory_cache", NULL, NULL},
    {"cgroup_memory_kernel_bytes", "container_memory_kernel_usage", NULL, NULL},
    {"cgroup_memory_swap_bytes", "container_memory_swap", NULL, NULL},
    {"cgroup_memory_peak_bytes", "container_memory_max_usage_bytes", NULL, NULL},
    {"cgroup_memory_limit_bytes", "container_spec_memory_limit_bytes", NULL, NULL},
    {"cgroup_memory_limit_events_total", "container_memory_failcnt", NULL, NULL},
    {"cgroup_memory_oom_kills_total", "container_oom_events_total", NULL, NULL},
    {"cgroup_pids", "container_threads", NULL, NULL},
    {"cgroup_pids_limit", "container_threads_max", NULL, NULL},
    {"cgroup_io_read_bytes_total", "container_fs_reads_bytes_total", NULL, NULL},
    {"cgroup_io_written_bytes_total", "container_fs_writes_bytes_total", NULL, NULL},
    {"cgroup_io_reads_total", "container_fs_reads_total", NULL, NULL},
    {"cgroup_io_writes_total", "container_fs_writes_total", NULL, NULL},
    {"cgroup_pressure_cpu_waiting_seconds_total", "container_pressure_cpu_waiting_seconds_total",
     NULL, NULL},
    {"cgroup_pressure_cpu_stalled_seconds_total", "container_pressure_cpu_stalled_seconds_total",
     NULL, NULL},
    {"cgroup_pressure_memory_waiting_seconds_total",
     "container_pressure_memory_waiting_seconds_total", NULL, NULL},
    {"cgroup_pressure_memory_stalled_seconds_total",
     "container_pressure_memory_stalled_seconds_total", NULL, NULL},
    {"cgroup_pressure_io_waiting_seconds_total", "container_pressure_io_waiting_seconds_total",
     NULL, NULL},
    {"cgroup_pressure_io_stalled_seconds_total", "container_pressure_io_stalled_seconds_total",
     NULL, NULL},
};

enum { LABELS = 4 };

void mw_container_tell(mw_host_stats *h, const mw_container *c, mw_kind kind, const char *ours,
                       const char *help, const mw_label *more, double v)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].ours, ours)) continue;
        mw_label l[LABELS] = {{MW_STR("id"), c->path}, {MW_STR("name"), c->name}};
        size_t n = 2;
        if (more) l[n++] = *more;
        if (names[i].label)
            l[n++] = (mw_label){mw_str_of(names[i].label), mw_str_of(names[i].value)};
        mw_passing_set(&h->passing, kind, names[i].theirs, help, l, n, v);
        return;
    }
}

void mw_container_seen(mw_host_stats *h, const mw_container *c, const char *folder)
{
    mw_label l[] = {{MW_STR("id"), c->path}, {MW_STR("name"), c->name}};
    struct stat st;
    mw_passing_set(&h->passing, MW_GAUGE, "container_last_seen", "When a container was seen last.",
                   l, 2, (double)(mw_wall_ns() / 1000000000));
    if (!stat(folder, &st))
        mw_passing_set(&h->passing, MW_GAUGE, "container_start_time_seconds",
                       "When a container was started.", l, 2, (double)st.st_mtime);
}

/* host_process.c - this process: /proc/self/stat and the files it has open.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <string.h>
#include <sys/resource.h>

#include "metrics/host_inside.h"

/* Fields behind the name of the program, counted from its state, which is 0. */
enum { UTIME = 11, STIME = 12, THREADS = 17, START = 19, VSIZE = 20, RSS = 21, FIELDS = 22 };

/* The name may hold spaces and parentheses: its end is the last one. */
static bool behind_name(mw_str *text)
{
    const char *end = text->n ? memrchr(text->p, ')', text->n) : NULL;
    if (!end) return false;
    size_t used = (size_t)(end - text->p) + 1;
    *text = (mw_str){text->p + used, text->n - used};
    return true;
}

/* Without a limit, as client libraries of Prometheus say it: the most that there can be. */
static void limits(mw_host_stats *h)
{
    static const struct {
        int what;
        const char *name, *help;
    } rows[] = {
        {RLIMIT_NOFILE, "process_max_fds", "Maximum number of open file descriptors."},
        {RLIMIT_AS, "process_virtual_memory_max_bytes", "Maximum amount of virtual memory."},
    };
    struct rlimit limit;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (getrlimit((__rlimit_resource_t)rows[i].what, &limit) == 0)
            mw_host_note(h, MW_GAUGE, rows[i].name, rows[i].help, NULL, 0, (double)limit.rlim_cur);
}

bool mw_host_read_self(mw_host_stats *h, mw_str text)
{
    double v[FIELDS] = {0};
    mw_str field;
    if (!behind_name(&text)) return false;
    for (size_t i = 0; i < FIELDS; i++) {
        if (!mw_host_field(&text, &field)) return false;
        bool wanted = i == UTIME || i == STIME || i >= THREADS;
        if (!mw_host_is_count(field, &v[i]) && wanted && i != THREADS + 1) return false;
    }
    mw_host_note(h, MW_COUNTER, "process_cpu_seconds_total",
                 "Total user and system CPU time spent in seconds.", NULL, 0,
                 (v[UTIME] + v[STIME]) / h->ticks);
    mw_host_note(h, MW_GAUGE, "process_resident_memory_bytes", "Resident memory size in bytes.",
                 NULL, 0, v[RSS] * h->page);
    mw_host_note(h, MW_GAUGE, "process_virtual_memory_bytes", "Virtual memory size in bytes.", NULL,
                 0, v[VSIZE]);
    mw_host_note(h, MW_GAUGE, "process_threads", "Number of threads of this process.", NULL, 0,
                 v[THREADS]);
    limits(h);
    if (h->boot_time > 0)
        mw_host_note(h, MW_GAUGE, "process_start_time_seconds",
                     "Start time of the process since unix epoch in seconds.", NULL, 0,
                     h->boot_time + v[START] / h->ticks);
    return true;
}

bool mw_host_count_fds(mw_host_stats *h, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return false;
    double n = 0;
    const struct dirent *e;
    while ((e = readdir(dir))) n += e->d_name[0] != '.';
    closedir(dir);
    mw_host_note(h, MW_GAUGE, "process_open_fds", "Number of open file descriptors.", NULL, 0,
                 n > 0 ? n - 1 : 0); /* one is the folder being read */
    return true;
}

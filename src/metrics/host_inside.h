/* host_inside.h - shared by the files that read /proc.  SPDX-License-Identifier: MIT */
#ifndef MW_METRICS_HOST_INSIDE_H
#define MW_METRICS_HOST_INSIDE_H
#include <pthread.h>

#include "metrics/host.h"
#include "metrics/passing.h"

typedef struct mw_host_groups mw_host_groups;

struct mw_host_stats {
    pthread_mutex_t lock; /* one collection at a time */
    mw_registry *reg;
    mw_passing passing; /* devices and what else comes and goes */
    char *root;
    char *cgroups, *sys;    /* NULL when they are not read */
    mw_host_groups *groups; /* NULL: nobody named any process */
    int64_t last_ns;        /* of the last collection; 0: none yet */
    mw_buf text;            /* of the file being read */
    double busy, total;     /* processor ticks as of the last collection */
    double boot_time;       /* unix seconds; 0 while unknown */
    double ticks, page;     /* per second; bytes */
};

/* One value of one metric; LABEL may be NULL.  A refusal by the registry is ignored: it counts
 * its refusals itself. */
void mw_host_note(mw_host_stats *h, mw_kind kind, const char *name, const char *help,
                  const mw_label *labels, size_t n, double v);

bool mw_host_read_file(const char *path, mw_buf *out, bool *there);

/* Lines and fields of a text; false at the end.  Fields are split by spaces and tabs. */
bool mw_host_line(mw_str *rest, mw_str *line);
bool mw_host_field(mw_str *line, mw_str *field);
/* A field that is a count: digits only. */
bool mw_host_count(mw_str *line, double *v);
bool mw_host_is_count(mw_str field, double *v);

/* host_container.c: a control group that is a container, by its path below the root. */
typedef struct mw_container {
    mw_str path, name; /* NAME is empty for a group that is none */
} mw_container;
bool mw_container_is(mw_str path, mw_str *name); /* *NAME is a part of PATH */
/* The figure OURS of a group, with MORE or NULL beside its labels, under the name of cAdvisor. */
void mw_container_tell(mw_host_stats *h, const mw_container *c, mw_kind kind, const char *ours,
                       const char *help, const mw_label *more, double v);
void mw_container_seen(mw_host_stats *h, const mw_container *c, const char *folder);

/* Readers: TEXT is the whole file; false when it is not what it should be. */
bool mw_host_read_stat(mw_host_stats *h, mw_str text);
bool mw_host_read_meminfo(mw_host_stats *h, mw_str text);
bool mw_host_read_loadavg(mw_host_stats *h, mw_str text);
bool mw_host_read_diskstats(mw_host_stats *h, mw_str text);
bool mw_host_read_net(mw_host_stats *h, mw_str text);
bool mw_host_read_mounts(mw_host_stats *h, mw_str text);
bool mw_host_read_pressure_cpu(mw_host_stats *h, mw_str text);
bool mw_host_read_pressure_io(mw_host_stats *h, mw_str text);
bool mw_host_read_pressure_memory(mw_host_stats *h, mw_str text);
bool mw_host_read_files(mw_host_stats *h, mw_str text);
bool mw_host_read_vmstat(mw_host_stats *h, mw_str text);
bool mw_host_read_sockstat(mw_host_stats *h, mw_str text);
bool mw_host_read_protocols(mw_host_stats *h, mw_str text);
bool mw_host_read_protocols6(mw_host_stats *h, mw_str text);
bool mw_host_read_self(mw_host_stats *h, mw_str text);
bool mw_host_read_pressure_irq(mw_host_stats *h, mw_str text);
bool mw_host_read_entropy(mw_host_stats *h, mw_str text);
bool mw_host_read_entropy_pool(mw_host_stats *h, mw_str text);
bool mw_host_read_tracked(mw_host_stats *h, mw_str text);
bool mw_host_read_tracked_most(mw_host_stats *h, mw_str text);
bool mw_host_read_most_threads(mw_host_stats *h, mw_str text);
bool mw_host_read_most_processes(mw_host_stats *h, mw_str text);
bool mw_host_read_softnet(mw_host_stats *h, mw_str text);
bool mw_host_read_tracking(mw_host_stats *h, mw_str text);
bool mw_host_read_arp(mw_host_stats *h, mw_str text);
bool mw_host_read_udp(mw_host_stats *h, mw_str text);
bool mw_host_read_udp6(mw_host_stats *h, mw_str text);
bool mw_host_read_schedstat(mw_host_stats *h, mw_str text);
void mw_host_count_processes(mw_host_stats *h);
void mw_host_read_sys(mw_host_stats *h);
void mw_host_tell_clock(mw_host_stats *h);
void mw_host_read_cgroups(mw_host_stats *h);
void mw_host_read_groups(mw_host_stats *h);
void mw_host_groups_free(mw_host_stats *h);
void mw_host_tell_uname(mw_host_stats *h);
bool mw_host_count_fds(mw_host_stats *h, const char *path);

#endif

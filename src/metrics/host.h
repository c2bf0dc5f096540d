/* host.h - this machine and this process, read from /proc and statvfs into a registry.
 * SPDX-License-Identifier: MIT */
#ifndef MW_METRICS_HOST_H
#define MW_METRICS_HOST_H
#include "metrics/registry.h"

typedef struct mw_host_stats mw_host_stats;

/* ROOT is normally "/proc"; tests give a folder of fixtures. */
mw_host_stats *mw_host_stats_new(mw_registry *reg, const char *root);
/* Also of the control groups below ROOT, normally "/sys/fs/cgroup"; before it is collected first.
 */
void mw_host_stats_cgroups(mw_host_stats *h, const char *root);
/* Also of the devices below ROOT, normally "/sys"; likewise. */
void mw_host_stats_sys(mw_host_stats *h, const char *root);
/* And of the processes with these names, in the place of those before.  Any thread. */
void mw_host_stats_processes(mw_host_stats *h, const char *const *names, size_t n);
void mw_host_stats_free(mw_host_stats *h);
void mw_host_stats_collect(void *h,
                           mw_registry *reg); /* an mw_collect; at most once a second does work */

#endif

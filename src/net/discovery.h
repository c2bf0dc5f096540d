/* discovery.h - targets listed in files, JSON or YAML (.yml, .yaml).
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_DISCOVERY_H
#define MW_NET_DISCOVERY_H
#include <stdint.h>

#include "net/groups.h"

typedef struct mw_discovery mw_discovery; /* one thread at a time */

mw_discovery *mw_discovery_new(void);
void mw_discovery_free(mw_discovery *d); /* NULL is fine */

/* Look at every file that matches GLOB and hand its groups to VISIT, which may be NULL; each has
 * the label __meta_filepath.  A file that cannot be read keeps the groups it had and is logged
 * once. */
void mw_discovery_begin(mw_discovery *d);
void mw_discovery_glob(mw_discovery *d, const char *glob, mw_groups_visit *visit, void *arg);
/* Forgets files that no glob named since begin.  True when any list of groups came, changed or went
 * since then. */
bool mw_discovery_end(mw_discovery *d);

typedef struct mw_discovery_counts {
    uint64_t failures; /* readings of files that were broken */
    size_t targets;
} mw_discovery_counts;
mw_discovery_counts mw_discovery_count(const mw_discovery *d);

#endif

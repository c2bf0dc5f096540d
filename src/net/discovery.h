/* discovery.h - targets listed in files: [{"targets": ["host:port"], "labels": {...}}, ...].
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_DISCOVERY_H
#define MW_NET_DISCOVERY_H
#include "script/value.h"

typedef struct mw_discovery mw_discovery; /* one thread at a time */

mw_discovery *mw_discovery_new(void);
void mw_discovery_free(mw_discovery *d); /* NULL is fine */

/* Look at every file that matches GLOB and hand its groups to VISIT.  Each group is a map with a
 * list of texts "targets" and a map of texts "labels" (NULL when absent); it lives until the next
 * mw_discovery_end.  VISIT may be NULL.  A file that cannot be read keeps the groups it had and is
 * logged once. */
typedef void mw_discovery_visit(void *arg, const mw_value *targets, const mw_value *labels);
void mw_discovery_begin(mw_discovery *d);
void mw_discovery_glob(mw_discovery *d, const char *glob, mw_discovery_visit *visit, void *arg);
/* Forgets files that no glob named since begin.  True when any list of groups came, changed or went
 * since then. */
bool mw_discovery_end(mw_discovery *d);

#endif

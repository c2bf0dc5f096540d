/* shared.h - values and counters that nodes share, for a node that is alone.
 *
 * Offers cluster.put, cluster.get and cluster.incr, as the cluster floor does through Redis.
 * One thread at a time.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_SHARED_H
#define MW_SCRIPT_SHARED_H
#include "script/host.h"

typedef struct mw_shared mw_shared;

mw_shared *mw_shared_new(void);
void mw_shared_free(mw_shared *s); /* NULL is fine */
void mw_shared_offer(mw_shared *s, mw_host *host);

#endif

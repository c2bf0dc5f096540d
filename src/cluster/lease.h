/* lease.h - which node does which part of the work: the decision, apart from Redis.
 * SPDX-License-Identifier: MIT */
#ifndef MW_CLUSTER_LEASE_H
#define MW_CLUSTER_LEASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MW_SLOTS = 17 };
extern const char *const mw_slot_names[MW_SLOTS]; /* rules/0 ... rules/15, router */

typedef struct mw_lease {
    bool held;             /* by this node, as far as it knows */
    uint64_t fence;        /* of the holder */
    char holder[128];      /* node name; "" when free or unknown */
    int64_t free_since_ms; /* 0: somebody holds it */
} mw_lease;

typedef enum mw_want { MW_TAKE, MW_LEAVE, MW_LOOK } mw_want; /* take also renews */
extern const char *const mw_want_names[];

/* The node that slot SLOT should be with: the same for everybody who sees the same NODES (N > 0).
 */
const char *mw_slot_home(const char *slot, const char *const *nodes, size_t n);

/* SETTLING: Redis has just come back and the others may not have said yet that they are there. */
mw_want mw_lease_want(const mw_lease *l, bool home, bool settling, int64_t now_ms,
                      int64_t lease_ms);

#endif

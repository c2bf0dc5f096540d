/* lease.c - who takes a slot.
 *
 * Every slot has a home among the live nodes by highest random weight: a node that joins or leaves
 * moves only its own share.  A home takes its slot when it is free; a holder that is not the home
 * leaves it to the home; anybody takes a slot that stays free for half a lease, so that a home that
 * looks alive but does not come cannot leave work undone.
 * SPDX-License-Identifier: MIT */
#include "cluster/lease.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

const char *const mw_slot_names[MW_SLOTS] = {
    "rules/0",  "rules/1",  "rules/2",  "rules/3",  "rules/4",  "rules/5",
    "rules/6",  "rules/7",  "rules/8",  "rules/9",  "rules/10", "rules/11",
    "rules/12", "rules/13", "rules/14", "rules/15", "router"};

const char *const mw_want_names[] = {"take", "leave", "look"};

static uint64_t weight(const char *slot, const char *node)
{
    return mw_hash_seed(slot, strlen(slot), mw_hash(node, strlen(node)));
}

const char *mw_slot_home(const char *slot, const char *const *nodes, size_t n)
{
    const char *best = nodes[0];
    for (size_t i = 1; i < n; i++) {
        uint64_t a = weight(slot, nodes[i]), b = weight(slot, best);
        if (a > b || (a == b && strcmp(nodes[i], best) < 0)) best = nodes[i];
    }
    return best;
}

mw_want mw_lease_want(const mw_lease *l, bool home, bool settling, int64_t now_ms, int64_t lease_ms)
{
    if (settling) return l->held ? MW_TAKE : MW_LOOK;
    if (home) return MW_TAKE;
    if (l->held) return MW_LEAVE;
    bool forsaken = l->free_since_ms && now_ms - l->free_since_ms >= lease_ms / 2;
    return forsaken ? MW_TAKE : MW_LOOK;
}

/* tally.h - what the store holds, counted where it changes.
 *
 * Each owner of a lock owns one tally and hands it to whatever allocates under that lock.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_TALLY_H
#define MW_TSDB_TALLY_H
#include <stddef.h>
#include <stdint.h>

#include "base/slab.h"

typedef struct mw_tally {
    mw_slab *slab; /* where chunks and pairs come from */
    uint64_t bytes, chunks, samples;
} mw_tally;

/* What a block of N bytes costs the heap, with the allocator's header and rounding. */
static inline size_t mw_heap_cost(size_t n)
{
    return n == 0 ? 0 : n <= 24 ? 32 : (n + 8 + 15) & ~(size_t)15;
}

#endif

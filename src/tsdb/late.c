/* late.c - the small sorted buffer of out-of-order samples.  SPDX-License-Identifier: MIT */
#include "tsdb/late.h"

#include <string.h>

#include "base/mem.h"

static size_t cost(uint32_t cap) { return mw_heap_cost(sizeof(mw_late) + cap * sizeof(mw_sample)); }

size_t mw_late_seek(const mw_late *late, int64_t t)
{
    size_t lo = 0, hi = late ? late->n : 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (late->s[mid].t < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void make_room(mw_late **slot, mw_tally *tally)
{
    mw_late *late = *slot;
    if (late && late->n < late->cap) return;
    uint32_t had = late ? late->cap : 0, cap = had ? had * 2 : 4;
    late = mw_realloc(late, sizeof *late + cap * sizeof(mw_sample));
    if (!had) late->n = 0;
    late->cap = cap;
    tally->bytes += cost(cap) - (had ? cost(had) : 0);
    *slot = late;
}

void mw_late_insert(mw_late **slot, size_t at, int64_t t, double v, mw_tally *tally)
{
    make_room(slot, tally);
    mw_late *late = *slot;
    memmove(late->s + at + 1, late->s + at, (late->n - at) * sizeof(mw_sample));
    late->s[at] = (mw_sample){t, v};
    late->n++;
    tally->samples++;
}

void mw_late_drop_before(mw_late **slot, int64_t floor, mw_tally *tally)
{
    mw_late *late = *slot;
    size_t n = mw_late_seek(late, floor);
    if (n == 0) return;
    memmove(late->s, late->s + n, (late->n - n) * sizeof(mw_sample));
    late->n -= (uint32_t)n;
    tally->samples -= n;
    if (late->n == 0) mw_late_free(slot, tally);
}

void mw_late_free(mw_late **slot, mw_tally *tally)
{
    if (!*slot) return;
    tally->bytes -= cost((*slot)->cap);
    tally->samples -= (*slot)->n;
    mw_free(*slot);
    *slot = NULL;
}

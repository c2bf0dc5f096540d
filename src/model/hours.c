/* hours.c - a bit for each hour, in a ring.
 *
 * The reader clears a bit before he looks at the hour, and a writer sets it after his sample can be
 * read, so no sample is missed: at worst an hour is looked at once more than needed.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "model/hours.h"

static const int64_t hour_ms = 3600 * 1000;

static int64_t hour_of(int64_t t) { return t / hour_ms - (t % hour_ms < 0); }

void mw_hours_mark(mw_hours *late, int64_t t, int64_t now)
{
    if (t > now - late->after_ms || hour_of(now) - hour_of(t) >= MW_HOURS) return;
    uint64_t slot = (uint64_t)hour_of(t) % MW_HOURS, bit = (uint64_t)1 << slot % 64;
    uint64_t *word = &late->hours[slot / 64];
    if (!(__atomic_load_n(word, __ATOMIC_SEQ_CST) & bit))
        __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
}

void mw_hours_take(mw_hours *late, int64_t now, mw_hours_visit *visit, void *arg)
{
    uint64_t taken[MW_HOURS / 64], any = 0;
    for (size_t i = 0; i < MW_HOURS / 64; i++) {
        bool set = __atomic_load_n(&late->hours[i], __ATOMIC_SEQ_CST) != 0;
        taken[i] = set ? __atomic_exchange_n(&late->hours[i], 0, __ATOMIC_SEQ_CST) : 0;
        any |= taken[i];
    }
    for (int64_t back = 0; any && back < MW_HOURS; back++) {
        uint64_t slot = (uint64_t)(hour_of(now) - back) % MW_HOURS;
        if (taken[slot / 64] >> slot % 64 & 1) visit(arg, (hour_of(now) - back) * hour_ms);
    }
}

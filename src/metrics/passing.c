/* passing.c - which series were set in this round.  SPDX-License-Identifier: MIT */
#include "metrics/passing.h"

#include "base/mem.h"

typedef struct mw_passing_slot {
    mw_series *series; /* NULL: free */
    uint32_t round;
} slot;

enum { FIRST = 64 };

void mw_passing_init(mw_passing *p, mw_registry *reg)
{
    *p = (mw_passing){.reg = reg, .cap = FIRST};
    p->slot = mw_array(p->cap, sizeof *p->slot);
}

void mw_passing_deinit(mw_passing *p) { mw_free(p->slot); }

static slot *find(slot *table, size_t cap, const mw_series *s)
{
    size_t at = ((uintptr_t)s >> 4) * 0x9e3779b97f4a7c15ULL >> 20;
    for (;; at++) {
        slot *x = &table[at & (cap - 1)];
        if (!x->series || x->series == s) return x;
    }
}

/* Into a table of CAP: all, or those of this round; the others leave. */
static void rebuild(mw_passing *p, size_t cap, bool all)
{
    slot *table = mw_array(cap, sizeof *table);
    p->n = 0;
    for (size_t i = 0; i < p->cap; i++) {
        slot *x = &p->slot[i];
        if (!x->series) continue;
        if (!all && x->round != p->round) {
            mw_registry_remove(p->reg, x->series);
            continue;
        }
        *find(table, cap, x->series) = *x;
        p->n++;
    }
    mw_free(p->slot);
    p->slot = table;
    p->cap = cap;
}

void mw_passing_begin(mw_passing *p) { p->round++; }

static void touch(mw_passing *p, mw_series *s)
{
    if (2 * (p->n + 1) > p->cap) rebuild(p, 2 * p->cap, true);
    slot *x = find(p->slot, p->cap, s);
    if (!x->series) p->n++;
    *x = (slot){s, p->round};
}

void mw_passing_set(mw_passing *p, mw_kind kind, const char *name, const char *help,
                    const mw_label *labels, size_t n, double v)
{
    mw_family f = {.kind = kind, .name = name, .help = help, .passing = true};
    mw_series *s;
    if (mw_registry_series(p->reg, &f, labels, n, &s, NULL) != MW_OK) return;
    touch(p, s);
    if (kind == MW_COUNTER)
        mw_counter_set(s, v);
    else
        mw_gauge_set(s, v);
}

void mw_passing_end(mw_passing *p)
{
    size_t old = 0;
    for (size_t i = 0; i < p->cap; i++) old += p->slot[i].series && p->slot[i].round != p->round;
    if (!old) return;
    size_t cap = FIRST;
    while (cap < 4 * (p->n - old)) cap *= 2;
    rebuild(p, cap, false);
}

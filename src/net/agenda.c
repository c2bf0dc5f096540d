/* agenda.c - a binary heap.  SPDX-License-Identifier: MIT */
#include "net/agenda.h"

#include <string.h>

#include "base/mem.h"

static void sink(mw_agenda *a, size_t at)
{
    mw_target *t = a->target[at];
    for (size_t child; (child = 2 * at + 1) < a->n; at = child) {
        if (child + 1 < a->n && a->target[child + 1]->next_ms < a->target[child]->next_ms) child++;
        if (t->next_ms <= a->target[child]->next_ms) break;
        a->target[at] = a->target[child];
    }
    a->target[at] = t;
}

void mw_agenda_fill(mw_agenda *a, const mw_targets *set)
{
    if (set->n > a->cap) mw_grow(&a->target, &a->cap, set->n, sizeof(mw_target *));
    if (set->n) memcpy(a->target, set->target, set->n * sizeof(mw_target *));
    a->n = set->n;
    for (size_t i = a->n / 2; i-- > 0;) sink(a, i);
}

mw_target *mw_agenda_first(const mw_agenda *a) { return a->n ? a->target[0] : NULL; }

void mw_agenda_settle(mw_agenda *a) { sink(a, 0); }

void mw_agenda_deinit(mw_agenda *a)
{
    mw_free(a->target);
    *a = (mw_agenda){0};
}

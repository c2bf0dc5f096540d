/* remove.c - series of passing families leave the registry.
 *
 * A page that is being written may still point to one: it is freed when no snapshot is in use.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "metrics/inside.h"

void mw_series_free(mw_series *s)
{
    mw_free(s->labels);
    mw_free(s->text);
    mw_free(s);
}

void mw_registry_free_left(mw_registry *reg)
{
    for (mw_series *s; (s = reg->left);) {
        reg->left = s->next;
        mw_series_free(s);
    }
}

static void take_out(mw_registry *reg, mw_series *s)
{
    mw_series **at = mw_series_head(reg, s->set, s->labels);
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    mw_set *set = s->set;
    for (size_t i = 0; i < set->n; i++)
        if (set->series[i] == s) {
            set->series[i] = set->series[--set->n];
            break;
        }
    set->sorted = false;
    reg->n_series--;
}

void mw_registry_remove(mw_registry *reg, mw_series *s)
{
    MW_ASSERT(s->set->passing);
    pthread_mutex_lock(&reg->lock);
    take_out(reg, s);
    s->next = reg->left;
    reg->left = s;
    if (!reg->readers) mw_registry_free_left(reg);
    pthread_mutex_unlock(&reg->lock);
}

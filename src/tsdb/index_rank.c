/* index_rank.c - pairs in the order of their text, for writing series in order.
 *
 * Comparing two label sets is comparing their pairs one by one; with every pair ranked once, that
 * is comparing numbers.  SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/index_inside.h"

static int by_text(const void *a, const void *b)
{
    const mw_pair *x = *(mw_pair *const *)a, *y = *(mw_pair *const *)b;
    int names = x->name == y->name ? 0 : mw_str_cmp(mw_pair_name(x), mw_pair_name(y));
    return names ? names : mw_str_cmp(mw_pair_value(x), mw_pair_value(y));
}

uint32_t *mw_index_ranks(mw_index *ix, size_t *n)
{
    size_t count = 0;
    pthread_rwlock_rdlock(&ix->lock);
    *n = ix->numbers;
    mw_pair **all = mw_array(ix->n_pairs + 1, sizeof *all);
    uint32_t *ranks = mw_array(*n + 1, sizeof *ranks);
    for (size_t i = 0; i < ix->name_heads; i++)
        for (const name_entry *e = ix->names[i]; e; e = e->next)
            for (size_t k = 0; k < e->n; k++) all[count++] = e->pairs[k];
    qsort(all, count, sizeof *all, by_text);
    for (size_t i = 0; i < count; i++) ranks[all[i]->number] = (uint32_t)i + 1;
    pthread_rwlock_unlock(&ix->lock);
    mw_free(all);
    return ranks;
}

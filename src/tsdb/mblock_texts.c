/* mblock_texts.c - an open-addressing table over an array of texts.
 *
 * Sorting looks at the first eight bytes as a number before it follows a pointer.
 * SPDX-License-Identifier: MIT */
#include "tsdb/mblock_texts.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

enum { FIRST_SLOTS = 16 };

void mw_mb_texts_deinit(mw_mb_texts *t)
{
    mw_free(t->v);
    mw_free(t->slot);
    mw_free(t->order);
    *t = (mw_mb_texts){0};
}

mw_str mw_mb_texts_at(const mw_mb_texts *t, uint32_t i) { return (mw_str){t->v[i].p, t->v[i].n}; }

static void widen(mw_mb_texts *t)
{
    if (t->n + t->n / 2 < t->slots) return;
    t->slots = t->slots ? t->slots * 2 : FIRST_SLOTS;
    mw_free(t->slot);
    t->slot = mw_array(t->slots, sizeof *t->slot);
    for (size_t i = 0; i < t->n; i++) {
        size_t at = t->v[i].hash & (t->slots - 1);
        while (t->slot[at]) at = (at + 1) & (t->slots - 1);
        t->slot[at] = (uint32_t)i + 1;
    }
}

uint32_t mw_mb_texts_intern(mw_mb_texts *t, mw_arena *a, mw_str s)
{
    widen(t);
    uint32_t hash = (uint32_t)mw_hash(s.p, s.n);
    size_t at = hash & (t->slots - 1);
    for (; t->slot[at]; at = (at + 1) & (t->slots - 1)) {
        uint32_t i = t->slot[at] - 1;
        if (t->v[i].hash == hash && mw_str_eq(mw_mb_texts_at(t, i), s)) return i;
    }
    MW_ASSERT(t->n < UINT32_MAX - 1 && s.n < UINT32_MAX);
    mw_mb_text text = {.p = mw_arena_strndup(a, s.p, s.n), .n = (uint32_t)s.n, .hash = hash};
    MW_PUSH(t->v, t->n, t->cap, text);
    t->slot[at] = (uint32_t)t->n;
    return (uint32_t)t->n - 1;
}

/* -- order ---------------------------------------------------------------------------------- */

typedef struct sortable {
    uint64_t prefix;
    uint32_t i;
} sortable;

static uint64_t prefix_of(const mw_mb_text *t)
{
    uint64_t prefix = 0;
    memcpy(&prefix, t->p, t->n < sizeof prefix ? t->n : sizeof prefix);
    return be64toh(prefix);
}

static int by_text(const void *a, const void *b, void *arg)
{
    const sortable *x = a, *y = b;
    const mw_mb_texts *t = arg;
    if (x->prefix != y->prefix) return x->prefix < y->prefix ? -1 : 1;
    return mw_str_cmp(mw_mb_texts_at(t, x->i), mw_mb_texts_at(t, y->i));
}

void mw_mb_texts_rank(mw_mb_texts *t)
{
    sortable *s = mw_array(t->n + 1, sizeof *s);
    t->order = mw_array(t->n + 1, sizeof *t->order);
    for (size_t i = 0; i < t->n; i++) s[i] = (sortable){prefix_of(&t->v[i]), (uint32_t)i};
    qsort_r(s, t->n, sizeof *s, by_text, t);
    for (size_t r = 0; r < t->n; r++) {
        t->order[r] = s[r].i;
        t->v[s[r].i].rank = (uint32_t)r;
    }
    mw_free(s);
}

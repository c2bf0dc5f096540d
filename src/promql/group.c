/* group.c - which rows belong together.
 *
 * The chosen labels of a row are hashed into an open table of group numbers; label sets are built
 * only for new groups.  Rows that share their label set, as a selection with few kept labels gives
 * them, are recognised by its address.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "promql/eval.h"

static int by_text(const void *a, const void *b)
{
    return mw_str_cmp(*(const mw_str *)a, *(const mw_str *)b);
}

struct names mw_pq_sorted(struct ev *e, struct names names)
{
    mw_str *p = mw_pq_alloc(e->run, names.n + 1, sizeof *p);
    if (names.n) memcpy(p, names.p, names.n * sizeof *p);
    qsort(p, names.n, sizeof *p, by_text);
    return (struct names){p, names.n};
}

/* -- what tells apart ----------------------------------------------------------------------- */

/* Do labels named NAME tell groups apart?  AT moves along the sorted names with the labels. */
static bool counts(const struct grouping *g, mw_str name, bool nameless, size_t *at)
{
    if (nameless && mw_pq_is_meta(name)) return false;
    if (g->without && !g->keep_name && mw_str_is(name, MW_METRIC_NAME)) return false;
    while (*at < g->names.n && mw_str_cmp(g->names.p[*at], name) < 0) ++*at;
    bool named = *at < g->names.n && mw_str_eq(g->names.p[*at], name);
    return named != g->without;
}

static size_t pick(const struct grouping *g, const struct series *s, bool nameless, mw_label *out)
{
    size_t n = 0, at = 0;
    for (uint32_t i = 0; i < s->labels->n; i++)
        if (counts(g, s->labels->l[i].name, nameless, &at)) out[n++] = s->labels->l[i];
    return n;
}

static uint64_t hash_picked(const mw_label *l, size_t n)
{
    uint64_t h = n;
    for (size_t i = 0; i < n; i++)
        h = mw_hash_seed(l[i].value.p, l[i].value.n, mw_hash_seed(l[i].name.p, l[i].name.n, h));
    return h;
}

static bool same(const mw_labels *ls, const mw_label *l, size_t n)
{
    if (ls->n != n) return false;
    for (size_t i = 0; i < n; i++)
        if (!mw_str_eq(ls->l[i].value, l[i].value) || !mw_str_eq(ls->l[i].name, l[i].name))
            return false;
    return true;
}

/* -- finding the group of a row ------------------------------------------------------------- */

static void widen(struct ev *e, struct grouper *t)
{
    size_t slots = t->slots ? (t->mask + 1) * 4 : 64;
    t->cap = slots / 2;
    const mw_labels **labels = mw_pq_alloc(e->run, t->cap, sizeof *labels);
    uint64_t *hashes = mw_pq_alloc(e->run, t->cap, sizeof *hashes);
    if (t->n) memcpy(labels, t->labels, t->n * sizeof *labels);
    if (t->n) memcpy(hashes, t->hashes, t->n * sizeof *hashes);
    t->labels = labels;
    t->hashes = hashes;
    t->mask = slots - 1;
    t->slots = mw_pq_alloc(e->run, slots, sizeof *t->slots);
    memset(t->slots, 0, slots * sizeof *t->slots);
    for (size_t g = 0; g < t->n; g++) {
        size_t at = t->hashes[g] & t->mask;
        while (t->slots[at]) at = (at + 1) & t->mask;
        t->slots[at] = (uint32_t)g + 1;
    }
}

static size_t find_picked(struct ev *e, struct grouper *t, size_t n_picked)
{
    uint64_t h = hash_picked(t->picked, n_picked);
    size_t slot = h & t->mask;
    for (; t->slots[slot]; slot = (slot + 1) & t->mask) {
        size_t g = t->slots[slot] - 1;
        if (t->hashes[g] == h && same(t->labels[g], t->picked, n_picked)) return g;
    }
    size_t g = t->n++;
    t->slots[slot] = (uint32_t)t->n;
    t->hashes[g] = h;
    t->labels[g] = mw_pq_labels(e, t->picked, n_picked);
    return g;
}

static size_t seat_of(const mw_labels *ls)
{
    return ((uintptr_t)ls * 0x9e3779b97f4a7c15u) >> (64 - PQ_MET_BITS);
}

size_t mw_pq_group_of(struct ev *e, struct grouper *t, const struct series *s)
{
    struct met *met = &t->met[seat_of(s->labels)];
    if (met->labels == s->labels && met->nameless == s->nameless) return met->group;
    if (t->n == t->cap) widen(e, t);
    if (t->widest < s->labels->n) {
        t->widest = s->labels->n * 2;
        t->picked = mw_pq_alloc(e->run, t->widest, sizeof *t->picked);
    }
    mw_pq_tick(e->run, s->labels->n + t->by->names.n);
    size_t g = find_picked(e, t, pick(t->by, s, mw_pq_nameless(e, s), t->picked));
    *met = (struct met){s->labels, (uint32_t)g, s->nameless};
    return g;
}

struct grouper *mw_pq_grouper(struct ev *e, const struct grouping *by)
{
    struct grouper *t = mw_pq_alloc(e->run, 1, sizeof *t);
    memset(t, 0, sizeof *t);
    t->by = by;
    return t;
}

struct groups mw_pq_group(struct ev *e, const struct vec *a, const struct vec *b,
                          const struct grouping *by)
{
    size_t rows = a->n + (b ? b->n : 0);
    struct grouper *t = mw_pq_grouper(e, by);
    size_t *of = mw_pq_alloc(e->run, rows, sizeof *of);
    for (size_t i = 0; i < rows; i++) {
        of[i] = mw_pq_group_of(e, t, i < a->n ? &a->s[i] : &b->s[i - a->n]);
        mw_pq_tick(e->run, 8);
    }
    return (struct groups){t->labels, t->n, of};
}

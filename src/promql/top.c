/* top.c - topk and bottomk: the best rows of each group at each step, kept in a heap as rows pass
 * by.
 *
 * Few of many rows ever enter a heap, so labels beyond those of the group are asked for only then.
 * Rows with equal values stand in order of their labels, whatever the order in which they came.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promql/aggregate.h"
#include "promql/hist.h"

/* A row that was among the best at some step. */
struct chosen {
    const mw_labels *labels;
    bool nameless;
};

struct entry {
    double v;
    uint32_t row; /* of chosen */
};

struct heap { /* the worst on top */
    struct entry *e;
    size_t n, cap;
};

struct top {
    struct ev *ev;
    const struct node *node;
    bool lowest;
    const double *k;
    struct grouper *groups;
    struct heap **heaps; /* of each group: one per step */
    size_t heaps_cap;
    struct chosen *rows;
    size_t n, cap;
};

/* -- order ---------------------------------------------------------------------------------- */

/* Below 0: A is better by its value; NaN is the worst in both directions. */
static int by_value(const struct top *t, double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
    if (a == b) return 0;
    return (a > b) != t->lowest ? -1 : 1;
}

static int compare(const struct top *t, const struct entry *a, const struct entry *b)
{
    int c = by_value(t, a->v, b->v);
    return c ? c : mw_labels_cmp(t->rows[a->row].labels, t->rows[b->row].labels);
}

static void sink(const struct top *t, struct heap *h, size_t i)
{
    for (;;) {
        size_t worst = i, left = 2 * i + 1, right = left + 1;
        if (left < h->n && compare(t, &h->e[left], &h->e[worst]) > 0) worst = left;
        if (right < h->n && compare(t, &h->e[right], &h->e[worst]) > 0) worst = right;
        if (worst == i) return;
        struct entry swap = h->e[i];
        h->e[i] = h->e[worst];
        h->e[worst] = swap;
        i = worst;
    }
}

static void rise(const struct top *t, struct heap *h, size_t i)
{
    while (i && compare(t, &h->e[i], &h->e[(i - 1) / 2]) > 0) {
        struct entry swap = h->e[i];
        h->e[i] = h->e[(i - 1) / 2];
        h->e[(i - 1) / 2] = swap;
        i = (i - 1) / 2;
    }
}

/* -- rows ----------------------------------------------------------------------------------- */

static void put(struct top *t, struct heap *h, double most, struct entry e)
{
    if ((double)h->n >= most) {
        if (compare(t, &e, &h->e[0]) >= 0) return;
        h->e[0] = e;
        sink(t, h, 0);
        return;
    }
    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : most < 16 ? (size_t)most : 16;
        struct entry *grown = mw_pq_alloc(t->ev->run, cap, sizeof *grown);
        if (h->n) memcpy(grown, h->e, h->n * sizeof *grown);
        h->e = grown;
        h->cap = cap;
    }
    h->e[h->n++] = e;
    rise(t, h, h->n - 1);
}

static uint32_t choose(struct top *t, const struct series *s, const mw_labels *labels)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        struct chosen *rows = mw_pq_alloc(t->ev->run, cap, sizeof *rows);
        if (t->n) memcpy(rows, t->rows, t->n * sizeof *rows);
        t->rows = rows;
        t->cap = cap;
    }
    t->rows[t->n++] = (struct chosen){labels, s->nameless};
    return (uint32_t)t->n - 1;
}

static struct heap *heaps_of(struct top *t, const struct series *s)
{
    struct ev *e = t->ev;
    static const mw_labels nothing = {.n = 0};
    struct series group = {.labels = s->labels ? s->labels : &nothing, .nameless = s->nameless};
    size_t before = t->groups->n, g = mw_pq_group_of(e, t->groups, &group);
    if (g < before) return t->heaps[g];
    if (g == t->heaps_cap) {
        size_t cap = t->heaps_cap ? t->heaps_cap * 2 : 8;
        struct heap **heaps = mw_pq_alloc(e->run, cap, sizeof *heaps);
        if (g) memcpy(heaps, t->heaps, g * sizeof *heaps);
        t->heaps = heaps;
        t->heaps_cap = cap;
    }
    t->heaps[g] = mw_pq_alloc(e->run, e->n, sizeof **t->heaps);
    return memset(t->heaps[g], 0, e->n * sizeof **t->heaps);
}

static void top_row(struct ev *e, struct series *s, void *arg)
{
    struct top *t = arg;
    struct heap *h = NULL;
    if (s->h) mw_pq_hist_ignored(e, t->node, &(struct vec){.s = s, .n = 1});
    uint32_t row = UINT32_MAX;
    for (size_t i = 0; i < e->n; i++) {
        double v = s->v[i], most = t->k[i];
        if (mw_pq_absent(v) || !most) continue;
        if (!h) h = heaps_of(t, s);
        if ((double)h[i].n >= most && by_value(t, v, h[i].e[0].v) > 0) continue;
        if (row == UINT32_MAX) {
            const mw_labels *labels = mw_pq_labels_of(e, s);
            if (!labels) return;
            row = choose(t, s, labels);
        }
        put(t, &h[i], most, (struct entry){v, row});
    }
    mw_pq_tick(e->run, e->n);
}

/* -- the result ----------------------------------------------------------------------------- */

static int best_first(const void *a, const void *b, void *top) { return compare(top, a, b); }

/* Group by group; at the first step the best row comes first. */
static struct vec rows_of(struct top *t)
{
    struct ev *e = t->ev;
    struct vec out = {.cap = 0};
    size_t *at = mw_pq_alloc(e->run, t->n, sizeof *at);
    memset(at, 0, t->n * sizeof *at);
    for (size_t g = 0; g < t->groups->n; g++) {
        for (size_t i = 0; i < e->n; i++) {
            struct heap *h = &t->heaps[g][i];
            if (h->n) qsort_r(h->e, h->n, sizeof *h->e, best_first, t);
            mw_pq_tick(e->run, h->n * 8 + 1);
            for (size_t k = 0; k < h->n; k++) {
                uint32_t row = h->e[k].row;
                if (!at[row]) {
                    mw_pq_add(e, &out, t->rows[row].labels)->nameless = t->rows[row].nameless;
                    at[row] = out.n;
                }
                out.s[at[row] - 1].v[i] = h->e[k].v;
            }
        }
    }
    return out;
}

static const double *limits(struct ev *e, const double *k)
{
    double *most = mw_pq_alloc(e->run, e->n, sizeof *most);
    mw_pq_check_limit(e, k);
    for (size_t i = 0; i < e->n; i++) most[i] = mw_pq_limit(k[i]);
    return most;
}

struct vec mw_pq_top(struct ev *e, const struct node *n, const double *k)
{
    struct grouping by = mw_pq_grouping(e, n);
    struct top t = {.ev = e, .node = n, .lowest = n->agg.op == T_KW_BOTTOMK, .k = limits(e, k)};
    bool grouped = by.without || by.names.n > 0;
    struct want want = {.later = !grouped};
    t.groups = mw_pq_grouper(e, &by);
    struct vec out;
    if (mw_pq_streams(e, n->agg.arg)) {
        mw_pq_pass(e, n->agg.arg);
        mw_pq_each_row(e, n->agg.arg, &want, top_row, &t);
        out = rows_of(&t);
        out.distinct = mw_pq_one_name(mw_pq_stream_source(n->agg.arg)) && !e->run->typed;
    } else {
        struct vec in = mw_pq_eval_vec(e, n->agg.arg);
        for (size_t i = 0; i < in.n; i++) top_row(e, &in.s[i], &t);
        out = rows_of(&t);
        out.distinct = in.distinct;
    }
    return out;
}

/* hist_fold.c - aggregations of rows that have histograms.
 *
 * The numbers of each group were folded before; here its histograms are looked at, step by step.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/hist.h"

/* The rows of each group that have histograms. */
struct chains {
    size_t *first, *next; /* row plus one */
    size_t rows;
};

static struct chains chain(struct ev *e, const struct vec *in, const size_t *of, size_t groups)
{
    struct chains c = {.rows = 0};
    c.first = mw_pq_alloc(e->run, groups, sizeof *c.first);
    c.next = mw_pq_alloc(e->run, in->n, sizeof *c.next);
    memset(c.first, 0, groups * sizeof *c.first);
    for (size_t i = in->n; i-- > 0;) {
        if (!in->s[i].h) continue;
        c.next[i] = c.first[of[i]];
        c.first[of[i]] = i + 1;
        c.rows++;
    }
    return c;
}

/* What one group has at one step. */
struct found {
    const mw_nhist **h;
    size_t *row;
    size_t n;
};

static void gather(const struct chains *c, const struct vec *in, size_t group, size_t step,
                   struct found *f)
{
    f->n = 0;
    for (size_t i = c->first[group]; i; i = c->next[i - 1]) {
        const mw_nhist *h = in->s[i - 1].h[step];
        if (h) f->row[f->n] = i - 1, f->h[f->n++] = h;
    }
}

static void add_up(struct ev *e, const struct node *n, const struct vec *in, const struct found *f,
                   struct series *out, size_t step)
{
    size_t bad;
    if (!mw_pq_absent(out->v[step])) {
        out->v[step] = mw_pq_none();
        mw_pq_hist_note(e, n->agg.arg, HN_MIXED_GROUP, MW_STR(""));
        return;
    }
    const mw_nhist *h =
        mw_pq_hist_sum(e, n->agg.arg, f->h, f->n, n->agg.op == T_KW_AVG, true, &bad);
    if (h)
        mw_pq_set_h(e, out, step, h);
    else
        mw_pq_hist_note(e, n->agg.arg, HN_MIXED_BUCKETS,
                        mw_labels_find(in->s[f->row[bad]].labels, MW_METRIC_NAME));
}

static void fold_step(struct ev *e, const struct node *n, const struct vec *in,
                      const struct found *f, struct series *out, size_t step)
{
    double *v = &out->v[step];
    switch (n->agg.op) {
    case T_KW_SUM:
    case T_KW_AVG: add_up(e, n, in, f, out, step); break;
    case T_KW_COUNT: *v = (mw_pq_absent(*v) ? 0 : *v) + (double)f->n; break;
    case T_KW_GROUP: *v = 1; break;
    default: break;
    }
}

static bool ignores(enum tok op)
{
    return op != T_KW_SUM && op != T_KW_AVG && op != T_KW_COUNT && op != T_KW_GROUP;
}

void mw_pq_hist_fold(struct ev *e, const struct node *n, const struct vec *in, const size_t *of,
                     struct vec *out)
{
    if (ignores(n->agg.op)) {
        mw_pq_hist_ignored(e, n, in);
        return;
    }
    struct chains c = chain(e, in, of, out->n);
    if (!c.rows) return;
    struct found f = {mw_pq_alloc(e->run, c.rows, sizeof *f.h),
                      mw_pq_alloc(e->run, c.rows, sizeof *f.row), 0};
    for (size_t g = 0; g < out->n; g++)
        for (size_t k = 0; c.first[g] && k < e->n; k++) {
            gather(&c, in, g, k, &f);
            if (f.n) fold_step(e, n, in, &f, &out->s[g], k);
            mw_pq_tick(e->run, f.n + 1);
        }
}

void mw_pq_hist_ignored(struct ev *e, const struct node *n, const struct vec *in)
{
    static const struct {
        enum tok op;
        const char *name;
    } names[] = {{T_KW_MIN, "min"},        {T_KW_MAX, "max"},           {T_KW_STDDEV, "stddev"},
                 {T_KW_STDVAR, "stdvar"},  {T_KW_QUANTILE, "quantile"}, {T_KW_TOPK, "topk"},
                 {T_KW_BOTTOMK, "bottomk"}};
    bool chooses = n->agg.op == T_KW_TOPK || n->agg.op == T_KW_BOTTOMK, any = false;
    for (size_t i = 0; i < in->n; i++)
        for (size_t k = 0; in->s[i].h && !any && k < e->n; k++) any = in->s[i].h[k];
    for (size_t i = 0; any && i < sizeof names / sizeof *names; i++)
        if (names[i].op == n->agg.op)
            mw_pq_hist_note(e, chooses ? n : n->agg.arg, HN_IGNORED_GROUP,
                            mw_str_of(names[i].name));
}

/* hist_fold.c - aggregations of rows that have histograms.
 *
 * The numbers of each group were folded before; here its histograms are looked at, step by step.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/hist.h"

/* -- rows that came by ---------------------------------------------------------------------- */

/* Of the labels, which may go, only the name is told. */
static const mw_labels *name_only(struct ev *e, const mw_labels *ls)
{
    static const mw_labels none = {.n = 0};
    mw_str name = ls ? mw_labels_find(ls, MW_METRIC_NAME) : MW_STR("");
    return name.n ? mw_pq_labels(e, &(mw_label){MW_STR(MW_METRIC_NAME), name}, 1) : &none;
}

void mw_pq_hist_row(struct ev *e, struct hist_rows *r, const struct series *s, size_t group)
{
    mw_pq_add_row(e, &r->rows, name_only(e, s->labels), NULL);
    r->rows.s[r->rows.n - 1].h = s->h;
    if (r->cap < r->rows.cap) {
        size_t *of = mw_pq_alloc(e->run, r->rows.cap, sizeof *of);
        if (r->cap) memcpy(of, r->of, r->cap * sizeof *of);
        r->of = of;
        r->cap = r->rows.cap;
    }
    r->of[r->rows.n - 1] = group;
}

void mw_pq_hist_row_copy(struct ev *e, struct hist_rows *r, const struct series *s, size_t group)
{
    struct series copy = {.labels = s->labels};
    const mw_nhist *from = NULL, *to = NULL; /* neighbours may share one */
    for (size_t k = 0; k < e->n; k++) {
        if (!s->h[k]) continue;
        if (s->h[k] != from) from = s->h[k], to = mw_pq_keep_histogram(e, from);
        mw_pq_set_h(e, &copy, k, to);
    }
    if (copy.h) mw_pq_hist_row(e, r, &copy, group);
}

/* The rows of each group. */
struct chains {
    size_t *first, *next; /* row plus one */
};

static struct chains chain(struct ev *e, const struct hist_rows *r, size_t groups)
{
    struct chains c = {mw_pq_alloc(e->run, groups, sizeof *c.first),
                       mw_pq_alloc(e->run, r->rows.n, sizeof *c.next)};
    memset(c.first, 0, groups * sizeof *c.first);
    for (size_t i = r->rows.n; i-- > 0;) {
        c.next[i] = c.first[r->of[i]];
        c.first[r->of[i]] = i + 1;
    }
    return c;
}

/* -- one group at one step ------------------------------------------------------------------ */

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

/* The name may be no label that was asked for, but be known all the same. */
static mw_str name_of(const struct node *n, const struct series *s)
{
    struct samples labels = {.labels = s->labels};
    return mw_pq_range_name(mw_pq_stream_source(n->agg.arg), &labels);
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
        mw_pq_hist_note(e, n->agg.arg, HN_MIXED_BUCKETS, name_of(n, &in->s[f->row[bad]]));
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

void mw_pq_hist_fold(struct ev *e, const struct node *n, const struct hist_rows *r, struct vec *out)
{
    const struct vec *in = &r->rows;
    if (ignores(n->agg.op)) {
        mw_pq_hist_ignored(e, n, in);
        return;
    }
    struct chains c = chain(e, r, out->n);
    struct found f = {mw_pq_alloc(e->run, in->n, sizeof *f.h),
                      mw_pq_alloc(e->run, in->n, sizeof *f.row), 0};
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

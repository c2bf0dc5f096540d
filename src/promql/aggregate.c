/* aggregate.c - sum by (...) and its kin: where the rows come from and which groups they make.
 *
 * Rows that can pass by one after the other do, in two threads where there are many; only the
 * labels that tell groups apart are asked for.  SPDX-License-Identifier: MIT */
#include "promql/aggregate.h"

#include "promql/fold.h"
#include "promql/parallel.h"

struct grouping mw_pq_grouping(struct ev *e, const struct node *n)
{
    return (struct grouping){.names = mw_pq_sorted(e, n->agg.by), .without = n->agg.without};
}

/* No two groups may look the same once names are dropped: true unless __name__ is asked for. */
bool mw_pq_groups_distinct(const struct grouping *g)
{
    for (size_t i = 0; i < g->names.n; i++)
        if (!g->without && mw_pq_is_meta(g->names.p[i])) return false;
    return !g->without;
}

void mw_pq_inherit_names(struct ev *e, const struct vec *in, const size_t *of, struct vec *out)
{
    for (size_t i = 0; i < in->n && !e->run->names_go; i++)
        out->s[of[i]].nameless |= in->s[i].nameless;
}

/* The labels that tell groups apart. */
static mw_keep group_labels(struct ev *e, const struct grouping *g)
{
    if (!g->without) return (mw_keep){g->names.p, g->names.n, false};
    mw_str *names = mw_pq_alloc(e->run, g->names.n + 1, sizeof *names);
    for (size_t i = 0; i < g->names.n; i++) names[i] = g->names.p[i];
    names[g->names.n] = MW_STR(MW_METRIC_NAME);
    return (mw_keep){names, g->names.n + 1, true};
}

/* -- folding -------------------------------------------------------------------------------- */

struct work {
    const struct fold_kind *kind;
    const struct grouping *by;
    struct fold *whole;
};

static void *begin(struct ev *e, void *arg)
{
    const struct work *w = arg;
    return mw_pq_fold(e, w->kind, w->by);
}

static void end(void *piece, void *arg) { mw_pq_fold_merge(((struct work *)arg)->whole, piece); }

static struct vec folded(struct ev *e, const struct node *n, const struct fold_kind *kind)
{
    struct grouping by = mw_pq_grouping(e, n);
    struct fold *f = mw_pq_fold(e, kind, &by);
    if (mw_pq_streams(e, n->agg.arg)) {
        mw_keep keep = group_labels(e, &by);
        struct want want = {.keep = &keep};
        struct work w = {kind, &by, f};
        mw_pq_pass(e, n->agg.arg);
        if (!mw_pq_rows_in_pieces(e, n->agg.arg, &want, begin, mw_pq_fold_row, end, &w))
            mw_pq_each_row(e, n->agg.arg, &want, mw_pq_fold_row, f);
    } else {
        struct vec in = mw_pq_eval_vec(e, n->agg.arg);
        for (size_t i = 0; i < in.n; i++) mw_pq_fold_row(e, &in.s[i], f);
    }
    struct vec out = mw_pq_fold_rows(f);
    if (f->histograms.rows.n) mw_pq_hist_fold(e, n, &f->histograms, &out);
    out.distinct = mw_pq_groups_distinct(&by);
    return out;
}

struct value mw_pq_aggregate(struct ev *e, const struct node *n)
{
    const double *param = NULL;
    const struct fold_kind *kind = mw_pq_fold_kind(n->agg.op, e->run->opt->closed_ranges);
    if (kind) return mw_pq_vector(folded(e, n, kind));
    if (n->agg.param && n->agg.param->type == MW_VALUE_SCALAR)
        param = mw_pq_eval_scalar(e, n->agg.param);
    if (n->agg.op == T_KW_TOPK || n->agg.op == T_KW_BOTTOMK)
        return mw_pq_vector(mw_pq_top(e, n, param));
    struct vec in = mw_pq_eval_vec(e, n->agg.arg);
    return mw_pq_vector(mw_pq_choose(e, n, &in, param));
}

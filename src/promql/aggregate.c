/* aggregate.c - sum by (...) and its kin.
 *
 * Groups are told apart once; then each row of the input is folded into the cells of its group,
 * one cell per step.  Aggregations that choose or count rows are in choose.c.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "promql/aggregate.h"

/* What is known of one group at one step. */
union cell {
    struct sum sum;
    struct mean mean;
    struct spread spread;
    double number;
};

struct fold {
    enum tok op;
    void (*add)(union cell *c, double v, bool first);
    double (*get)(const union cell *c);
};

static void add_sum(union cell *c, double v, bool first)
{
    if (first) c->sum = (struct sum){0, 0};
    mw_pq_sum_add(&c->sum, v);
}

static double get_sum(const union cell *c)
{
    return isinf(c->sum.sum) ? c->sum.sum : c->sum.sum + c->sum.c;
}

static void add_mean(union cell *c, double v, bool first)
{
    if (first) c->mean = (struct mean){.n = 0};
    mw_pq_mean_add(&c->mean, v);
}

static double get_mean(const union cell *c) { return mw_pq_mean_get(&c->mean); }

static void add_spread(union cell *c, double v, bool first)
{
    if (first) c->spread = (struct spread){.n = 0};
    mw_pq_spread_add(&c->spread, v);
}

static double get_variance(const union cell *c) { return mw_pq_spread_get(&c->spread); }
static double get_deviation(const union cell *c) { return sqrt(mw_pq_spread_get(&c->spread)); }

static void add_min(union cell *c, double v, bool first)
{
    if (first || v < c->number || isnan(c->number)) c->number = v;
}

static void add_max(union cell *c, double v, bool first)
{
    if (first || v > c->number || isnan(c->number)) c->number = v;
}

static void add_count(union cell *c, double v, bool first)
{
    (void)v;
    c->number = first ? 1 : c->number + 1;
}

static void add_group(union cell *c, double v, bool first)
{
    (void)v, (void)first;
    c->number = 1;
}

static double get_number(const union cell *c) { return c->number; }

static const struct fold folds[] = {
    {T_KW_SUM, add_sum, get_sum},
    {T_KW_AVG, add_mean, get_mean},
    {T_KW_MIN, add_min, get_number},
    {T_KW_MAX, add_max, get_number},
    {T_KW_COUNT, add_count, get_number},
    {T_KW_GROUP, add_group, get_number},
    {T_KW_STDVAR, add_spread, get_variance},
    {T_KW_STDDEV, add_spread, get_deviation},
};

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

/* Rows of each group one behind the other, so that a group's cells stay in the cache. */
static size_t *rows_by_group(struct ev *e, const struct groups *g, size_t rows, size_t *first)
{
    size_t *order = mw_pq_alloc(e->run, rows, sizeof *order);
    memset(first, 0, (g->n + 1) * sizeof *first);
    for (size_t i = 0; i < rows; i++) first[g->of[i] + 1]++;
    for (size_t i = 0; i < g->n; i++) first[i + 1] += first[i];
    size_t *at = mw_pq_alloc(e->run, g->n + 1, sizeof *at);
    memcpy(at, first, (g->n + 1) * sizeof *at);
    for (size_t i = 0; i < rows; i++) order[at[g->of[i]]++] = i;
    return order;
}

static void fold_row(struct ev *e, const struct fold *f, union cell *cells, bool *seen,
                     const double *v)
{
    for (size_t k = 0; k < e->n; k++) {
        if (mw_pq_absent(v[k])) continue;
        f->add(&cells[k], v[k], !seen[k]);
        seen[k] = true;
    }
    mw_pq_tick(e->run, e->n);
}

static struct vec fold(struct ev *e, const struct fold *f, const struct vec *in,
                       const struct groups *g)
{
    struct vec out = {.cap = 0};
    size_t *first = mw_pq_alloc(e->run, g->n + 1, sizeof *first);
    size_t *order = rows_by_group(e, g, in->n, first);
    union cell *cells = mw_pq_alloc(e->run, e->n, sizeof *cells);
    bool *seen = mw_pq_alloc(e->run, e->n, sizeof *seen);
    for (size_t i = 0; i < g->n; i++) {
        memset(seen, 0, e->n * sizeof *seen);
        for (size_t k = first[i]; k < first[i + 1]; k++)
            fold_row(e, f, cells, seen, in->s[order[k]].v);
        struct series *s = mw_pq_add(e, &out, g->labels[i]);
        for (size_t k = 0; k < e->n; k++)
            if (seen[k]) s->v[k] = f->get(&cells[k]);
    }
    return out;
}

struct value mw_pq_aggregate(struct ev *e, const struct node *n)
{
    const double *param = NULL;
    if (n->agg.param && n->agg.param->type == MW_VALUE_SCALAR)
        param = mw_pq_eval_scalar(e, n->agg.param);
    struct vec in = mw_pq_eval_vec(e, n->agg.arg), out;
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        if (folds[i].op != n->agg.op) continue;
        struct grouping by = mw_pq_grouping(e, n);
        struct groups g = mw_pq_group(e, &in, NULL, &by);
        out = fold(e, &folds[i], &in, &g);
        out.distinct = mw_pq_groups_distinct(&by);
        mw_pq_inherit_names(e, &in, g.of, &out);
        return mw_pq_vector(out);
    }
    return mw_pq_vector(mw_pq_choose(e, n, &in, param));
}

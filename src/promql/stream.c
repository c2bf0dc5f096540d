/* stream.c - rows that pass by one after the other.
 *
 * Whoever only adds rows up need not have all of them in memory, nor most of their labels.  A node
 * streams when each of its rows comes from one series alone and no two rows can become alike: a
 * selector, a range function of one, and functions of numbers of those.  What is known already is
 * taken as it is instead.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/functions.h"
#include "promql/trace.h"

static const struct node *range_of(const struct node *call)
{
    for (size_t i = 0; i < call->call.n_args; i++)
        if (call->call.args[i]->type == MW_VALUE_MATRIX) return call->call.args[i];
    return NULL;
}

const struct node *mw_pq_stream_source(const struct node *n)
{
    switch (n->kind) {
    case N_CALL:
        return n->call.fn->eval == mw_pq_call_window ? range_of(n)
                                                     : mw_pq_stream_source(n->call.args[0]);
    case N_UNARY: return mw_pq_stream_source(n->unary.inner);
    case N_BINARY:
        return mw_pq_stream_source(n->bin.lhs->type == MW_VALUE_VECTOR ? n->bin.lhs : n->bin.rhs);
    default: return n;
    }
}

/* Rows are still told apart when their names are gone. */
static bool nameless_distinct(const struct ev *e, const struct node *sel)
{
    return sel->kind == N_SELECTOR && mw_pq_one_name(sel) && !e->run->typed;
}

static bool call_streams(const struct ev *e, const struct node *n)
{
    const struct function *fn = n->call.fn;
    if (fn->math)
        return mw_pq_streams(e, n->call.args[0]) &&
               nameless_distinct(e, mw_pq_stream_source(n->call.args[0]));
    const struct node *range = fn->eval == mw_pq_call_window ? range_of(n) : NULL;
    if (!range || range->kind != N_SELECTOR) return false;
    return fn->flags & FN_KEEPS_NAME || nameless_distinct(e, range);
}

static bool binary_streams(const struct ev *e, const struct node *n)
{
    const struct node *l = n->bin.lhs, *r = n->bin.rhs;
    const struct node *v = l->type == MW_VALUE_VECTOR ? l : r;
    if (l->type == r->type || !mw_pq_streams(e, v)) return false;
    return !mw_pq_drops_name(e, n) || nameless_distinct(e, mw_pq_stream_source(v));
}

bool mw_pq_streams(const struct ev *e, const struct node *n)
{
    if (n->fixed && e->n > 1) return false;
    if (mw_pq_known(e, n)) return false;
    switch (n->kind) {
    case N_SELECTOR: return true;
    case N_CALL: return call_streams(e, n);
    case N_BINARY: return binary_streams(e, n);
    case N_UNARY:
        return mw_pq_streams(e, n->unary.inner) &&
               (n->unary.plus || nameless_distinct(e, mw_pq_stream_source(n->unary.inner)));
    default: return false;
    }
}

/* -- links of the chain --------------------------------------------------------------------- */

struct link {
    const struct node *n;
    const double *number;
    pq_row_fn *fn;
    void *arg;
};

static void through_math(struct ev *e, struct series *s, void *arg)
{
    struct link *l = arg;
    mw_pq_math_row(e, l->n, s);
    s->nameless = true;
    l->fn(e, s, l->arg);
}

static void through_operator(struct ev *e, struct series *s, void *arg)
{
    struct link *l = arg;
    mw_pq_scalar_row(e, l->n, s, l->number, l->n->bin.lhs->type == MW_VALUE_SCALAR);
    s->nameless |= mw_pq_drops_name(e, l->n);
    l->fn(e, s, l->arg);
}

static void through_minus(struct ev *e, struct series *s, void *arg)
{
    struct link *l = arg;
    mw_pq_negate_row(e, s);
    s->nameless = true;
    l->fn(e, s, l->arg);
}

void mw_pq_each_row_plain(struct ev *e, const struct node *n, const struct want *want,
                          pq_row_fn *fn, void *arg)
{
    struct link l = {n, NULL, fn, arg};
    if (n->kind == N_SELECTOR) {
        mw_pq_select_rows(e, n, want, false, fn, arg);
    } else if (n->kind == N_CALL && n->call.fn->math) {
        mw_pq_each_row(e, n->call.args[0], want, through_math, &l);
    } else if (n->kind == N_CALL) {
        mw_pq_window_rows(e, n, want, fn, arg);
    } else if (n->kind == N_UNARY) {
        mw_pq_each_row(e, n->unary.inner, want, n->unary.plus ? fn : through_minus,
                       n->unary.plus ? arg : &l);
    } else {
        bool left = n->bin.lhs->type == MW_VALUE_VECTOR;
        l.number = mw_pq_eval_scalar(e, left ? n->bin.rhs : n->bin.lhs);
        mw_pq_each_row(e, left ? n->bin.lhs : n->bin.rhs, want, through_operator, &l);
    }
}

void mw_pq_each_row(struct ev *e, const struct node *n, const struct want *want, pq_row_fn *fn,
                    void *arg)
{
    (e->run->trace ? mw_pq_traced_rows : mw_pq_each_row_plain)(e, n, want, fn, arg);
}

/* -- keeping rows --------------------------------------------------------------------------- */

const mw_labels *mw_pq_labels_of(struct ev *e, const struct series *s)
{
    mw_series_set *set = e->run->open;
    return s->labels ? s->labels : set->labels(set);
}

void mw_pq_collect(struct ev *e, struct series *s, void *arg)
{
    double *row = mw_pq_alloc(e->run, e->n, sizeof *row);
    memcpy(row, s->v, e->n * sizeof *row);
    mw_pq_add_row(e, arg, s->labels, row);
    struct series *kept = &((struct vec *)arg)->s[((struct vec *)arg)->n - 1];
    kept->h = s->h;
    kept->nameless = s->nameless;
}

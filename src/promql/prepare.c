/* prepare.c - a tree meets a query: durations become milliseconds, @ start() and @ end() become
 * times, and nodes that give the same at every step are marked, to be computed once.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "promql/functions.h"

/* What durations are refused with names bytes, not lines, as Prometheus does. */
static void refuse(struct run *r, const struct node *n, const char *what) __attribute__((noreturn));
static void refuse(struct run *r, const struct node *n, const char *what)
{
    mw_pq_throw(r, MW_EPARSE, "%zu:%zu: %s", n->pos, n->end, what);
}

static double seconds_of(struct run *r, const struct node *n);

static double operated(struct run *r, const struct node *n)
{
    double a = seconds_of(r, n->bin.lhs), b = seconds_of(r, n->bin.rhs);
    if (b == 0 && n->bin.op == OP_DIV) refuse(r, n, "division by zero");
    if (b == 0 && n->bin.op == OP_MOD) refuse(r, n, "modulo by zero");
    return mw_pq_apply(n->bin.op, a, b);
}

static double called(struct run *r, const struct node *n)
{
    const mw_promql_query *q = r->query;
    mw_str name = n->call.name;
    if (mw_str_is(name, "step")) return q->range ? (double)q->step / 1000 : 0;
    if (mw_str_is(name, "range")) return q->range ? (double)(q->end - q->start) / 1000 : 0;
    double a = seconds_of(r, n->call.args[0]), b = seconds_of(r, n->call.args[1]);
    if (isnan(a) || isnan(b)) return NAN;
    return mw_str_is(name, "min_of") ? fmin(a, b) : fmax(a, b);
}

static double seconds_of(struct run *r, const struct node *n)
{
    switch (n->kind) {
    case N_UNARY:
        return n->unary.plus ? seconds_of(r, n->unary.inner) : -seconds_of(r, n->unary.inner);
    case N_BINARY: return operated(r, n);
    case N_CALL: return called(r, n);
    default: return n->number;
    }
}

static int64_t duration(struct run *r, const struct node *n, bool positive)
{
    double s = seconds_of(r, n);
    if (!isfinite(s)) refuse(r, n, "duration is NaN or infinite");
    if (positive && s <= 0) refuse(r, n, "duration must be greater than 0");
    if (fabs(s) > 9223372036.854775807) refuse(r, n, "duration is out of range");
    bool literal = n->kind == N_NUMBER && !n->parens;
    return (int64_t)(literal ? round(s * 1000) : s * 1000);
}

static void prepare_when(struct run *r, struct when *w)
{
    const mw_promql_query *q = r->query;
    w->moves_on = false;
    w->hides = false;
    w->range_ms = w->range_expr ? duration(r, w->range_expr, true) : 0;
    w->step_ms = w->step_expr ? duration(r, w->step_expr, true) : r->opt->default_step_ms;
    if (w->step_ms < 1) w->step_ms = 1;
    w->offset_ms = w->offset_expr ? duration(r, w->offset_expr, false) : 0;
    if (w->at == AT_START) w->at_ms = q->start;
    if (w->at == AT_END) w->at_ms = q->range ? q->end : q->start;
}

/* Nothing after UNTIL is seen by the selectors of N that have no "@" of their own. */
static void hide_after(struct node *n, int64_t until)
{
    switch (n->kind) {
    case N_SELECTOR:
        if (n->sel.when.at && !n->sel.when.moves_on) break;
        n->sel.when.hides = true;
        n->sel.when.until = until - n->sel.when.offset_ms;
        break;
    case N_SUBQUERY: hide_after(n->sel.sub, until - n->sel.when.offset_ms); break;
    case N_CALL:
        for (size_t i = 0; i < n->call.n_args; i++) hide_after(n->call.args[i], until);
        break;
    case N_AGGREGATE: hide_after(n->agg.arg, until); break;
    case N_BINARY: hide_after(n->bin.lhs, until), hide_after(n->bin.rhs, until); break;
    case N_UNARY: hide_after(n->unary.inner, until); break;
    default: break;
    }
}

/* In Prometheus 2 the range that predict_linear looks at moves on from its "@" with each step, but
 * only what was to be seen from there is there. */
static void move_on(struct run *r, struct node *range)
{
    struct when *w = &range->sel.when;
    if (w->at == AT_NONE) return;
    w->moves_on = true;
    range->fixed = false;
    hide_after(range, w->at_ms);
    w->offset_ms += r->query->start - w->at_ms;
}

static bool prepare_call(struct run *r, struct node *n)
{
    bool fixed = !(n->call.fn->flags & FN_MOVES);
    bool version_2 = r->opt->closed_ranges && mw_str_is(n->call.name, "predict_linear");
    for (size_t i = 0; i < n->call.n_args; i++) {
        mw_pq_prepare(r, n->call.args[i]);
        if (version_2 && i == 0) move_on(r, n->call.args[i]);
        fixed &= n->call.args[i]->fixed;
    }
    return fixed;
}

void mw_pq_prepare(struct run *r, struct node *n)
{
    n->fixed = true;
    switch (n->kind) {
    case N_NUMBER:
    case N_STRING: break;
    case N_SELECTOR:
        prepare_when(r, &n->sel.when);
        n->fixed = n->sel.when.at != AT_NONE;
        break;
    case N_SUBQUERY:
        prepare_when(r, &n->sel.when);
        mw_pq_prepare(r, n->sel.sub);
        n->fixed = n->sel.when.at != AT_NONE;
        break;
    case N_CALL: n->fixed = prepare_call(r, n); break;
    case N_AGGREGATE:
        mw_pq_prepare(r, n->agg.arg);
        n->fixed = n->agg.arg->fixed;
        if (n->agg.param) mw_pq_prepare(r, n->agg.param), n->fixed &= n->agg.param->fixed;
        break;
    case N_BINARY:
        mw_pq_prepare(r, n->bin.lhs);
        mw_pq_prepare(r, n->bin.rhs);
        n->fixed = n->bin.lhs->fixed && n->bin.rhs->fixed;
        break;
    case N_UNARY:
        mw_pq_prepare(r, n->unary.inner);
        n->fixed = n->unary.inner->fixed;
        break;
    }
}

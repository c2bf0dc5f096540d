/* hist_binary.c - operators of which at least one operand is a histogram.
 *
 * Histograms are added and subtracted, multiplied and divided by numbers, trimmed at a number, and
 * equal or not.  Anything else has no result and is told.  SPDX-License-Identifier: MIT */
#include "promql/hist.h"

#include <stdio.h>

/* -- a histogram and a number --------------------------------------------------------------- */

static const mw_nhist *by_number(struct ev *e, enum binop op, const mw_nhist *h, double v)
{
    mw_nwork *work = mw_pq_work(e->run, 0);
    bool compact = true;
    mw_nwork_set(work, h);
    switch (op) {
    case OP_MUL: mw_nwork_scale(work, v); break;
    case OP_DIV: mw_nwork_divide(work, v); break;
    case OP_TRIM_UPPER: compact = mw_nwork_trim(work, v, true); break;
    case OP_TRIM_LOWER: compact = mw_nwork_trim(work, v, false); break;
    default: return NULL;
    }
    return mw_pq_take(e, work, compact);
}

static void mismatch(struct ev *e, const struct node *n, const char *l, const char *r)
{
    const char *op = mw_pq_op_text(n->bin.op);
    mw_pq_note(e->run, PQ_INFO, n,
               "PromQL info: incompatible sample types encountered for binary operator \"%s\": %s "
               "%s %s",
               op, l, op, r);
}

/* -- two histograms ------------------------------------------------------------------------- */

static const mw_nhist *sum(struct ev *e, const struct node *n, const mw_nhist *l, const mw_nhist *r)
{
    bool minus = n->bin.op == OP_SUB;
    mw_str during = minus ? MW_STR("subtraction") : MW_STR("addition");
    mw_nwork *work = mw_pq_work(e->run, 0);
    mw_nwork_set(work, l);
    unsigned met = minus ? mw_nwork_sub(work, r) : mw_nwork_add(work, r);
    if (met & MW_NHIST_MIXED) {
        mw_pq_hist_note(e, n, HN_LAYOUT, mw_str_of(mw_pq_op_text(n->bin.op)));
        return NULL;
    }
    if (met & MW_NHIST_COLLISION) {
        mw_pq_hist_note(e, n, HN_COLLISION, during);
        return NULL;
    }
    if (met & MW_NHIST_RECONCILED) mw_pq_hist_note(e, n, HN_RECONCILED, during);
    if (minus) mw_nwork_hint(work, MW_RESET_GAUGE);
    return mw_pq_take(e, work, true);
}

static bool compare(const struct node *n, const mw_nhist *l, const mw_nhist *r, struct operand *out)
{
    bool holds = mw_nhist_equal(l, r) == (n->bin.op == OP_EQ);
    if (n->bin.returns_bool)
        out->v = holds;
    else if (holds)
        out->h = l;
    return holds || n->bin.returns_bool;
}

bool mw_pq_hist_operate(struct ev *e, const struct node *n, struct operand l, struct operand r,
                        struct operand *out)
{
    enum binop op = n->bin.op;
    *out = (struct operand){mw_pq_none(), NULL};
    if (l.h && r.h) {
        if (op == OP_EQ || op == OP_NE) return compare(n, l.h, r.h, out);
        if (op == OP_ADD || op == OP_SUB) return (out->h = sum(e, n, l.h, r.h)) != NULL;
        mismatch(e, n, "histogram", "histogram");
        return false;
    }
    if (l.h)
        out->h = by_number(e, op, l.h, r.v);
    else if (op == OP_MUL)
        out->h = by_number(e, op, r.h, l.v);
    if (!out->h) mismatch(e, n, l.h ? "histogram" : "float", r.h ? "histogram" : "float");
    return out->h;
}

/* -- rows ----------------------------------------------------------------------------------- */

void mw_pq_hist_scalar_row(struct ev *e, const struct node *n, struct series *s,
                           const double *number, bool swapped)
{
    for (size_t k = 0; k < e->n; k++) {
        const mw_nhist *h = mw_pq_h(s, k);
        if (!h && (!PQ_IS_TRIM(n->bin.op) || mw_pq_absent(s->v[k]))) continue;
        struct operand row = {s->v[k], h}, scalar = {number[k], NULL}, out;
        mw_pq_hist_operate(e, n, swapped ? scalar : row, swapped ? row : scalar, &out);
        if (h)
            s->h[k] = out.h;
        else
            s->v[k] = out.v;
    }
}

void mw_pq_hist_negate_row(struct ev *e, struct series *s)
{
    mw_nwork *work = mw_pq_work(e->run, 0);
    for (size_t k = 0; k < e->n; k++) {
        if (!s->h[k]) continue;
        mw_nwork_set(work, s->h[k]);
        mw_nwork_scale(work, -1);
        s->h[k] = mw_pq_take(e, work, false);
    }
}

/* plan.c - what each node of a query does, in words.  SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "promql/explain.h"
#include "promql/functions.h"
#include "promql/print.h"

/* -- numbers and spans ---------------------------------------------------------------------- */

static void grouped(mw_buf *out, double n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%.0f", n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) mw_buf_byte(out, ',');
        mw_buf_byte(out, digits[i]);
    }
}

/* "1,204 rows" */
static void say_count(mw_buf *out, double n, const char *one, const char *many)
{
    grouped(out, n);
    mw_buf_printf(out, " %s", n == 1 ? one : many);
}

static void say_span(mw_buf *out, int64_t ms)
{
    char text[40];
    mw_buf_text(out, mw_duration_format(ms, text));
}

/* -- selectors ------------------------------------------------------------------------------ */

static void places(const struct explain *x, const struct trace_row *row, mw_buf *out)
{
    mw_places p = {0};
    if (!row->opened || !x->source->places) return;
    x->source->places(x->source, row->min_t, row->max_t, &p);
    mw_buf_text(out, ", read from ");
    if (p.blocks) say_count(out, (double)p.blocks, "block", "blocks");
    if (p.memory) mw_buf_text(out, p.blocks ? " and memory" : "memory");
    if (!p.blocks && !p.memory) mw_buf_text(out, "nowhere: there is nothing of that time");
}

static void say_selector(const struct explain *x, const struct node *n, mw_buf *out)
{
    const struct trace_row *row = &x->trace->row[n->id];
    mw_buf_text(out, n->sel.ranged ? "range selector, " : "selector, ");
    say_count(out, (double)n->sel.n_matchers, "matcher", "matchers");
    if (n->sel.ranged) {
        mw_buf_text(out, ", over ");
        say_span(out, n->sel.when.range_ms);
    }
    if (!x->analyzed) return;
    mw_buf_text(out, ": ");
    say_count(out, (double)row->series, "series", "series");
    mw_buf_text(out, ", ");
    say_count(out, (double)row->samples, "sample", "samples");
    places(x, row, out);
}

size_t mw_pq_inner_steps(const struct explain *x, const struct node *n, size_t steps)
{
    if (n->kind != N_SUBQUERY) return steps;
    const struct when *w = &n->sel.when;
    int64_t span = w->range_ms, step = x->query->range ? x->query->step : 0;
    if (!w->at) span += (int64_t)(steps - 1) * step;
    return (size_t)(span / w->step_ms) + 1;
}

static void say_subquery(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    mw_buf_text(out, "subquery over ");
    say_span(out, n->sel.when.range_ms);
    mw_buf_text(out, ": its expression at ");
    say_count(out, (double)mw_pq_inner_steps(x, n, steps), "step", "steps");
    mw_buf_text(out, " of ");
    say_span(out, n->sel.when.step_ms);
}

/* -- functions, aggregations, operators ----------------------------------------------------- */

static size_t rows_of(const struct explain *x, const struct node *n)
{
    return x->trace->row[n->id].rows;
}

/* ": 1,204 -> 12 rows" */
static void say_rows(const struct explain *x, const struct node *n, const struct node *in,
                     mw_buf *out)
{
    if (!x->analyzed || n->type != MW_VALUE_VECTOR) return;
    mw_buf_text(out, ": ");
    if (in && in->kind > N_STRING) {
        grouped(out, (double)rows_of(x, in));
        mw_buf_text(out, " \u2192 ");
    }
    say_count(out, (double)rows_of(x, n), "row", "rows");
}

static const struct node *first_rows(const struct node *n)
{
    for (size_t i = 0; i < n->call.n_args; i++)
        if (n->call.args[i]->type != MW_VALUE_SCALAR && n->call.args[i]->kind > N_STRING)
            return n->call.args[i];
    return NULL;
}

static void say_call(const struct explain *x, const struct node *n, mw_buf *out)
{
    const struct function *fn = n->call.fn;
    const struct node *in = first_rows(n);
    mw_buf_text(out, fn->name);
    if (fn->eval == mw_pq_call_window && in) {
        mw_buf_text(out, " over ");
        say_span(out, in->sel.when.range_ms);
        mw_buf_text(out, ", a window that slides");
    } else if (fn->math)
        mw_buf_text(out, " of each value");
    say_rows(x, n, in, out);
}

static void say_operator(const struct explain *x, const struct node *n, mw_buf *out)
{
    const struct matching *m = &n->bin.match;
    const struct node *l = n->bin.lhs, *r = n->bin.rhs;
    mw_pq_print_head(out, n);
    if (l->type != MW_VALUE_VECTOR && r->type != MW_VALUE_VECTOR) {
        mw_buf_text(out, ", two numbers");
        return;
    }
    if (l->type != r->type) {
        mw_buf_text(out, ", a number with each row");
        say_rows(x, n, l->type == MW_VALUE_VECTOR ? l : r, out);
        return;
    }
    mw_buf_text(out, PQ_IS_SET(n->bin.op)              ? ", two sets"
                     : m->group_left || m->group_right ? ", many rows with one"
                                                       : ", rows one to one");
    if (!x->analyzed) return;
    mw_buf_text(out, ": ");
    grouped(out, (double)rows_of(x, l));
    mw_buf_text(out, " and ");
    grouped(out, (double)rows_of(x, r));
    mw_buf_text(out, " \u2192 ");
    say_count(out, (double)rows_of(x, n), "row", "rows");
}

void mw_pq_say_what(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    switch (n->kind) {
    case N_NUMBER: mw_buf_text(out, "a number"); break;
    case N_STRING: mw_buf_text(out, "a text"); break;
    case N_SELECTOR: say_selector(x, n, out); break;
    case N_SUBQUERY: say_subquery(x, n, steps, out); break;
    case N_CALL: say_call(x, n, out); break;
    case N_AGGREGATE:
        mw_pq_print_head(out, n);
        if (out->p[out->n - 1] == ' ') out->p[--out->n] = 0;
        say_rows(x, n, n->agg.arg, out);
        break;
    case N_BINARY: say_operator(x, n, out); break;
    case N_UNARY:
        mw_buf_text(out, n->unary.plus ? "nothing" : "the sign of each value turned");
        break;
    }
    if (n->fixed && x->steps > 1 && n->kind > N_STRING)
        mw_buf_text(out, "; computed once: does not depend on time");
    if (x->analyzed && x->trace->row[n->id].recalled)
        mw_buf_text(out, "; known: the same stands before it");
    if (x->analyzed && x->trace->row[n->id].threads > 1)
        mw_buf_printf(out, "; by %u threads", x->trace->row[n->id].threads);
}

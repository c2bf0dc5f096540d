/* trace.c - clocks and counters around the evaluation of nodes.
 *
 * What is counted as a whole, samples, series and bytes, is looked at before and after.  Where rows
 * are handed on while they are made, the time in the hands of others is taken off again.
 * SPDX-License-Identifier: MIT */
#include "promql/trace.h"

#include <string.h>

#include "base/clock.h"

/* -- nodes ---------------------------------------------------------------------------------- */

static bool is_leaf(const struct node *n) { return n->kind == N_NUMBER || n->kind == N_STRING; }

size_t mw_pq_children(const struct node *n, const struct node **out, size_t most)
{
    const struct node *some[2] = {NULL, NULL}, *const *all = some;
    size_t n_all = 2, found = 0;
    switch (n->kind) {
    case N_SUBQUERY: some[0] = n->sel.sub; break;
    case N_CALL:
        all = (const struct node *const *)n->call.args;
        n_all = n->call.n_args;
        break;
    case N_AGGREGATE: some[0] = n->agg.param, some[1] = n->agg.arg; break;
    case N_BINARY: some[0] = n->bin.lhs, some[1] = n->bin.rhs; break;
    case N_UNARY: some[0] = n->unary.inner; break;
    default: break;
    }
    for (size_t i = 0; i < n_all; i++)
        if (all[i] && !is_leaf(all[i]) && found < most) out[found++] = all[i];
    return found;
}

static void number(struct node *n, size_t *next)
{
    const struct node *child[PQ_ARGS_MAX];
    n->id = (unsigned)(*next)++;
    size_t n_child = mw_pq_children(n, child, PQ_ARGS_MAX);
    for (size_t i = 0; i < n_child; i++) number((struct node *)child[i], next);
}

size_t mw_pq_number_nodes(struct node *root)
{
    size_t n = 0;
    number(root, &n);
    return n;
}

bool mw_pq_trace_start(struct run *r)
{
    struct trace *t = r->trace;
    t->row = mw_pq_alloc(r, t->n + 1, sizeof *t->row);
    memset(t->row, 0, t->n * sizeof *t->row);
    return !t->plan_only;
}

void mw_pq_trace_open(struct run *r, const struct node *sel, int64_t min_t, int64_t max_t)
{
    struct trace_row *row = &r->trace->row[sel->id];
    if (!row->opened || min_t < row->min_t) row->min_t = min_t;
    if (!row->opened || max_t > row->max_t) row->max_t = max_t;
    row->opened = true;
}

/* -- before and after ----------------------------------------------------------------------- */

struct look {
    int64_t ns;
    size_t samples, series, bytes;
};

/* The budget counts one for each series, too. */
static struct look look(const struct run *r)
{
    size_t series = r->trace->series;
    return (struct look){mw_mono_ns(), r->samples - series, series, mw_arena_used(r->arena)};
}

static struct trace_row *add(struct ev *e, const struct node *n, const struct look *before)
{
    struct look now = look(e->run);
    struct trace_row *row = &e->run->trace->row[n->id];
    row->calls++;
    row->steps += e->n;
    row->ns += now.ns - before->ns;
    row->samples += now.samples - before->samples;
    row->series += now.series - before->series;
    row->bytes += now.bytes - before->bytes;
    return row;
}

struct value mw_pq_traced_eval(struct ev *e, const struct node *n)
{
    if (is_leaf(n) || n->kind == N_SELECTOR) return mw_pq_eval_plain(e, n);
    struct look before = look(e->run);
    struct value v = mw_pq_eval_plain(e, n);
    add(e, n, &before)->rows += v.type == MW_VALUE_VECTOR ? v.vec.n : 1;
    return v;
}

struct vec mw_pq_traced_select(struct ev *e, const struct node *n, bool timestamps)
{
    struct look before = look(e->run);
    struct vec v = mw_pq_select_plain(e, n, timestamps);
    add(e, n, &before)->rows += v.n;
    return v;
}

/* -- what is handed on ---------------------------------------------------------------------- */

struct passing {
    pq_samples_fn *fn;
    void *arg;
    size_t n, bytes;
    int64_t ns; /* in the hands of others */
};

static void pass(struct ev *e, const struct samples *s, void *arg)
{
    struct passing *p = arg;
    size_t used = mw_arena_used(e->run->arena);
    int64_t before = mw_mono_ns();
    p->fn(e, s, p->arg);
    p->ns += mw_mono_ns() - before;
    p->bytes += mw_arena_used(e->run->arena) - used;
    p->n++;
}

void mw_pq_traced_range(struct ev *e, const struct node *n, pq_samples_fn *fn, void *arg)
{
    struct look before = look(e->run);
    struct passing p = {.fn = fn, .arg = arg};
    mw_pq_each_range_plain(e, n, pass, &p);
    struct trace_row *row = add(e, n, &before);
    row->rows += p.n;
    row->ns -= p.ns;
    row->bytes -= p.bytes;
    row->streamed = true;
}

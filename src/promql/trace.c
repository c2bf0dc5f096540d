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

static struct trace_row *new_rows(struct run *r, size_t n)
{
    struct trace_row *row = mw_pq_alloc(r, n + 1, sizeof *row);
    return memset(row, 0, n * sizeof *row);
}

bool mw_pq_trace_start(struct run *r)
{
    r->trace->row = new_rows(r, r->trace->n);
    return !r->trace->plan_only;
}

void mw_pq_trace_open(struct run *r, const struct node *sel, const mw_select *looked_at)
{
    struct trace_row *row = &r->trace->row[sel->id];
    if (!row->opened || looked_at->min_t < row->min_t) row->min_t = looked_at->min_t;
    if (!row->opened || looked_at->max_t > row->max_t) row->max_t = looked_at->max_t;
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
    const struct trace *t = r->trace;
    size_t bytes = mw_arena_used(r->arena) + t->piece_bytes;
    return (struct look){mw_mono_ns(), r->samples - t->series, t->series, bytes};
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

/* Rows are kept for steps of which none has a value; nobody sees those. */
static bool is_seen(const struct series *s, size_t steps)
{
    for (size_t i = 0; i < steps; i++)
        if (!mw_pq_absent(s->v[i]) || (s->h && s->h[i])) return true;
    return false;
}

static size_t rows_seen(const struct value *v, size_t steps)
{
    size_t n = 0;
    if (v->type != MW_VALUE_VECTOR) return 1;
    for (size_t i = 0; i < v->vec.n; i++) n += is_seen(&v->vec.s[i], steps);
    return n;
}

struct value mw_pq_traced_eval(struct ev *e, const struct node *n)
{
    struct trace *t = e->run->trace;
    if (is_leaf(n)) return mw_pq_eval_plain(e, n);
    struct look before = look(e->run);
    bool known = mw_pq_known(e, n);
    if (n->kind == N_SELECTOR) t->within = n;
    struct value v = mw_pq_eval_plain(e, n);
    t->within = NULL;
    struct trace_row *row = add(e, n, &before);
    row->rows += rows_seen(&v, e->n);
    row->recalled |= known;
    return v;
}

/* -- what is handed on ---------------------------------------------------------------------- */

struct passing {
    pq_row_fn *row_fn;
    pq_samples_fn *samples_fn;
    void *arg;
    size_t n, bytes;
    int64_t ns; /* in the hands of others */
};

static void passed(struct ev *e, struct passing *p, const struct look *before)
{
    struct look now = look(e->run);
    p->ns += now.ns - before->ns;
    p->bytes += now.bytes - before->bytes;
}

static void pass_row(struct ev *e, struct series *s, void *arg)
{
    struct passing *p = arg;
    p->n += is_seen(s, e->n);
    struct look before = look(e->run);
    p->row_fn(e, s, p->arg);
    passed(e, p, &before);
}

static void pass_samples(struct ev *e, const struct samples *s, void *arg)
{
    struct passing *p = arg;
    p->n++;
    struct look before = look(e->run);
    p->samples_fn(e, s, p->arg);
    passed(e, p, &before);
}

static struct trace_row *add_passing(struct ev *e, const struct node *n, const struct look *before,
                                     const struct passing *p)
{
    struct trace_row *row = add(e, n, before);
    row->rows += p->n;
    row->ns -= p->ns;
    row->bytes -= p->bytes;
    return row;
}

void mw_pq_traced_rows(struct ev *e, const struct node *n, const struct want *want, pq_row_fn *fn,
                       void *arg)
{
    if (n->kind == N_SELECTOR) {
        mw_pq_each_row_plain(e, n, want, fn, arg);
        return;
    }
    struct passing p = {.row_fn = fn, .arg = arg};
    struct look before = look(e->run);
    mw_pq_each_row_plain(e, n, want, pass_row, &p);
    add_passing(e, n, &before, &p)->streamed = true;
}

void mw_pq_traced_select(struct ev *e, const struct node *n, const struct want *want,
                         bool timestamps, pq_row_fn *fn, void *arg)
{
    if (e->run->trace->within == n) {
        mw_pq_select_rows_plain(e, n, want, timestamps, fn, arg);
        return;
    }
    struct passing p = {.row_fn = fn, .arg = arg};
    struct look before = look(e->run);
    mw_pq_select_rows_plain(e, n, want, timestamps, pass_row, &p);
    add_passing(e, n, &before, &p)->streamed = true;
}

void mw_pq_traced_range(struct ev *e, const struct node *n, const struct want *want,
                        pq_samples_fn *fn, void *arg)
{
    struct passing p = {.samples_fn = fn, .arg = arg};
    struct look before = look(e->run);
    mw_pq_each_range_plain(e, n, want, pass_samples, &p);
    add_passing(e, n, &before, &p);
}

/* -- pieces --------------------------------------------------------------------------------- */

struct trace *mw_pq_trace_piece(struct run *r)
{
    if (!r->trace) return NULL;
    struct trace *t = mw_pq_alloc(r, 1, sizeof *t);
    *t = (struct trace){.n = r->trace->n, .row = new_rows(r, r->trace->n)};
    return t;
}

static void join_row(struct trace_row *to, const struct trace_row *from, unsigned n)
{
    if (!from->calls) return;
    if (from->calls > to->calls) to->calls = from->calls;
    to->steps += from->steps / n;
    to->rows += from->rows;
    to->series += from->series;
    to->samples += from->samples;
    to->bytes += from->bytes;
    to->ns += from->ns / n;
    to->streamed |= from->streamed;
    to->threads = n;
}

void mw_pq_trace_join(struct run *r, const struct run *piece, unsigned n)
{
    struct trace *t = r->trace;
    for (size_t i = 0; i < t->n; i++) join_row(&t->row[i], &piece->trace->row[i], n);
    t->series += piece->trace->series;
    t->piece_bytes += mw_arena_used(piece->arena);
}

/* A node that streams has one operand with rows, or the source itself. */
static const struct node *towards_source(const struct node *n, const struct node *source)
{
    const struct node *child[PQ_ARGS_MAX];
    size_t count = mw_pq_children(n, child, PQ_ARGS_MAX);
    for (size_t i = 0; i < count; i++)
        if (child[i]->type == MW_VALUE_VECTOR) return child[i];
    return source;
}

void mw_pq_trace_opened_for(struct run *r, const struct node *n, int64_t ns)
{
    const struct node *source = mw_pq_stream_source(n);
    for (;; n = towards_source(n, source)) {
        r->trace->row[n->id].ns += ns;
        if (n == source) return;
    }
}

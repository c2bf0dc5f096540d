/* explain.c - a query, its plan and what it took, as JSON.
 *
 * The query is evaluated as always, with a trace; what is told of a node comes from its row there
 * and from the node itself (plan.c, hints.c).
 * SPDX-License-Identifier: MIT */
#include "promql/explain.h"

#include <string.h>

#include "base/clock.h"
#include "promql/functions.h"
#include "promql/print.h"
#include "promql/result.h"

enum { NODES_MAX = 2000, TEXT_SHOWN = 300 };

/* -- small values --------------------------------------------------------------------------- */

static void number(mw_buf *out, const char *member, double v)
{
    mw_buf_printf(out, ",\"%s\":", member);
    mw_buf_double(out, v);
}

static void flag(mw_buf *out, const char *member, bool yes)
{
    mw_buf_printf(out, ",\"%s\":%s", member, yes ? "true" : "false");
}

/* N in one line, and no more of it than is read at a glance. */
static void text(mw_buf *out, const struct node *n)
{
    mw_buf line = {0};
    mw_pq_print(&line, n);
    if (line.n > TEXT_SHOWN) {
        line.n = TEXT_SHOWN;
        while (line.n && (line.p[line.n] & 0xc0) == 0x80) line.n--;
        mw_buf_text(&line, "...");
    }
    mw_buf_json(out, (mw_str){line.p, line.n});
    mw_buf_deinit(&line);
}

static const char *kind_text(const struct node *n)
{
    static const char *const texts[] = {
        [N_NUMBER] = "number",     [N_STRING] = "string",       [N_SELECTOR] = "selector",
        [N_SUBQUERY] = "subquery", [N_CALL] = "call",           [N_AGGREGATE] = "aggregation",
        [N_BINARY] = "operator",   [N_UNARY] = "unary operator"};
    return texts[n->kind];
}

/* -- nodes ---------------------------------------------------------------------------------- */

static int64_t children_ns(const struct explain *x, const struct node *n)
{
    const struct node *child[PQ_ARGS_MAX];
    size_t count = mw_pq_children(n, child, PQ_ARGS_MAX);
    int64_t ns = 0;
    for (size_t i = 0; i < count; i++) ns += x->trace->row[child[i]->id].ns;
    return ns;
}

static void where(const struct explain *x, const struct trace_row *row)
{
    mw_places p = {0};
    if (!row->opened || !x->source->places) return;
    x->source->places(x->source, row->min_t, row->max_t, &p);
    number(x->out, "blocks", (double)p.blocks);
    flag(x->out, "memory", p.memory);
}

static void measured(const struct explain *x, const struct node *n)
{
    const struct trace_row *row = &x->trace->row[n->id];
    int64_t self = row->ns - children_ns(x, n);
    if (self < 0) self = 0;
    number(x->out, "calls", (double)row->calls);
    number(x->out, "steps", (double)row->steps);
    number(x->out, "seconds", (double)row->ns / 1e9);
    number(x->out, "selfSeconds", (double)self / 1e9);
    mw_buf_printf(x->out, ",\"share\":%.4g", x->ns > 0 ? (double)self / (double)x->ns : 0.0);
    number(x->out, "rows", (double)row->rows);
    number(x->out, "series", (double)row->series);
    number(x->out, "samples", (double)row->samples);
    number(x->out, "bytes", (double)row->bytes);
    number(x->out, "threads", row->threads > 1 ? row->threads : 1);
    flag(x->out, "streamed", row->streamed);
    flag(x->out, "recalled", row->recalled);
    if (n->kind == N_SELECTOR) where(x, row);
}

static void node(const struct explain *x, const struct node *n, size_t steps)
{
    const struct node *child[PQ_ARGS_MAX];
    mw_buf what = {0};
    if (n->fixed && n->kind > N_STRING) steps = 1;
    mw_pq_say_what(x, n, steps, &what);
    mw_buf_text(x->out, "{\"text\":");
    text(x->out, n);
    mw_buf_printf(x->out, ",\"kind\":\"%s\",\"does\":", kind_text(n));
    mw_buf_json(x->out, (mw_str){what.p, what.n});
    mw_buf_deinit(&what);
    flag(x->out, "once", n->fixed && x->steps > 1);
    if (x->analyzed) measured(x, n);
    mw_buf_text(x->out, ",\"hints\":[");
    mw_pq_say_hints(x, n, steps, x->out);
    mw_buf_text(x->out, "],\"children\":[");
    size_t count = mw_pq_children(n, child, PQ_ARGS_MAX), inner = mw_pq_inner_steps(x, n, steps);
    for (size_t i = 0; i < count; i++) {
        if (i) mw_buf_byte(x->out, ',');
        node(x, child[i], inner);
    }
    mw_buf_text(x->out, "]}");
}

/* -- the whole ------------------------------------------------------------------------------ */

static void totals(const struct explain *x, const mw_promql_result *res)
{
    unsigned threads = 1;
    for (size_t i = 0; i < x->trace->n; i++)
        if (x->trace->row[i].threads > threads) threads = x->trace->row[i].threads;
    mw_buf_printf(x->out, ",\"totals\":{\"rows\":%zu", res->n);
    number(x->out, "seconds", (double)x->ns / 1e9);
    number(x->out, "series", (double)x->trace->series);
    number(x->out, "samples", (double)(res->samples_read - x->trace->series));
    number(x->out, "peakBytes",
           (double)(mw_arena_used(mw_pq_result_arena((mw_promql_result *)res)) +
                    x->trace->piece_bytes));
    number(x->out, "threads", threads);
    mw_buf_byte(x->out, '}');
}

static void write_out(const struct explain *x, const mw_promql_result *res)
{
    const mw_promql_query *q = x->query;
    mw_buf_text(x->out, "{\"query\":");
    text(x->out, x->root);
    flag(x->out, "analyzed", x->analyzed);
    mw_buf_printf(x->out, ",\"type\":\"%s\"", mw_value_type_name(x->root->type));
    number(x->out, "start", (double)q->start / 1000);
    number(x->out, "end", (double)(q->range ? q->end : q->start) / 1000);
    number(x->out, "step", q->range ? (double)q->step / 1000 : 0);
    number(x->out, "steps", (double)x->steps);
    if (x->analyzed) totals(x, res);
    mw_buf_text(x->out, ",\"hints\":[");
    mw_pq_say_query_hints(x, x->out);
    mw_buf_text(x->out, "],\"plan\":");
    node(x, x->root, x->steps);
    mw_buf_byte(x->out, '}');
}

static int explain(const mw_promql *q, struct explain *x, struct ast *a, mw_err *err)
{
    struct trace t = {.n = mw_pq_number_nodes(a->root), .plan_only = !x->analyzed};
    mw_promql_result *res = NULL;
    if (t.n > NODES_MAX)
        return mw_fail(err, MW_ELIMIT, 0, 0,
                       "an expression of %zu parts; those of up to %d are explained", t.n,
                       NODES_MAX);
    int64_t began = mw_mono_ns();
    int rc = mw_pq_run(q, x->source, x->query, a, &t, &res, err);
    x->ns = mw_mono_ns() - began;
    if (rc) return rc;
    x->root = a->root;
    x->trace = &t;
    write_out(x, res);
    x->trace = NULL;
    mw_promql_result_free(res);
    return MW_OK;
}

int mw_promql_explain(const mw_promql *q, mw_source *src, const mw_promql_query *query,
                      bool analyze, mw_buf *out, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    struct explain x = {.query = query,
                        .opt = mw_pq_options(q),
                        .source = src,
                        .steps = 1,
                        .analyzed = analyze,
                        .out = out};
    if (query->range && query->step > 0 && query->end > query->start)
        x.steps = (size_t)((query->end - query->start) / query->step) + 1;
    struct ast *a = mw_pq_parse(query->expr, err);
    int rc = a ? explain(q, &x, a, err) : err->code;
    mw_pq_free(a);
    return rc;
}

/* pretty.c - a tree over several lines: what is longer than 100 bytes is broken at its operands.
 *
 * Where lines break and how far they are indented is what Prometheus' format_query does, its
 * quirks included: a subquery that fits is not indented, an operator stands on a line of its own
 * between operands that are indented once more.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/print.h"

enum { WIDTH = 100 };

struct pretty {
    mw_buf *out, line; /* LINE: a node in one line, to be measured */
    size_t most;
};

static bool room(const struct pretty *p) { return p->out->n <= p->most; }

static void indent(struct pretty *p, int level)
{
    for (int i = 0; i < level && room(p); i++) mw_buf_text(p->out, "  ");
}

/* N with PARENS pairs around it in one line, into p->line; true when that is short enough. */
static bool fits(struct pretty *p, const struct node *n, unsigned parens)
{
    mw_buf_reset(&p->line);
    for (unsigned i = 0; i < parens; i++) mw_buf_byte(&p->line, '(');
    mw_pq_print_bare(&p->line, n);
    for (unsigned i = 0; i < parens; i++) mw_buf_byte(&p->line, ')');
    return p->line.n <= WIDTH;
}

static void put_line(struct pretty *p, int level)
{
    indent(p, level);
    mw_buf_add(p->out, p->line.p, p->line.n);
}

static void put(struct pretty *p, const struct node *n, unsigned parens, int level);

static void put_whole(struct pretty *p, const struct node *n, int level)
{
    put(p, n, n->parens, level);
}

static void break_operands(struct pretty *p, const struct node *n, int level)
{
    indent(p, level);
    mw_pq_print_head(p->out, n);
    mw_buf_text(p->out, "(\n");
    if (n->kind == N_AGGREGATE) {
        if (n->agg.param) put_whole(p, n->agg.param, level + 1), mw_buf_text(p->out, ",\n");
        put_whole(p, n->agg.arg, level + 1);
    }
    for (size_t i = 0; n->kind == N_CALL && i < n->call.n_args && room(p); i++) {
        if (i) mw_buf_text(p->out, ",\n");
        put_whole(p, n->call.args[i], level + 1);
    }
    mw_buf_byte(p->out, '\n');
    indent(p, level);
    mw_buf_byte(p->out, ')');
}

static void break_binary(struct pretty *p, const struct node *n, int level)
{
    if (mw_pq_infinite_base(n))
        indent(p, level + 1), mw_buf_text(p->out, "Inf");
    else
        put_whole(p, n->bin.lhs, level + 1);
    mw_buf_byte(p->out, '\n');
    indent(p, level);
    mw_pq_print_head(p->out, n);
    mw_buf_byte(p->out, '\n');
    put_whole(p, n->bin.rhs, level + 1);
}

/* The sign takes the place in front of what its operand begins with, behind the indentation. */
static void put_unary(struct pretty *p, const struct node *n, int level)
{
    size_t begin = p->out->n, blank = 0;
    put_whole(p, n->unary.inner, level);
    if (!room(p)) return;
    while (begin + blank < p->out->n && p->out->p[begin + blank] == ' ') blank++;
    mw_buf inner = {0};
    mw_buf_add(&inner, p->out->p + begin + blank, p->out->n - begin - blank);
    p->out->n = begin;
    indent(p, level);
    mw_pq_print_head(p->out, n);
    mw_buf_add(p->out, inner.p, inner.n);
    mw_buf_deinit(&inner);
}

static void put_bare(struct pretty *p, const struct node *n, int level)
{
    if (n->kind == N_UNARY)
        put_unary(p, n, level);
    else if (n->kind == N_SUBQUERY && fits(p, n, 0))
        put_line(p, 0);
    else if (n->kind == N_SUBQUERY) {
        put_whole(p, n->sel.sub, level);
        mw_pq_print_when(p->out, n);
    } else if (fits(p, n, 0) || n->kind < N_SUBQUERY)
        put_line(p, level);
    else if (n->kind == N_BINARY)
        break_binary(p, n, level);
    else
        break_operands(p, n, level);
}

static void put(struct pretty *p, const struct node *n, unsigned parens, int level)
{
    if (!room(p)) return;
    if (!parens) {
        put_bare(p, n, level);
        return;
    }
    if (fits(p, n, parens)) {
        put_line(p, level);
        return;
    }
    indent(p, level);
    mw_buf_text(p->out, "(\n");
    put(p, n, parens - 1, level + 1);
    mw_buf_byte(p->out, '\n');
    indent(p, level);
    mw_buf_byte(p->out, ')');
}

bool mw_pq_pretty(mw_buf *b, const struct node *n, size_t most)
{
    struct pretty p = {.out = b, .most = b->n + most};
    put_whole(&p, n, 0);
    mw_buf_deinit(&p.line);
    return b->n <= p.most;
}

enum { FORMAT_MAX = 16 << 20 };

int mw_promql_format(mw_str expr, bool pretty, mw_buf *out, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    struct ast *a = mw_pq_parse(expr, err);
    if (!a) return err->code;
    int rc = MW_OK;
    if (!pretty)
        mw_pq_print(out, a->root);
    else if (!mw_pq_pretty(out, a->root, FORMAT_MAX))
        rc = mw_fail(err, MW_ELIMIT, 0, 0,
                     "the formatted query is longer than %d MiB: nest it less deeply",
                     FORMAT_MAX >> 20);
    mw_pq_free(a);
    return rc;
}

/* tree_json.c - a tree as JSON: the members that Prometheus' parse_query gives, in its order.
 *
 * A pair of parentheses is a node of its own there, except inside of durations.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "promql/functions.h"
#include "promql/print.h"

static void node(mw_buf *b, const struct node *n, unsigned parens);

/* -- small values --------------------------------------------------------------------------- */

static const char *truth(bool yes) { return yes ? "true" : "false"; }

static void names(mw_buf *b, const char *member, const struct names *list)
{
    mw_buf_printf(b, "\"%s\":[", member);
    for (size_t i = 0; i < list->n; i++) {
        if (i) mw_buf_byte(b, ',');
        mw_buf_json(b, list->p[i]);
    }
    mw_buf_byte(b, ']');
}

static void child(mw_buf *b, const char *member, const struct node *n)
{
    mw_buf_printf(b, "\"%s\":", member);
    if (n)
        node(b, n, n->parens);
    else
        mw_buf_text(b, "null");
}

static void number(mw_buf *b, const struct node *n, double v, bool of_duration)
{
    char text[MW_DOUBLE_MAX];
    mw_double_fixed(v, text);
    mw_buf_byte(b, '{');
    if (of_duration) mw_buf_printf(b, "\"duration\":%s,", truth(n->units));
    mw_buf_printf(b, "\"type\":\"numberLiteral\",\"val\":\"%s\"}", text);
}

/* -- durations ------------------------------------------------------------------------------ */

static void duration(mw_buf *b, const struct node *n, bool in_parens);

static void duration_expr(mw_buf *b, const char *op, const struct node *lhs, const struct node *rhs,
                          bool rhs_bare, bool wrapped)
{
    mw_buf_text(b, "{\"lhs\":");
    duration(b, lhs, lhs && lhs->parens);
    mw_buf_printf(b, ",\"op\":\"%s\",\"rhs\":", op);
    duration(b, rhs, rhs && rhs->parens && !rhs_bare);
    mw_buf_printf(b, ",\"type\":\"durationExpr\",\"wrapped\":%s}", truth(wrapped));
}

/* Parentheses around a number are a plus in front of it that is wrapped; no other plus stays. */
static void duration(mw_buf *b, const struct node *n, bool in_parens)
{
    if (!n)
        mw_buf_text(b, "null");
    else if (n->kind == N_NUMBER && in_parens)
        duration_expr(b, "+", NULL, n, true, true);
    else if (n->kind == N_NUMBER)
        number(b, n, n->number, true);
    else if (n->kind == N_UNARY && n->unary.plus)
        duration(b, n->unary.inner, in_parens || n->unary.inner->parens);
    else if (n->kind == N_UNARY)
        duration_expr(b, "-", NULL, n->unary.inner, false, in_parens);
    else if (n->kind == N_BINARY)
        duration_expr(b, mw_pq_op_text(n->bin.op), n->bin.lhs, n->bin.rhs, false, in_parens);
    else {
        const struct node *const *a = (const struct node *const *)n->call.args;
        bool two = n->call.n_args == 2;
        duration_expr(b, n->call.fn->name, two ? a[0] : NULL, two ? a[1] : NULL, false, in_parens);
    }
}

/* "range":300000,"rangeExpr":null - or the expression, and 0 for its value. */
static void span(mw_buf *b, const char *member, const struct node *n)
{
    double seconds = 0;
    bool literal = !n || mw_pq_is_literal(n, &seconds);
    double ms = fabs(seconds) < 9e15 ? trunc(round(seconds * 1e9) / 1e6) : 0;
    mw_buf_printf(b, "\"%s\":%lld,\"%sExpr\":", member, (long long)ms, member);
    const struct node *call = n && n->kind == N_UNARY && n->unary.plus ? n->unary.inner : NULL;
    if (call && call->kind == N_CALL && !call->parens && !n->parens)
        duration_expr(b, "+", NULL, call, false, false); /* of an offset it does stay */
    else
        duration(b, literal ? NULL : n, n && n->parens);
    mw_buf_byte(b, ',');
}

/* -- selectors ------------------------------------------------------------------------------ */

static void matcher(mw_buf *b, const mw_matcher *m)
{
    if (b->p[b->n - 1] != '[') mw_buf_byte(b, ',');
    mw_buf_text(b, "{\"name\":");
    mw_buf_json(b, m->name);
    mw_buf_printf(b, ",\"type\":\"%s\",\"value\":", mw_match_op_text(m->op));
    mw_buf_json(b, m->value);
    mw_buf_byte(b, '}');
}

/* A name in front of the braces comes last. */
static void matchers(mw_buf *b, const struct node *n)
{
    bool front = n->sel.name.n && !n->sel.quoted;
    mw_buf_text(b, "\"matchers\":[");
    for (size_t i = front; i < n->sel.n_matchers; i++) matcher(b, &n->sel.matchers[i]);
    if (front) matcher(b, &n->sel.matchers[0]);
    mw_buf_text(b, "],");
}

static void at(mw_buf *b, const struct when *w)
{
    static const char *const texts[] = {
        [AT_NONE] = "null", [AT_TIME] = "null", [AT_START] = "\"start\"", [AT_END] = "\"end\""};
    mw_buf_printf(b, "\"startOrEnd\":%s", texts[w->at]);
}

static void timestamp(mw_buf *b, const struct when *w)
{
    if (w->at == AT_TIME)
        mw_buf_printf(b, "\"timestamp\":%lld,", (long long)w->at_ms);
    else
        mw_buf_text(b, "\"timestamp\":null,");
}

static void selector(mw_buf *b, const struct node *n)
{
    mw_buf_printf(b, "{\"anchored\":%s,", truth(n->sel.window == WINDOW_ANCHORED));
    matchers(b, n);
    mw_buf_text(b, "\"name\":");
    mw_buf_json(b, n->sel.quoted ? MW_STR("") : n->sel.name);
    mw_buf_byte(b, ',');
    span(b, "offset", n->sel.when.offset_expr);
    if (n->sel.ranged) span(b, "range", n->sel.when.range_expr);
    mw_buf_printf(b, "\"smoothed\":%s,", truth(n->sel.window == WINDOW_SMOOTHED));
    at(b, &n->sel.when);
    mw_buf_byte(b, ',');
    timestamp(b, &n->sel.when);
    mw_buf_printf(b, "\"type\":\"%sSelector\"}", n->sel.ranged ? "matrix" : "vector");
}

static void subquery(mw_buf *b, const struct node *n)
{
    mw_buf_byte(b, '{');
    child(b, "expr", n->sel.sub);
    mw_buf_byte(b, ',');
    span(b, "offset", n->sel.when.offset_expr);
    span(b, "range", n->sel.when.range_expr);
    at(b, &n->sel.when);
    mw_buf_byte(b, ',');
    span(b, "step", n->sel.when.step_expr);
    timestamp(b, &n->sel.when);
    mw_buf_text(b, "\"type\":\"subquery\"}");
}

/* -- calls, aggregations, operators --------------------------------------------------------- */

static const char *letter_name(char letter)
{
    return letter == 's'   ? "scalar"
           : letter == 'v' ? "vector"
           : letter == 'm' ? "matrix"
                           : "string";
}

/* Arguments that may be repeated are named once. */
static void call(mw_buf *b, const struct node *n)
{
    const struct function *f = n->call.fn;
    size_t named = strlen(f->args);
    if (f->optional > 1) named -= (size_t)f->optional - 1;
    mw_buf_text(b, "{\"args\":[");
    for (size_t i = 0; i < n->call.n_args; i++) {
        if (i) mw_buf_byte(b, ',');
        node(b, n->call.args[i], n->call.args[i]->parens);
    }
    mw_buf_text(b, "],\"func\":{\"argTypes\":[");
    for (size_t i = 0; i < named; i++)
        mw_buf_printf(b, "%s\"%s\"", i ? "," : "", letter_name(f->args[i]));
    mw_buf_printf(b, "],\"name\":\"%s\",\"returnType\":\"%s\",\"variadic\":%d},\"type\":\"call\"}",
                  f->name, letter_name(f->ret), f->optional);
}

static void aggregate(mw_buf *b, const struct node *n)
{
    mw_buf_byte(b, '{');
    child(b, "expr", n->agg.arg);
    mw_buf_byte(b, ',');
    names(b, "grouping", &n->agg.by);
    mw_buf_printf(b, ",\"op\":\"%.*s\",", MW_STR_ARG(mw_pq_keyword_text(n->agg.op)));
    child(b, "param", n->agg.param);
    mw_buf_printf(b, ",\"type\":\"aggregation\",\"without\":%s}", truth(n->agg.without));
}

/* JSON has no infinities. */
static void fill(mw_buf *b, const char *member, bool given, double v)
{
    mw_buf_printf(b, "\"%s\":", member);
    if (given && isfinite(v))
        mw_buf_double(b, v);
    else
        mw_buf_text(b, "null");
}

static void matching(mw_buf *b, const struct node *n)
{
    const struct matching *m = &n->bin.match;
    const char *card = PQ_IS_SET(n->bin.op) ? "many-to-many"
                       : m->group_left      ? "many-to-one"
                       : m->group_right     ? "one-to-many"
                                            : "one-to-one";
    mw_buf_printf(b, "{\"card\":\"%s\",\"fillValues\":{", card);
    fill(b, "lhs", m->fills_left, m->fill_left);
    mw_buf_byte(b, ',');
    fill(b, "rhs", m->fills_right, m->fill_right);
    mw_buf_text(b, "},");
    names(b, "include", &m->include);
    mw_buf_byte(b, ',');
    names(b, "labels", &m->labels);
    mw_buf_printf(b, ",\"on\":%s}", truth(m->on));
}

static void binary(mw_buf *b, const struct node *n)
{
    bool vectors = n->bin.lhs->type == MW_VALUE_VECTOR && n->bin.rhs->type == MW_VALUE_VECTOR;
    mw_buf_printf(b, "{\"bool\":%s,", truth(n->bin.returns_bool));
    child(b, "lhs", n->bin.lhs);
    mw_buf_text(b, ",\"matching\":");
    if (vectors)
        matching(b, n);
    else
        mw_buf_text(b, "null");
    mw_buf_printf(b, ",\"op\":\"%s\",", mw_pq_op_text(n->bin.op));
    child(b, "rhs", n->bin.rhs);
    mw_buf_text(b, ",\"type\":\"binaryExpr\"}");
}

/* -- nodes ---------------------------------------------------------------------------------- */

static void bare(mw_buf *b, const struct node *n)
{
    switch (n->kind) {
    case N_NUMBER: number(b, n, n->number, false); break;
    case N_STRING:
        mw_buf_text(b, "{\"type\":\"stringLiteral\",\"val\":");
        mw_buf_json(b, n->string);
        mw_buf_byte(b, '}');
        break;
    case N_SELECTOR: selector(b, n); break;
    case N_SUBQUERY: subquery(b, n); break;
    case N_CALL: call(b, n); break;
    case N_AGGREGATE: aggregate(b, n); break;
    case N_BINARY: binary(b, n); break;
    case N_UNARY:
        mw_buf_byte(b, '{');
        child(b, "expr", n->unary.inner);
        mw_buf_printf(b, ",\"op\":\"%s\",\"type\":\"unaryExpr\"}", n->unary.plus ? "+" : "-");
        break;
    }
}

static void node(mw_buf *b, const struct node *n, unsigned parens)
{
    for (unsigned i = 0; i < parens; i++) mw_buf_text(b, "{\"expr\":");
    bare(b, n);
    for (unsigned i = 0; i < parens; i++) mw_buf_text(b, ",\"type\":\"parenExpr\"}");
}

int mw_promql_tree_json(mw_str expr, mw_buf *out, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    struct ast *a = mw_pq_parse(expr, err);
    if (!a) return err->code;
    node(out, a->root, a->root->parens);
    mw_pq_free(a);
    return MW_OK;
}

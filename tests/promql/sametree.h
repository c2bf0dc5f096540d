/* sametree.h - do two trees say the same?  Places, the order of matchers, a plus in front of a
 * duration, a second pair of parentheses around one and an offset of nothing do not count.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_PROMQL_SAMETREE_H
#define MW_TESTS_PROMQL_SAMETREE_H
#include <math.h>

#include "promql/print.h"

static bool same_number(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static bool same_duration(const struct node *a, const struct node *b)
{
    double x, y;
    while (a && a->kind == N_UNARY && a->unary.plus) a = a->unary.inner;
    while (b && b->kind == N_UNARY && b->unary.plus) b = b->unary.inner;
    if (!a || !b) return a == b;
    if (mw_pq_is_literal(a, &x) && mw_pq_is_literal(b, &y)) return same_number(x, y);
    if (a->kind != b->kind || !a->parens != !b->parens) return false;
    if (a->kind == N_NUMBER) return same_number(a->number, b->number);
    if (a->kind == N_UNARY) return same_duration(a->unary.inner, b->unary.inner);
    if (a->kind == N_BINARY)
        return a->bin.op == b->bin.op && same_duration(a->bin.lhs, b->bin.lhs) &&
               same_duration(a->bin.rhs, b->bin.rhs);
    if (a->call.fn != b->call.fn || a->call.n_args != b->call.n_args) return false;
    for (size_t i = 0; i < a->call.n_args; i++)
        if (!same_duration(a->call.args[i], b->call.args[i])) return false;
    return true;
}

static const struct node *offset_of(const struct when *w)
{
    double s;
    return w->offset_expr && mw_pq_is_literal(w->offset_expr, &s) && s == 0 ? NULL : w->offset_expr;
}

static bool same_when(const struct when *a, const struct when *b)
{
    return a->at == b->at && (a->at != AT_TIME || a->at_ms == b->at_ms) &&
           same_duration(a->range_expr, b->range_expr) &&
           same_duration(a->step_expr, b->step_expr) && same_duration(offset_of(a), offset_of(b));
}

static size_t count_matcher(const struct node *n, const mw_matcher *m)
{
    size_t count = 0;
    for (size_t i = 0; i < n->sel.n_matchers; i++) {
        const mw_matcher *o = &n->sel.matchers[i];
        count += m->op == o->op && mw_str_eq(m->name, o->name) && mw_str_eq(m->value, o->value);
    }
    return count;
}

static bool same_selector(const struct node *a, const struct node *b)
{
    bool same = a->sel.n_matchers == b->sel.n_matchers && a->sel.ranged == b->sel.ranged &&
                a->sel.window == b->sel.window;
    for (size_t i = 0; same && i < a->sel.n_matchers; i++)
        same = count_matcher(a, &a->sel.matchers[i]) == count_matcher(b, &a->sel.matchers[i]);
    return same && same_when(&a->sel.when, &b->sel.when);
}

static bool same_names(const struct names *a, const struct names *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) same = mw_str_eq(a->p[i], b->p[i]);
    return same;
}

static bool same_matching(const struct node *x, const struct node *y)
{
    const struct matching *a = &x->bin.match, *b = &y->bin.match;
    if (x->bin.lhs->type != MW_VALUE_VECTOR || x->bin.rhs->type != MW_VALUE_VECTOR) return true;
    return a->on == b->on && a->group_left == b->group_left && a->group_right == b->group_right &&
           a->fills_left == b->fills_left && a->fills_right == b->fills_right &&
           same_number(a->fill_left, b->fill_left) && same_number(a->fill_right, b->fill_right) &&
           same_names(&a->labels, &b->labels) && same_names(&a->include, &b->include);
}

static bool same_tree(const struct node *a, const struct node *b)
{
    if (!a || !b) return a == b;
    if (a->kind != b->kind || a->type != b->type || a->parens != b->parens) return false;
    switch (a->kind) {
    case N_NUMBER: return same_number(a->number, b->number) && a->units == b->units;
    case N_STRING: return mw_str_eq(a->string, b->string);
    case N_SELECTOR: return same_selector(a, b);
    case N_SUBQUERY:
        return same_tree(a->sel.sub, b->sel.sub) && same_when(&a->sel.when, &b->sel.when);
    case N_CALL:
        if (a->call.fn != b->call.fn || a->call.n_args != b->call.n_args) return false;
        for (size_t i = 0; i < a->call.n_args; i++)
            if (!same_tree(a->call.args[i], b->call.args[i])) return false;
        return true;
    case N_AGGREGATE:
        return a->agg.op == b->agg.op && a->agg.without == b->agg.without &&
               same_names(&a->agg.by, &b->agg.by) && same_tree(a->agg.param, b->agg.param) &&
               same_tree(a->agg.arg, b->agg.arg);
    case N_BINARY:
        return a->bin.op == b->bin.op && a->bin.returns_bool == b->bin.returns_bool &&
               same_matching(a, b) && same_tree(a->bin.lhs, b->bin.lhs) &&
               same_tree(a->bin.rhs, b->bin.rhs);
    case N_UNARY:
        return a->unary.plus == b->unary.plus && same_tree(a->unary.inner, b->unary.inner);
    }
    return false;
}

/* What EXPR is printed as, in one line and pretty, reads as the tree that EXPR is.  True as well
 * when EXPR does not read at all, or would be too long. */
static bool survives_printing(mw_str expr)
{
    bool same = true;
    struct ast *a = mw_pq_parse(expr, NULL);
    for (int pretty = 0; a && pretty < 2; pretty++) {
        mw_buf text = {0};
        if (mw_promql_format(expr, pretty, &text, NULL) == MW_OK && text.n <= 1 << 20) {
            struct ast *b = mw_pq_parse((mw_str){text.p, text.n}, NULL);
            same = same && b && same_tree(a->root, b->root);
            mw_pq_free(b);
        }
        mw_buf_deinit(&text);
    }
    mw_pq_free(a);
    return same;
}

#endif

/* check.c - does the expression make sense?  Types, arities, and what operators may join.
 *
 * Children first, so that the innermost mistake is the one reported.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promql/functions.h"

struct checker {
    const struct ast *ast;
    mw_err *err;
};

#define WRONG(c, at, ...) mw_pq_fail((c)->err, (c)->ast->src, (at), MW_EPARSE, __VA_ARGS__)

static int check(struct checker *c, struct node *n);

const char *mw_pq_type_text(mw_value_type t)
{
    static const char *const texts[] = {"scalar", "instant vector", "range vector", "string",
                                        "none"};
    return texts[t];
}

const char *mw_pq_op_text(enum binop op)
{
    static const char *const texts[] = {"+",  "-",  "*", "/", "%",  "^",  "</",  ">/", "atan2",
                                        "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"};
    return texts[op];
}

static int want(struct checker *c, const struct node *n, mw_value_type type, const char *where)
{
    if (n->type == type) return MW_OK;
    return WRONG(c, n->pos, "expected type %s in %s, got %s", mw_pq_type_text(type), where,
                 mw_pq_type_text(n->type));
}

/* -- durations ------------------------------------------------------------------------------ */

/* A duration is made of numbers, arithmetic and step(), range(), min_of() and max_of(). */
static int check_duration(struct checker *c, struct node *n)
{
    if (!n) return MW_OK;
    int rc = MW_OK;
    n->type = MW_VALUE_SCALAR;
    switch (n->kind) {
    case N_NUMBER: return MW_OK;
    case N_UNARY: return check_duration(c, n->unary.inner);
    case N_BINARY:
        if (n->bin.op > OP_POW || n->bin.returns_bool || n->bin.match.on || n->bin.match.ignoring)
            break;
        rc = check_duration(c, n->bin.lhs);
        return rc ? rc : check_duration(c, n->bin.rhs);
    case N_CALL:
        n->call.fn = mw_pq_function_find(n->call.name);
        if (!n->call.fn || !(n->call.fn->flags & FN_DURATION)) break;
        if (n->call.n_args != strlen(n->call.fn->args))
            return WRONG(c, n->pos, "expected %zu argument(s) in call to \"%s\", got %zu",
                         strlen(n->call.fn->args), n->call.fn->name, n->call.n_args);
        for (size_t i = 0; i < n->call.n_args && !rc; i++) rc = check_duration(c, n->call.args[i]);
        return rc;
    default: break;
    }
    return WRONG(c, n->pos,
                 "a duration is made of numbers, + - * / %% ^, step(), range(), min_of() and "
                 "max_of()");
}

static int check_when(struct checker *c, struct when *w)
{
    int rc = check_duration(c, w->range_expr);
    if (!rc) rc = check_duration(c, w->step_expr);
    if (!rc) rc = check_duration(c, w->offset_expr);
    const struct node *r = w->range_expr, *s = w->step_expr;
    if (!rc && r && r->kind == N_NUMBER && !(r->number > 0))
        return WRONG(c, r->pos, "duration must be greater than 0");
    if (!rc && s && s->kind == N_NUMBER && !(s->number > 0))
        return WRONG(c, s->pos, "duration must be greater than 0");
    return rc;
}

/* -- selectors ------------------------------------------------------------------------------ */

static int check_selector(struct checker *c, struct node *n)
{
    n->type = n->sel.ranged ? MW_VALUE_MATRIX : MW_VALUE_VECTOR;
    return check_when(c, &n->sel.when);
}

static int check_subquery(struct checker *c, struct node *n)
{
    n->type = MW_VALUE_MATRIX;
    int rc = check(c, n->sel.sub);
    if (rc) return rc;
    if (n->sel.sub->type != MW_VALUE_VECTOR && n->sel.sub->type != MW_VALUE_SCALAR)
        return WRONG(c, n->pos, "subquery is only allowed on instant vector, got %s instead",
                     mw_pq_type_text(n->sel.sub->type));
    return check_when(c, &n->sel.when);
}

/* -- calls ---------------------------------------------------------------------------------- */

static mw_value_type letter_type(char letter)
{
    switch (letter) {
    case 's': return MW_VALUE_SCALAR;
    case 'v': return MW_VALUE_VECTOR;
    case 'm': return MW_VALUE_MATRIX;
    default: return MW_VALUE_STRING;
    }
}

static int check_count(struct checker *c, const struct node *n)
{
    const struct function *f = n->call.fn;
    size_t most = strlen(f->args), least = most, got = n->call.n_args;
    bool repeats = f->optional < 0;
    least -= repeats ? 1 : (size_t)f->optional;
    if (got >= least && (repeats || got <= most)) return MW_OK;
    const char *how =
        got < least ? (repeats || f->optional ? "at least " : "") : (f->optional ? "at most " : "");
    return WRONG(c, n->pos, "expected %s%zu argument(s) in call to \"%s\", got %zu", how,
                 got < least ? least : most, f->name, got);
}

static int check_window_kind(struct checker *c, const struct node *n, const struct node *arg)
{
    if (arg->kind != N_SELECTOR || !arg->sel.ranged || !arg->sel.window) return MW_OK;
    bool anchored = arg->sel.window == WINDOW_ANCHORED;
    if (n->call.fn->flags & (anchored ? FN_ANCHORED : FN_SMOOTHED)) return MW_OK;
    return WRONG(c, arg->pos, "%s modifier can only be used with: %s - not with %s",
                 anchored ? "anchored" : "smoothed",
                 anchored ? "changes, delta, increase, rate, resets" : "delta, increase, rate",
                 n->call.fn->name);
}

static int unknown_function(struct checker *c, const struct node *n)
{
    const char *near = mw_pq_function_nearest(n->call.name);
    return WRONG(c, n->call.name_pos,
                 near ? "unknown function \"%.*s\"; did you mean \"%s\"?"
                      : "unknown function \"%.*s\"",
                 MW_STR_ARG(n->call.name), near);
}

static int check_call(struct checker *c, struct node *n)
{
    const struct function *f = n->call.fn = mw_pq_function_find(n->call.name);
    char where[96];
    if (!f) return unknown_function(c, n);
    n->type = f->ret == 's' ? MW_VALUE_SCALAR : MW_VALUE_VECTOR;
    int rc = check_count(c, n);
    size_t declared = strlen(f->args);
    snprintf(where, sizeof where, "call to function \"%s\"", f->name);
    for (size_t i = 0; i < n->call.n_args && !rc; i++) {
        struct node *arg = n->call.args[i];
        if ((rc = check(c, arg))) return rc;
        rc = want(c, arg, letter_type(f->args[i < declared ? i : declared - 1]), where);
        if (!rc) rc = check_window_kind(c, n, arg);
    }
    if (!rc && !f->eval)
        return mw_pq_fail(c->err, c->ast->src, n->call.name_pos, MW_EMISSING,
                          "function \"%s\" is not implemented yet", f->name);
    return rc;
}

/* -- aggregations --------------------------------------------------------------------------- */

static int check_aggregate(struct checker *c, struct node *n)
{
    n->type = MW_VALUE_VECTOR;
    int rc = check(c, n->agg.arg);
    if (!rc) rc = want(c, n->agg.arg, MW_VALUE_VECTOR, "aggregation expression");
    if (rc || !n->agg.param) return rc;
    rc = check(c, n->agg.param);
    mw_value_type param = n->agg.op == T_KW_COUNT_VALUES ? MW_VALUE_STRING : MW_VALUE_SCALAR;
    return rc ? rc : want(c, n->agg.param, param, "aggregation parameter");
}

/* -- operators ------------------------------------------------------------------------------ */

static int check_matching(struct checker *c, const struct node *n)
{
    const struct matching *m = &n->bin.match;
    bool vectors = n->bin.lhs->type == MW_VALUE_VECTOR && n->bin.rhs->type == MW_VALUE_VECTOR;
    bool grouped = m->group_left || m->group_right;
    if ((m->on || m->ignoring) && !vectors && m->labels.n)
        return WRONG(c, n->bin.op_pos, "vector matching only allowed between instant vectors");
    if (!vectors && (m->fills_left || m->fills_right))
        return WRONG(c, n->bin.op_pos,
                     "filling in missing series only allowed between instant vectors");
    if (PQ_IS_SET(n->bin.op) && grouped)
        return WRONG(c, n->bin.op_pos, "no grouping allowed for \"%s\" operation",
                     mw_pq_op_text(n->bin.op));
    if (PQ_IS_SET(n->bin.op) && (m->fills_left || m->fills_right))
        return WRONG(c, n->bin.op_pos, "filling in missing series not allowed for set operators");
    for (size_t i = 0; m->on && i < m->include.n; i++)
        for (size_t j = 0; j < m->labels.n; j++)
            if (mw_str_eq(m->include.p[i], m->labels.p[j]))
                return WRONG(c, n->bin.op_pos,
                             "label \"%.*s\" must not occur in ON and GROUP clause at once",
                             MW_STR_ARG(m->labels.p[j]));
    return MW_OK;
}

static bool is_operand(const struct node *n)
{
    return n->type == MW_VALUE_SCALAR || n->type == MW_VALUE_VECTOR;
}

static int check_binary(struct checker *c, struct node *n)
{
    enum binop op = n->bin.op;
    struct node *l = n->bin.lhs, *r = n->bin.rhs;
    int rc = check(c, l);
    if (!rc) rc = check(c, r);
    if (rc) return rc;
    bool scalars = l->type == MW_VALUE_SCALAR && r->type == MW_VALUE_SCALAR;
    if (!is_operand(l) || !is_operand(r))
        return WRONG(c, is_operand(l) ? r->pos : l->pos,
                     "binary expression must contain only scalar and instant vector types");
    if (n->bin.returns_bool && !PQ_IS_COMPARE(op))
        return WRONG(c, n->bin.op_pos, "bool modifier can only be used on comparison operators");
    if (PQ_IS_COMPARE(op) && scalars && !n->bin.returns_bool)
        return WRONG(c, n->bin.op_pos, "comparisons between scalars must use BOOL modifier");
    if (PQ_IS_SET(op) && (l->type == MW_VALUE_SCALAR || r->type == MW_VALUE_SCALAR))
        return WRONG(c, n->bin.op_pos,
                     "set operator \"%s\" not allowed in binary scalar expression",
                     mw_pq_op_text(op));
    n->type = scalars ? MW_VALUE_SCALAR : MW_VALUE_VECTOR;
    return check_matching(c, n);
}

static int check_unary(struct checker *c, struct node *n)
{
    int rc = check(c, n->unary.inner);
    n->type = n->unary.inner->type;
    if (rc || is_operand(n)) return rc;
    return WRONG(c, n->pos,
                 "unary expression only allowed on expressions of type scalar or instant vector, "
                 "got %s",
                 mw_pq_type_text(n->type));
}

static int check(struct checker *c, struct node *n)
{
    switch (n->kind) {
    case N_NUMBER: n->type = MW_VALUE_SCALAR; return MW_OK;
    case N_STRING: n->type = MW_VALUE_STRING; return MW_OK;
    case N_SELECTOR: return check_selector(c, n);
    case N_SUBQUERY: return check_subquery(c, n);
    case N_CALL: return check_call(c, n);
    case N_AGGREGATE: return check_aggregate(c, n);
    case N_BINARY: return check_binary(c, n);
    case N_UNARY: return check_unary(c, n);
    }
    return MW_OK;
}

int mw_pq_check_types(struct ast *a, struct node *n, mw_err *err)
{
    struct checker c = {a, err};
    return check(&c, n);
}

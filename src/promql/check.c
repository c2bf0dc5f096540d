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

/* -- selectors ------------------------------------------------------------------------------ */

/* The name in front of the braces is the first of the matchers. */
static int check_selector(struct checker *c, struct node *n)
{
    char name[100], value[100];
    bool constrained = n->sel.any;
    n->type = n->sel.ranged ? MW_VALUE_MATRIX : MW_VALUE_VECTOR;
    for (size_t i = 0; i < n->sel.n_matchers; i++) {
        const mw_matcher *m = &n->sel.matchers[i];
        constrained |= !mw_matcher_matches(m, MW_STR(""));
        if (i && n->sel.name.n && mw_str_is(m->name, MW_METRIC_NAME))
            return WRONG(c, n->pos, "metric name must not be set twice: %s or %s",
                         mw_pq_quote(n->sel.name, 80, name, sizeof name),
                         mw_pq_quote(m->value, 80, value, sizeof value));
    }
    if (constrained) return MW_OK;
    return WRONG(c, n->pos, "vector selector must contain at least one non-empty matcher");
}

static int check_subquery(struct checker *c, struct node *n)
{
    n->type = MW_VALUE_MATRIX;
    int rc = check(c, n->sel.sub);
    if (rc || n->sel.sub->type == MW_VALUE_VECTOR) return rc;
    return WRONG(c, n->pos, "subquery is only allowed on instant vector, got %s instead",
                 mw_value_type_name(n->sel.sub->type));
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

/* The second argument of info() chooses labels, and looks like a selector without a metric. */
static int check_info(struct checker *c, const struct node *n)
{
    struct node *labels = n->call.n_args > 1 ? n->call.args[1] : NULL;
    if (!labels || !(n->call.fn->flags & FN_INFO)) return MW_OK;
    bool selector = labels->kind == N_SELECTOR && !labels->parens;
    if (selector && labels->sel.ranged)
        return WRONG(c, n->pos,
                     "expected type instant vector in call to function \"info\", got "
                     "range vector");
    if (!selector && labels->type != MW_VALUE_VECTOR && check(c, labels) == MW_OK &&
        labels->type != MW_VALUE_VECTOR)
        return WRONG(c, n->pos, "expected type %s in call to function \"info\", got %s",
                     mw_pq_type_text(MW_VALUE_VECTOR), mw_pq_type_text(labels->type));
    if (!selector) return WRONG(c, labels->pos, "expected label selectors only");
    if (labels->sel.name.n)
        return WRONG(c, labels->pos, "expected label selectors only, got vector selector instead");
    labels->sel.any = true;
    return MW_OK;
}

static int check_call(struct checker *c, struct node *n)
{
    const struct function *f = n->call.fn;
    char where[96];
    n->type = f->ret == 's' ? MW_VALUE_SCALAR : MW_VALUE_VECTOR;
    int rc = check_count(c, n);
    size_t declared = strlen(f->args);
    snprintf(where, sizeof where, "call to function \"%s\"", f->name);
    if (!rc) rc = check_info(c, n);
    for (size_t i = 0; i < n->call.n_args && !rc; i++) {
        struct node *arg = n->call.args[i];
        if ((rc = check(c, arg))) return rc;
        rc = want(c, arg, letter_type(f->args[i < declared ? i : declared - 1]), where);
        if (!rc) rc = check_window_kind(c, n, arg);
    }
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

static int check_vectors(struct checker *c, const struct node *n)
{
    const struct matching *m = &n->bin.match;
    bool fills = m->fills_left || m->fills_right;
    const char *op = mw_pq_op_text(n->bin.op);
    if (n->bin.lhs->type != MW_VALUE_VECTOR || n->bin.rhs->type != MW_VALUE_VECTOR) {
        if (m->labels.n)
            return WRONG(c, n->pos, "vector matching only allowed between instant vectors");
        if (fills)
            return WRONG(c, n->pos,
                         "filling in missing series only allowed between instant vectors");
        if (PQ_IS_SET(n->bin.op))
            return WRONG(c, n->pos, "set operator \"%s\" not allowed in binary scalar expression",
                         op);
        return MW_OK;
    }
    if (PQ_IS_SET(n->bin.op) && (m->group_left || m->group_right))
        return WRONG(c, n->pos, "no grouping allowed for \"%s\" operation", op);
    if (PQ_IS_SET(n->bin.op) && fills)
        return WRONG(c, n->pos, "filling in missing series not allowed for set operators");
    return MW_OK;
}

static int check_group_labels(struct checker *c, const struct node *n)
{
    const struct matching *m = &n->bin.match;
    char text[100];
    for (size_t j = 0; m->on && j < m->labels.n; j++)
        for (size_t i = 0; i < m->include.n; i++)
            if (mw_str_eq(m->include.p[i], m->labels.p[j]))
                return WRONG(c, n->bin.op_pos,
                             "label %s must not occur in ON and GROUP clause at once",
                             mw_pq_quote(m->labels.p[j], 80, text, sizeof text));
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
    n->type = scalars ? MW_VALUE_SCALAR : MW_VALUE_VECTOR;
    if (n->bin.returns_bool && !PQ_IS_COMPARE(op))
        return WRONG(c, n->bin.op_pos, "bool modifier can only be used on comparison operators");
    if (PQ_IS_COMPARE(op) && scalars && !n->bin.returns_bool)
        return WRONG(c, n->bin.op_pos, "comparisons between scalars must use BOOL modifier");
    if ((rc = check_group_labels(c, n))) return rc;
    if (!is_operand(l) || !is_operand(r))
        return WRONG(c, is_operand(l) ? r->pos : l->pos,
                     "binary expression must contain only scalar and instant vector types");
    return check_vectors(c, n);
}

static int check_unary(struct checker *c, struct node *n)
{
    int rc = check(c, n->unary.inner);
    n->type = n->unary.inner->type;
    if (rc || is_operand(n)) return rc;
    return WRONG(c, n->pos,
                 "unary expression only allowed on expressions of type scalar or instant vector, "
                 "got \"%s\"",
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

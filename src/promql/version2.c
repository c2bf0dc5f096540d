/* version2.c - a tree as Prometheus 2 would have it: what its language does not know is refused,
 * and the dot of a regular expression is no line break.  SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/mem.h"
#include "promql/functions.h"

struct look {
    struct ast *ast;
    mw_err *err;
};

#define REFUSE(l, n, ...) mw_pq_fail((l)->err, (l)->ast->src, (n)->pos, MW_EPARSE, __VA_ARGS__)

static int visit(struct look *l, struct node *n);

/* -- durations ------------------------------------------------------------------------------ */

/* A duration has units, and is not computed. */
static int check_duration(struct look *l, const struct node *n, bool zero_too)
{
    if (!n) return MW_OK;
    if (n->kind == N_UNARY) n = n->unary.inner;
    if (n->kind != N_NUMBER) return REFUSE(l, n, "unexpected expression, expected duration");
    if (!n->units) return REFUSE(l, n, "missing unit character in duration");
    if (n->number == 0 && !zero_too) return REFUSE(l, n, "duration must be greater than 0");
    return MW_OK;
}

static int check_when(struct look *l, const struct when *w)
{
    int rc = check_duration(l, w->range_expr, false);
    if (!rc) rc = check_duration(l, w->step_expr, false);
    return rc ? rc : check_duration(l, w->offset_expr, false);
}

/* -- selectors ------------------------------------------------------------------------------ */

static int visit_selector(struct look *l, struct node *n)
{
    if (n->sel.window) return REFUSE(l, n, "anchored and smoothed ranges are of Prometheus 3");
    for (size_t i = 0; i < n->sel.n_matchers; i++) {
        mw_matcher *m = &n->sel.matchers[i];
        mw_regex *plain = m->regex ? mw_regex_new_of_lines(m->value, l->err) : NULL;
        if (!m->regex) continue;
        if (!plain) return l->err->code;
        mw_regex_free(m->regex);
        m->regex = plain;
    }
    return check_when(l, &n->sel.when);
}

/* -- the others ----------------------------------------------------------------------------- */

/* These were words of the language only behind an "@". */
static bool is_word_now(mw_str name)
{
    static const char *const names[] = {"start", "end", "step", "range"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (mw_str_is(name, names[i])) return true;
    return false;
}

static int visit_call(struct look *l, struct node *n)
{
    if (is_word_now(n->call.name))
        return REFUSE(l, n, "unknown function with name \"%.*s\"", MW_STR_ARG(n->call.name));
    int rc = MW_OK;
    for (size_t i = 0; i < n->call.n_args && !rc; i++) rc = visit(l, n->call.args[i]);
    return rc;
}

static int visit_binary(struct look *l, struct node *n)
{
    const struct matching *m = &n->bin.match;
    if (m->fills_left || m->fills_right) return REFUSE(l, n, "fill modifiers are of Prometheus 3");
    int rc = visit(l, n->bin.lhs);
    return rc ? rc : visit(l, n->bin.rhs);
}

static int visit(struct look *l, struct node *n)
{
    int rc = MW_OK;
    switch (n->kind) {
    case N_NUMBER: return n->units ? REFUSE(l, n, "unexpected duration") : MW_OK;
    case N_STRING: return MW_OK;
    case N_SELECTOR: return visit_selector(l, n);
    case N_SUBQUERY: rc = visit(l, n->sel.sub); return rc ? rc : check_when(l, &n->sel.when);
    case N_CALL: return visit_call(l, n);
    case N_AGGREGATE:
        if (n->agg.param) rc = visit(l, n->agg.param);
        return rc ? rc : visit(l, n->agg.arg);
    case N_BINARY: return visit_binary(l, n);
    case N_UNARY: return visit(l, n->unary.inner);
    }
    return rc;
}

int mw_pq_as_version_2(struct ast *a, mw_err *err)
{
    struct look l = {a, err};
    int rc = a->version_2 ? MW_OK : visit(&l, a->root);
    a->version_2 |= rc == MW_OK;
    return rc;
}

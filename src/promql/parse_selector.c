/* parse_selector.c - selectors, and what may stand behind them: ranges, subqueries, offset, @,
 * anchored and smoothed.  SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "promql/parser.h"

/* -- matchers ------------------------------------------------------------------------------- */

static const char label_matching[] = "label matching";

struct matcher_list {
    mw_matcher *m;
    size_t n, cap;
};

static bool add_matcher(struct parser *p, struct matcher_list *l, mw_match_op op, mw_str name,
                        mw_str value, size_t pos)
{
    mw_matcher m;
    mw_err e;
    mw_err_init(&e);
    if (mw_matcher_init(&m, op, name, value, &e) != MW_OK) return PQ_NO(p, pos, "%s", e.msg);
    MW_PUSH(l->m, l->n, l->cap, m);
    if (m.regex) p->ast->pattern_bytes += mw_regex_bytes(m.regex);
    if (p->ast->pattern_bytes > PQ_PATTERN_BYTES_MAX)
        return PQ_NO(p, pos, "regular expressions need more than %d MiB of memory",
                     PQ_PATTERN_BYTES_MAX >> 20);
    return true;
}

static bool parse_matcher(struct parser *p, struct matcher_list *l)
{
    static const struct {
        enum tok tok;
        mw_match_op op;
    } ops[] = {
        {T_ASSIGN, MW_MATCH_EQ}, {T_NE, MW_MATCH_NE}, {T_RE, MW_MATCH_RE}, {T_NRE, MW_MATCH_NRE}};
    struct token name = p->t;
    bool quoted = name.type == T_STRING;
    if (!quoted && name.type != T_IDENT) return mw_pq_unexpected(p), false;
    mw_pq_advance(p);
    size_t op = 0;
    while (op < 4 && ops[op].tok != p->t.type) op++;
    if (op == 4 && quoted)
        return add_matcher(p, l, MW_MATCH_EQ, MW_STR(MW_METRIC_NAME), name.str, name.pos);
    if (op == 4)
        return mw_pq_enter(p, label_matching, "label matching operator"), mw_pq_unexpected(p),
               false;
    mw_pq_advance(p);
    mw_pq_enter(p, label_matching, "string");
    if (p->t.type != T_STRING) return mw_pq_unexpected(p), false;
    mw_str label = quoted ? name.str : name.text;
    if (!add_matcher(p, l, ops[op].op, label, p->t.str, name.pos)) return false;
    mw_pq_advance(p);
    return true;
}

static bool parse_matchers(struct parser *p, struct matcher_list *l)
{
    struct context before = p->context;
    mw_pq_advance(p); /* the brace */
    while (p->t.type != T_RBRACE) {
        mw_pq_enter(p, label_matching, "identifier or \"}\"");
        if (!parse_matcher(p, l)) return false;
        mw_pq_enter(p, label_matching, "\",\" or \"}\"");
        if (p->t.type != T_RBRACE && !mw_pq_expect(p, T_COMMA)) return false;
    }
    p->context = before;
    mw_pq_advance(p);
    return true;
}

/* A place for the matchers of N in its tree, which frees them. */
static struct selected *new_selected(struct parser *p, const struct node *n)
{
    struct ast *a = p->ast;
    struct selected *s = mw_arena_zalloc(a->arena, sizeof *s);
    if (!s) return PQ_FAIL(p, n->pos, "the expression is too large");
    *a->last_selected = s;
    a->last_selected = &s->next;
    a->n_selected++;
    return s;
}

/* NAME is the metric in front of the braces, or of length 0. */
struct node *mw_pq_parse_selector(struct parser *p, mw_str name, size_t pos)
{
    struct matcher_list l = {NULL, 0, 0};
    struct node *n = mw_pq_node(p, N_SELECTOR, pos);
    struct selected *s = n ? new_selected(p, n) : NULL;
    if (!s) return NULL;
    n->sel.name = name;
    bool ok = !name.n || add_matcher(p, &l, MW_MATCH_EQ, MW_STR(MW_METRIC_NAME), name, pos);
    if (ok && p->t.type == T_LBRACE) ok = parse_matchers(p, &l);
    if (l.n < l.cap) l.m = mw_rearray(l.m, l.n, sizeof *l.m); /* rules keep their trees */
    n->sel.matchers = s->m = l.m;
    n->sel.n_matchers = s->n = l.n;
    return ok ? mw_pq_over(p, n, NULL) : NULL;
}

/* -- ranges and subqueries ------------------------------------------------------------------ */

static struct when *when_of(struct node *n)
{
    bool has = n->kind == N_SELECTOR || n->kind == N_SUBQUERY;
    return has && !n->parens ? &n->sel.when : NULL;
}

/* An offset of 0 is as good as none. */
static bool has_offset(const struct when *w)
{
    const struct node *o = w->offset_expr;
    return o && !(o->kind == N_NUMBER && !o->parens && o->number == 0);
}

static struct node *ranged(struct parser *p, struct node *n, struct node *range, size_t pos)
{
    if (n->kind != N_SELECTOR || n->parens || n->sel.ranged)
        return PQ_FAIL(p, pos, "ranges only allowed for vector selectors");
    if (has_offset(&n->sel.when))
        return PQ_FAIL(p, pos, "no offset modifiers allowed before range");
    if (n->sel.when.at) return PQ_FAIL(p, pos, "no @ modifiers allowed before range");
    n->sel.ranged = true;
    n->sel.when.range_expr = range;
    return mw_pq_over(p, n, range);
}

static struct node *subquery(struct parser *p, struct node *inner, struct node *range,
                             struct node *step)
{
    struct node *n = mw_pq_node(p, N_SUBQUERY, inner->pos);
    if (!n) return NULL;
    n->sel.sub = inner;
    n->sel.when.range_expr = range;
    n->sel.when.step_expr = step;
    if (!mw_pq_over(p, n, range) || (step && !mw_pq_over(p, n, step))) return NULL;
    return mw_pq_over(p, n, inner);
}

static struct node *parse_window(struct parser *p, struct node *inner)
{
    static const char sub[] = "subquery selector";
    struct node *step = NULL, *range;
    size_t pos = p->t.pos;
    struct context before =
        mw_pq_enter(p, "subquery or range selector", "number, duration, step(), or range()");
    mw_pq_advance(p); /* the bracket */
    if (!(range = mw_pq_parse_duration(p))) return NULL;
    mw_pq_enter(p, "subquery or range", "\":\" or \"]\"");
    bool colon = mw_pq_accept(p, T_COLON);
    if (colon && p->t.type != T_RBRACKET) {
        mw_pq_enter(p, sub, "number, duration, step(), range(), or \"]\"");
        if (!(step = mw_pq_parse_duration(p))) return NULL;
        mw_pq_enter(p, sub, "\"]\"");
    }
    if (!mw_pq_expect(p, T_RBRACKET)) return NULL;
    p->context = before;
    return colon ? subquery(p, inner, range, step) : ranged(p, inner, range, pos);
}

/* -- offset, @, anchored, smoothed ---------------------------------------------------------- */

static const char preceded[] = " modifier must be preceded by an instant vector selector or range "
                               "vector selector or a subquery";

static struct node *parse_offset(struct parser *p, struct node *n)
{
    struct when *w = when_of(n);
    mw_pq_advance(p);
    struct node *e = mw_pq_parse_offset(p);
    if (!e) return NULL;
    if (!w) return PQ_FAIL(p, n->pos, "offset%s", preceded);
    if (has_offset(w)) return PQ_FAIL(p, n->pos, "offset may not be set multiple times");
    w->offset_expr = e;
    return mw_pq_over(p, n, e);
}

static bool parse_at_time(struct parser *p, struct node *n, double *seconds)
{
    bool minus = p->t.type == T_SUB;
    char text[MW_DOUBLE_MAX];
    if (minus || p->t.type == T_ADD) mw_pq_advance(p);
    if (p->t.type != T_NUMBER && p->t.type != T_DURATION) return mw_pq_unexpected(p), false;
    const struct node *v = mw_pq_number_node(p);
    if (!v) return false;
    *seconds = minus ? -v->number : v->number;
    if (fabs(*seconds) < 9.2e15) return true;
    if (isfinite(*seconds))
        snprintf(text, sizeof text, "%f", *seconds);
    else
        mw_double_general(*seconds, text);
    return PQ_NO(p, n->pos, "timestamp out of bounds for @ modifier: %s", text);
}

static struct node *parse_at(struct parser *p, struct node *n)
{
    struct when *w = when_of(n);
    struct context before = mw_pq_enter(p, "@", "timestamp");
    double seconds = 0;
    mw_pq_advance(p);
    enum at_kind kind = p->t.type == T_KW_START ? AT_START
                        : p->t.type == T_KW_END ? AT_END
                                                : AT_TIME;
    if (kind == AT_TIME) {
        if (!parse_at_time(p, n, &seconds)) return NULL;
    } else {
        mw_pq_advance(p);
        if (!mw_pq_expect(p, T_LPAREN) || !mw_pq_expect(p, T_RPAREN)) return NULL;
    }
    p->context = before;
    if (!w) return PQ_FAIL(p, n->pos, "@%s", preceded);
    if (w->at) return PQ_FAIL(p, n->pos, "@ <timestamp> may not be set multiple times");
    w->at = kind;
    w->at_ms = (int64_t)round(seconds * 1000);
    return mw_pq_over(p, n, NULL);
}

static struct node *parse_kind(struct parser *p, struct node *n)
{
    bool anchored = p->t.type == T_KW_ANCHORED;
    const char *name = mw_pq_token_name(p->t.type);
    enum window_kind kind = anchored ? WINDOW_ANCHORED : WINDOW_SMOOTHED;
    mw_pq_advance(p);
    if (n->kind == N_SUBQUERY && !n->parens)
        return PQ_FAIL(p, n->pos, "%s modifier is not supported for subqueries", name);
    if (n->kind != N_SELECTOR || n->parens)
        return PQ_FAIL(p, n->pos, "%s modifier not implemented", name);
    if (n->sel.window && n->sel.window != kind)
        return PQ_FAIL(p, n->pos, "anchored and smoothed modifiers cannot be used together");
    n->sel.window = kind;
    return mw_pq_over(p, n, NULL);
}

struct node *mw_pq_parse_postfix(struct parser *p, struct node *n)
{
    while (n) {
        switch (p->t.type) {
        case T_LBRACKET: n = parse_window(p, n); break;
        case T_KW_OFFSET: n = parse_offset(p, n); break;
        case T_AT: n = parse_at(p, n); break;
        case T_KW_ANCHORED:
        case T_KW_SMOOTHED: n = parse_kind(p, n); break;
        default: return n;
        }
    }
    return n;
}

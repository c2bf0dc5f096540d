/* parse_duration.c - ranges, steps and offsets: numbers, arithmetic, step(), range(), min_of() and
 * max_of().
 *
 * What comes out is an ordinary tree of numbers, signs, operators and calls, so that evaluating it
 * needs nothing new.  An offset takes as little as it can: "x offset 1m * 2" doubles x.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "promql/functions.h"
#include "promql/parser.h"

enum { PREC_SIGN = 2, PREC_POW = 3 };

static struct node *parse_arithmetic(struct parser *p, int min_prec);

static bool in_range(struct parser *p, const struct node *n, size_t pos)
{
    if (n->kind != N_NUMBER || fabs(n->number) <= 9223372036.854775807) return true;
    return PQ_NO(p, pos, "duration out of range");
}

static struct node *parse_call(struct parser *p)
{
    struct token name = p->t;
    bool two = name.type == T_KW_MAX_OF || name.type == T_KW_MIN_OF;
    struct node *n = mw_pq_node(p, N_CALL, name.pos);
    mw_pq_advance(p);
    if (!n || !mw_pq_expect(p, T_LPAREN)) return NULL;
    n->call.name = mw_str_of(mw_pq_token_name(name.type));
    n->call.fn = mw_pq_function_find(n->call.name);
    n->call.name_pos = name.pos;
    n->call.n_args = two ? 2 : 0;
    n->call.args = mw_arena_array(p->ast->arena, 2, sizeof *n->call.args);
    if (!n->call.args) return PQ_FAIL(p, name.pos, "the expression is too large");
    for (size_t i = 0; i < n->call.n_args; i++) {
        if (i && !mw_pq_expect(p, T_COMMA)) return NULL;
        n->call.args[i] = parse_arithmetic(p, 0);
        if (!n->call.args[i] || !mw_pq_over(p, n, n->call.args[i])) return NULL;
    }
    return mw_pq_expect(p, T_RPAREN) ? mw_pq_over(p, n, NULL) : NULL;
}

static struct node *parse_primary(struct parser *p)
{
    enum tok t = p->t.type;
    size_t pos = p->t.pos;
    if (t == T_NUMBER || t == T_DURATION) {
        struct node *n = mw_pq_number_node(p);
        return n && in_range(p, n, pos) ? n : NULL;
    }
    if (t >= T_KW_STEP && t <= T_KW_MIN_OF) return parse_call(p);
    if (t != T_LPAREN) return mw_pq_unexpected(p);
    mw_pq_advance(p);
    struct node *n = parse_arithmetic(p, 0);
    if (!n || !mw_pq_expect(p, T_RPAREN)) return NULL;
    n->parens++;
    n->pos = pos;
    return n;
}

/* INNER behind the sign that stands at POS. */
static struct node *signed_by(struct parser *p, struct node *inner, bool minus, size_t pos)
{
    if (!inner) return NULL;
    if (inner->kind == N_NUMBER && !inner->parens) {
        inner->number = minus ? -inner->number : inner->number;
        inner->pos = inner->own = pos;
        return inner;
    }
    struct node *n = mw_pq_node(p, N_UNARY, pos);
    if (!n) return NULL;
    n->unary.inner = inner;
    n->unary.plus = !minus;
    return mw_pq_over(p, n, inner);
}

static struct node *parse_signed(struct parser *p)
{
    size_t pos = p->t.pos;
    bool minus = p->t.type == T_SUB;
    if (!minus && p->t.type != T_ADD) return parse_primary(p);
    mw_pq_advance(p);
    return signed_by(p, parse_arithmetic(p, PREC_POW), minus, pos);
}

static const struct op_row {
    enum tok tok;
    enum binop op;
    int prec;
} op_rows[] = {
    {T_ADD, OP_ADD, 1},         {T_SUB, OP_SUB, 1},         {T_MUL, OP_MUL, PREC_SIGN},
    {T_DIV, OP_DIV, PREC_SIGN}, {T_MOD, OP_MOD, PREC_SIGN}, {T_POW, OP_POW, PREC_POW},
};

static const struct op_row *find_operator(enum tok t)
{
    for (size_t i = 0; i < sizeof op_rows / sizeof *op_rows; i++)
        if (op_rows[i].tok == t) return &op_rows[i];
    return NULL;
}

static struct node *parse_operator(struct parser *p, struct node *lhs, const struct op_row *o)
{
    struct node *n = mw_pq_node(p, N_BINARY, lhs->pos);
    if (!n) return NULL;
    n->bin.op = o->op;
    n->bin.op_pos = p->t.pos;
    n->bin.lhs = lhs;
    mw_pq_advance(p);
    struct node *rhs = n->bin.rhs = parse_arithmetic(p, o->op == OP_POW ? o->prec : o->prec + 1);
    if (!rhs) return NULL;
    bool zero = rhs->kind == N_NUMBER && !rhs->parens && rhs->number == 0;
    if (zero && (o->op == OP_DIV || o->op == OP_MOD))
        return PQ_FAIL(p, n->bin.op_pos, "%s by zero", o->op == OP_DIV ? "division" : "modulo");
    return mw_pq_over(p, n, lhs) ? mw_pq_over(p, n, rhs) : NULL;
}

/* More operators behind N, as far as they bind at least as tightly as MIN_PREC. */
static struct node *go_on(struct parser *p, struct node *n, int min_prec)
{
    const struct op_row *o;
    while (n && (o = find_operator(p->t.type)) && o->prec >= min_prec) n = parse_operator(p, n, o);
    return n;
}

static struct node *parse_arithmetic(struct parser *p, int min_prec)
{
    if (!mw_pq_deeper(p)) return NULL;
    struct node *n = go_on(p, parse_signed(p), min_prec);
    p->depth--;
    return n;
}

struct node *mw_pq_parse_duration(struct parser *p)
{
    struct node *n = parse_arithmetic(p, 0);
    if (n && n->kind == N_NUMBER && !n->parens && n->number <= 0)
        return PQ_FAIL(p, n->pos, "duration must be greater than 0");
    return n;
}

/* Whether arithmetic goes on behind a parenthesis: (1m) + 2m does, (1m) + up does not. */
static bool goes_on(const struct parser *p)
{
    struct lexer ahead = p->lx;
    if (!find_operator(p->t.type)) return false;
    enum tok t = mw_pq_next(&ahead).type;
    return t == T_NUMBER || t == T_DURATION || t == T_LPAREN || t == T_ADD || t == T_SUB;
}

struct node *mw_pq_parse_offset(struct parser *p)
{
    struct context before = mw_pq_enter(p, "offset", "number, duration, step(), or range()");
    size_t pos = p->t.pos;
    bool minus = p->t.type == T_SUB, sign = minus || p->t.type == T_ADD;
    struct node *n;
    if (sign) {
        mw_pq_advance(p);
        n = signed_by(p, parse_primary(p), minus, pos);
    } else {
        bool open = p->t.type == T_LPAREN;
        n = parse_primary(p);
        if (n && open && goes_on(p)) n = go_on(p, n, 0);
    }
    if (!n) return NULL;
    p->context = before;
    return n;
}

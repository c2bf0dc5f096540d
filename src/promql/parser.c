/* parser.c - tokens to tree, by recursive descent: operators, and expressions as a whole.
 *
 * Binary operators climb by precedence; "^" binds to the right and tighter than a sign, a sign
 * binds as tightly as "*".  Depth is counted twice, while descending and on the finished nodes,
 * because a long chain of operators is deep without any nesting in the text.
 * SPDX-License-Identifier: MIT */
#include "promql/parser.h"

#include "base/mem.h"

/* -- small steps ---------------------------------------------------------------------------- */

void mw_pq_advance(struct parser *p)
{
    p->last_end = p->t.end;
    p->t = mw_pq_next(&p->lx);
}

void *mw_pq_unexpected(struct parser *p)
{
    char text[PQ_TOKEN_TEXT];
    struct context c = p->context;
    if (p->t.type == T_BAD)
        return mw_fail(p->err, p->lx.bad.code, p->lx.bad.line, p->lx.bad.col, "%s", p->lx.bad.msg),
               NULL;
    return PQ_FAIL(p, p->t.pos, "unexpected %s%s%s%s%s", mw_pq_token_text(&p->t, text),
                   c.where ? " in " : "", c.where ? c.where : "", c.wanted ? ", expected " : "",
                   c.wanted ? c.wanted : "");
}

bool mw_pq_expect(struct parser *p, enum tok type)
{
    if (p->t.type != type) return mw_pq_unexpected(p), false;
    mw_pq_advance(p);
    return true;
}

bool mw_pq_accept(struct parser *p, enum tok type)
{
    if (p->t.type != type) return false;
    mw_pq_advance(p);
    return true;
}

struct context mw_pq_enter(struct parser *p, const char *where, const char *wanted)
{
    struct context before = p->context;
    p->context = (struct context){where, wanted};
    return before;
}

struct node *mw_pq_node(struct parser *p, enum node_kind kind, size_t pos)
{
    struct node *n = mw_arena_zalloc(p->ast->arena, sizeof *n);
    if (!n) return PQ_FAIL(p, pos, "the expression is too large");
    n->kind = kind;
    n->pos = n->own = pos;
    n->depth = 1;
    return n;
}

struct node *mw_pq_over(struct parser *p, struct node *n, const struct node *child)
{
    n->end = p->last_end;
    if (child && child->depth >= n->depth) n->depth = child->depth + 1;
    if (n->depth > PQ_DEPTH_MAX) return PQ_FAIL(p, n->pos, "expression nested too deeply");
    return n;
}

struct node *mw_pq_number_node(struct parser *p)
{
    char why[PQ_TOKEN_TEXT];
    struct node *n = mw_pq_node(p, N_NUMBER, p->t.pos);
    if (!n) return NULL;
    if (!mw_pq_number(&p->t, &n->number, why)) return PQ_FAIL(p, p->t.pos, "%s", why);
    n->units = p->t.type == T_DURATION;
    mw_pq_advance(p);
    return mw_pq_over(p, n, NULL);
}

bool mw_pq_deeper(struct parser *p)
{
    if (++p->depth <= PQ_DEPTH_MAX) return true;
    return PQ_NO(p, p->t.pos, "expression nested too deeply");
}

/* -- operators ------------------------------------------------------------------------------ */

enum { PREC_SIGN = 5, PREC_POW = 6 };

static const struct op_row {
    enum tok tok;
    enum binop op;
    int prec;
} op_rows[] = {
    {T_KW_OR, OP_OR, 1},
    {T_KW_AND, OP_AND, 2},
    {T_KW_UNLESS, OP_UNLESS, 2},
    {T_EQ, OP_EQ, 3},
    {T_NE, OP_NE, 3},
    {T_GT, OP_GT, 3},
    {T_LT, OP_LT, 3},
    {T_GE, OP_GE, 3},
    {T_LE, OP_LE, 3},
    {T_TRIM_UPPER, OP_TRIM_UPPER, 3},
    {T_TRIM_LOWER, OP_TRIM_LOWER, 3},
    {T_ADD, OP_ADD, 4},
    {T_SUB, OP_SUB, 4},
    {T_MUL, OP_MUL, PREC_SIGN},
    {T_DIV, OP_DIV, PREC_SIGN},
    {T_MOD, OP_MOD, PREC_SIGN},
    {T_KW_ATAN2, OP_ATAN2, PREC_SIGN},
    {T_POW, OP_POW, PREC_POW},
};

static const struct op_row *find_operator(enum tok t)
{
    for (size_t i = 0; i < sizeof op_rows / sizeof *op_rows; i++)
        if (op_rows[i].tok == t) return &op_rows[i];
    return NULL;
}

static struct node *parse_unary(struct parser *p)
{
    size_t pos = p->t.pos;
    bool minus = p->t.type == T_SUB;
    if (!minus && p->t.type != T_ADD) return mw_pq_parse_postfix(p, mw_pq_parse_operand(p));
    mw_pq_advance(p);
    struct node *inner = mw_pq_parse_expr(p, PREC_POW), *n;
    if (!inner) return NULL;
    if (inner->kind == N_NUMBER && !inner->parens) {
        inner->number = minus ? -inner->number : inner->number;
        inner->pos = inner->own = pos;
        return inner;
    }
    if (!(n = mw_pq_node(p, N_UNARY, pos))) return NULL;
    n->unary.inner = inner;
    n->unary.plus = !minus;
    return mw_pq_over(p, n, inner);
}

/* (5), (-2m): the value that stands in for a missing one. */
static bool parse_fill_value(struct parser *p, double *out)
{
    if (!mw_pq_expect(p, T_LPAREN)) return false;
    bool minus = p->t.type == T_SUB;
    if (minus || p->t.type == T_ADD) mw_pq_advance(p);
    if (p->t.type != T_NUMBER && p->t.type != T_DURATION) return mw_pq_unexpected(p), false;
    const struct node *v = mw_pq_number_node(p);
    if (!v) return false;
    *out = minus ? -v->number : v->number;
    return mw_pq_expect(p, T_RPAREN);
}

/* fill(v), or fill_left(v) and fill_right(v), each at most once. */
static bool parse_fill(struct parser *p, struct matching *m)
{
    if (mw_pq_accept(p, T_KW_FILL)) {
        if (!parse_fill_value(p, &m->fill_left)) return false;
        m->fills_left = m->fills_right = true;
        m->fill_right = m->fill_left;
        return true;
    }
    for (;;) {
        if (p->t.type == T_KW_FILL_LEFT && !m->fills_left) {
            mw_pq_advance(p);
            if (!parse_fill_value(p, &m->fill_left)) return false;
            m->fills_left = true;
        } else if (p->t.type == T_KW_FILL_RIGHT && !m->fills_right) {
            mw_pq_advance(p);
            if (!parse_fill_value(p, &m->fill_right)) return false;
            m->fills_right = true;
        } else
            return true;
    }
}

static bool parse_matching(struct parser *p, struct node *n)
{
    struct matching *m = &n->bin.match;
    if (mw_pq_accept(p, T_KW_BOOL)) n->bin.returns_bool = true;
    if (p->t.type == T_KW_ON || p->t.type == T_KW_IGNORING) {
        m->on = p->t.type == T_KW_ON;
        m->ignoring = !m->on;
        mw_pq_advance(p);
        if (!mw_pq_parse_names(p, &m->labels)) return false;
        if (p->t.type == T_KW_GROUP_LEFT || p->t.type == T_KW_GROUP_RIGHT) {
            m->group_left = p->t.type == T_KW_GROUP_LEFT;
            m->group_right = !m->group_left;
            mw_pq_advance(p);
            if (p->t.type == T_LPAREN && !mw_pq_parse_names(p, &m->include)) return false;
        }
    }
    return parse_fill(p, m);
}

static struct node *parse_binary(struct parser *p, struct node *lhs, const struct op_row *o)
{
    struct node *n = mw_pq_node(p, N_BINARY, lhs->pos);
    if (!n) return NULL;
    n->bin.op = o->op;
    n->bin.op_pos = p->t.pos;
    n->bin.lhs = lhs;
    mw_pq_advance(p);
    if (!parse_matching(p, n)) return NULL;
    n->bin.rhs = mw_pq_parse_expr(p, o->op == OP_POW ? o->prec : o->prec + 1);
    if (!n->bin.rhs || !mw_pq_over(p, n, lhs)) return NULL;
    return mw_pq_over(p, n, n->bin.rhs);
}

struct node *mw_pq_parse_expr(struct parser *p, int min_prec)
{
    const struct op_row *o;
    if (!mw_pq_deeper(p)) return NULL;
    struct node *n = parse_unary(p);
    while (n && (o = find_operator(p->t.type)) && o->prec >= min_prec) n = parse_binary(p, n, o);
    p->depth--;
    return n;
}

/* -- whole expressions ---------------------------------------------------------------------- */

void mw_pq_free(struct ast *a)
{
    if (!a) return;
    for (struct selected *s = a->selected; s; s = s->next) mw_matchers_free(s->m, s->n);
    mw_arena_free(a->arena);
    mw_free(a);
}

void mw_matchers_free(mw_matcher *m, size_t n)
{
    for (size_t i = 0; i < n; i++) mw_matcher_deinit(&m[i]);
    mw_free(m);
}

enum { TEXT_MAX = 1 << 20, TREE_BYTES = 64 << 20, FIRST_MAX = 2048 };

/* What the tree of a text may take: a node for every eight bytes, and the text twice (see text_of
 * in querylog.c).  Rules keep ten thousand trees. */
static size_t tree_bytes(size_t text)
{
    size_t n = (text / 8 + 1) * (sizeof(struct node) + 8) + 2 * text + 128;
    return n < FIRST_MAX ? n : FIRST_MAX;
}

static struct ast *new_ast(mw_str text, mw_err *err)
{
    if (text.n > TEXT_MAX)
        return mw_fail(err, MW_EPARSE, 1, 1, "query of %zu bytes; at most %d are allowed", text.n,
                       TEXT_MAX),
               NULL;
    struct ast *a = mw_zalloc(sizeof *a);
    a->arena = mw_arena_new(TREE_BYTES);
    mw_arena_expect(a->arena, tree_bytes(text.n));
    a->last_selected = &a->selected;
    a->src = (mw_str){mw_arena_strndup(a->arena, text.p ? text.p : "", text.n), text.n};
    return a;
}

static struct parser parser_of(struct ast *a, mw_err *err)
{
    struct parser p = {.lx = {.src = a->src, .arena = a->arena}, .ast = a, .err = err};
    mw_pq_advance(&p);
    return p;
}

struct ast *mw_pq_parse(mw_str text, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    struct ast *a = new_ast(text, err);
    if (!a) return NULL;
    struct parser p = parser_of(a, err);
    if (p.t.type == T_END)
        mw_fail(err, MW_EPARSE, 1, 1, "no expression found in input");
    else
        a->root = mw_pq_parse_expr(&p, 0);
    if (a->root && p.t.type != T_END) a->root = mw_pq_unexpected(&p);
    if (a->root && mw_pq_check_types(a, a->root, err) == MW_OK) return a;
    mw_pq_free(a);
    return NULL;
}

int mw_promql_selector(mw_str text, mw_matcher **out, size_t *n, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    struct ast *a = mw_pq_parse(text, err);
    if (!a) return err->code;
    const struct node *root = a->root;
    int rc = MW_OK;
    if (root->kind != N_SELECTOR || root->sel.ranged || root->sel.when.offset_expr ||
        root->sel.when.at || root->parens)
        rc = mw_fail(err, MW_EPARSE, 1, 1, "expected a series selector such as up{job=\"x\"}");
    else {
        *out = a->selected->m; /* the only selector there is */
        *n = a->selected->n;
        a->selected = NULL;
    }
    mw_pq_free(a);
    return rc;
}

int mw_promql_selectors(mw_str expr, mw_select **out, size_t *n, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    struct ast *a = mw_pq_parse(expr, err);
    if (!a) return err->code;
    mw_select *to = *out = mw_array(a->n_selected + 1, sizeof **out);
    *n = a->n_selected;
    for (struct selected *s = a->selected; s; s = s->next)
        *to++ = (mw_select){.matchers = s->m, .n = s->n};
    a->selected = NULL;
    mw_pq_free(a);
    return MW_OK;
}

void mw_promql_selectors_free(mw_select *sel, size_t n)
{
    for (size_t i = 0; i < n; i++) mw_matchers_free((mw_matcher *)sel[i].matchers, sel[i].n);
    mw_free(sel);
}

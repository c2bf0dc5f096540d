/* parser.c - tokens to tree, by recursive descent with one token of look-ahead.
 *
 * Binary operators climb by precedence; "^" binds to the right and tighter than a sign, a sign
 * binds as tightly as "*".  Every function answers NULL (or false) after a mistake, whose text is
 * in the mw_err already: the first one wins.  Depth is counted twice, while descending and on the
 * finished nodes, because a long chain of operators is deep without any nesting in the text.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "promql/ast.h"

struct parser {
    struct lexer lx;
    struct token t; /* the one looked at */
    struct ast *ast;
    int depth;
    size_t last_end; /* of the token before */
};

static struct node *parse_expr(struct parser *p, int min_prec);
static struct node *parse_operand(struct parser *p);

/* -- small steps ---------------------------------------------------------------------------- */

static void advance(struct parser *p)
{
    p->last_end = p->t.end;
    p->t = mw_pq_next(&p->lx);
}

#define FAIL(p, pos, ...) \
    (mw_pq_fail((p)->lx.err, (p)->lx.src, (pos), MW_EPARSE, __VA_ARGS__), NULL)

#define NO(p, pos, ...) (FAIL(p, pos, __VA_ARGS__) != NULL)

static void *unexpected(struct parser *p, const char *where, const char *wanted)
{
    char text[96];
    if (p->t.type == T_BAD) return NULL;
    return FAIL(p, p->t.pos, "unexpected %s%s%s%s%s", mw_pq_token_text(&p->t, text),
                where ? " in " : "", where ? where : "", wanted ? ", expected " : "",
                wanted ? wanted : "");
}

static bool expect(struct parser *p, enum tok type, const char *where, const char *wanted)
{
    if (p->t.type != type) return unexpected(p, where, wanted), false;
    advance(p);
    return true;
}

static bool accept(struct parser *p, enum tok type)
{
    if (p->t.type != type) return false;
    advance(p);
    return true;
}

static struct node *new_node(struct parser *p, enum node_kind kind, size_t pos)
{
    struct node *n = mw_arena_zalloc(p->ast->arena, sizeof *n);
    if (!n) return FAIL(p, pos, "the expression is too large");
    n->kind = kind;
    n->pos = pos;
    n->depth = 1;
    return n;
}

/* Close N: note where it ends and how deep it is above CHILD. */
static struct node *over(struct parser *p, struct node *n, const struct node *child)
{
    n->end = p->last_end;
    if (child && child->depth >= n->depth) n->depth = child->depth + 1;
    if (n->depth > PQ_DEPTH_MAX) return FAIL(p, n->pos, "expression nested too deeply");
    return n;
}

static bool is_word(enum tok t) { return t == T_IDENT || t >= T_FIRST_KEYWORD; }

/* -- lists of label names ------------------------------------------------------------------- */

static bool parse_names(struct parser *p, struct names *out)
{
    mw_str *names = NULL;
    size_t cap = 0;
    *out = (struct names){NULL, 0};
    if (!expect(p, T_LPAREN, "grouping opts", "\"(\"")) return false;
    while (p->t.type != T_RPAREN) {
        mw_str name = p->t.type == T_STRING ? p->t.str : p->t.text;
        bool ok = p->t.type == T_STRING ? name.n && mw_utf8_valid(name) : is_word(p->t.type);
        if (!ok || memchr(name.p, ':', p->t.type == T_STRING ? 0 : name.n)) {
            unexpected(p, "grouping opts", "label");
            break;
        }
        MW_PUSH(names, out->n, cap, name);
        advance(p);
        if (!accept(p, T_COMMA) && p->t.type != T_RPAREN) {
            unexpected(p, "grouping opts", "\",\" or \")\"");
            break;
        }
    }
    bool ok = p->t.type == T_RPAREN;
    mw_str *kept = mw_arena_array(p->ast->arena, out->n + 1, sizeof *kept);
    if (!kept) ok = false;
    if (ok && out->n) memcpy(kept, names, out->n * sizeof *kept);
    out->p = kept;
    mw_free(names);
    if (ok) advance(p);
    return ok;
}

/* -- selectors ------------------------------------------------------------------------------ */

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
    if (mw_matcher_init(&m, op, name, value, &e) != MW_OK) return NO(p, pos, "%s", e.msg);
    MW_PUSH(l->m, l->n, l->cap, m);
    return true;
}

static bool parse_matcher(struct parser *p, struct matcher_list *l, struct node *sel)
{
    static const struct {
        enum tok tok;
        mw_match_op op;
    } ops[] = {
        {T_ASSIGN, MW_MATCH_EQ}, {T_NE, MW_MATCH_NE}, {T_RE, MW_MATCH_RE}, {T_NRE, MW_MATCH_NRE}};
    struct token name = p->t;
    mw_str label = name.type == T_STRING ? name.str : name.text;
    if (name.type != T_STRING && (!is_word(name.type) || memchr(label.p, ':', label.n)))
        return unexpected(p, "label matching", "identifier or \"}\""), false;
    advance(p);
    if (name.type == T_STRING && (p->t.type == T_COMMA || p->t.type == T_RBRACE)) {
        if (sel->sel.name.n)
            return NO(p, name.pos, "metric name must not be set twice: \"%.*s\" or \"%.*s\"",
                      MW_STR_ARG(sel->sel.name), MW_STR_ARG(label));
        sel->sel.name = label;
        sel->sel.quoted = true;
        return add_matcher(p, l, MW_MATCH_EQ, MW_STR(MW_METRIC_NAME), label, name.pos);
    }
    size_t op = 0;
    while (op < 4 && ops[op].tok != p->t.type) op++;
    if (op == 4) return unexpected(p, "label matching", "label matching operator"), false;
    advance(p);
    if (p->t.type != T_STRING) return unexpected(p, "label matching", "string"), false;
    if (!label.n || !mw_utf8_valid(label))
        return NO(p, name.pos, "invalid label name in label matching");
    bool ok = add_matcher(p, l, ops[op].op, label, p->t.str, p->t.pos);
    advance(p);
    return ok;
}

static bool parse_matchers(struct parser *p, struct matcher_list *l, struct node *sel)
{
    advance(p); /* the brace */
    while (p->t.type != T_RBRACE) {
        if (!parse_matcher(p, l, sel)) return false;
        if (!accept(p, T_COMMA) && p->t.type != T_RBRACE)
            return unexpected(p, "label matching", "\",\" or \"}\""), false;
    }
    advance(p);
    return true;
}

static bool check_selector(struct parser *p, const struct node *sel, const struct matcher_list *l)
{
    bool constrained = false;
    for (size_t i = 0; i < l->n; i++) {
        constrained |= !mw_matcher_matches(&l->m[i], MW_STR(""));
        bool named = mw_str_is(l->m[i].name, MW_METRIC_NAME);
        if (i && named && l->m[i].op == MW_MATCH_EQ && sel->sel.name.n)
            return NO(p, sel->pos, "metric name must not be set twice: \"%.*s\" or \"%.*s\"",
                      MW_STR_ARG(sel->sel.name), MW_STR_ARG(l->m[i].value));
    }
    if (!constrained)
        return NO(p, sel->pos, "vector selector must contain at least one non-empty matcher");
    return true;
}

/* NAME is the metric in front of the braces, or of length 0. */
static struct node *parse_selector(struct parser *p, mw_str name, size_t pos)
{
    struct matcher_list l = {NULL, 0, 0};
    struct node *n = new_node(p, N_SELECTOR, pos);
    if (!n) return NULL;
    n->sel.name = name;
    bool ok = !name.n || add_matcher(p, &l, MW_MATCH_EQ, MW_STR(MW_METRIC_NAME), name, pos);
    if (ok && p->t.type == T_LBRACE) ok = parse_matchers(p, &l, n);
    struct ast *a = p->ast;
    size_t counts = a->n;
    MW_PUSH(a->matcher_counts, counts, a->counts_cap, l.n);
    MW_PUSH(a->matchers, a->n, a->cap, l.m);
    n->sel.matchers = l.m;
    n->sel.n_matchers = l.n;
    return ok && check_selector(p, n, &l) ? over(p, n, NULL) : NULL;
}

/* -- ranges, offsets, @ --------------------------------------------------------------------- */

static struct when *when_of(struct node *n)
{
    return n->kind == N_SELECTOR || n->kind == N_SUBQUERY ? &n->sel.when : NULL;
}

static struct node *parse_window(struct parser *p, struct node *inner)
{
    struct node *step = NULL, *range;
    size_t pos = p->t.pos;
    advance(p); /* the bracket */
    if (!(range = parse_expr(p, 0))) return NULL;
    bool subquery = accept(p, T_COLON);
    if (subquery && p->t.type != T_RBRACKET && !(step = parse_expr(p, 0))) return NULL;
    if (!expect(p, T_RBRACKET, subquery ? "subquery selector" : "range selector", "\"]\""))
        return NULL;
    if (subquery) {
        struct node *n = new_node(p, N_SUBQUERY, inner->pos);
        if (!n) return NULL;
        n->sel.sub = inner;
        n->sel.when.range_expr = range;
        n->sel.when.step_expr = step;
        return over(p, n, inner);
    }
    if (inner->kind != N_SELECTOR || inner->parens)
        return FAIL(p, pos, "ranges only allowed for vector selectors");
    if (inner->sel.ranged) return FAIL(p, pos, "range must only be given once");
    if (inner->sel.when.offset_expr)
        return FAIL(p, pos, "no offset modifiers allowed before range");
    if (inner->sel.when.at) return FAIL(p, pos, "no @ modifiers allowed before range");
    inner->sel.ranged = true;
    inner->sel.when.range_expr = range;
    return over(p, inner, range);
}

static struct node *parse_offset(struct parser *p, struct node *n)
{
    size_t pos = p->t.pos;
    struct when *w = n->parens ? NULL : when_of(n);
    advance(p);
    if (!w)
        return FAIL(p, pos,
                    "offset modifier must be preceded by an instant vector selector or range "
                    "vector selector or a subquery");
    if (w->offset_expr) return FAIL(p, pos, "offset may not be set multiple times");
    bool minus = false, sign = p->t.type == T_ADD || p->t.type == T_SUB;
    if (sign) minus = p->t.type == T_SUB, advance(p);
    enum tok t = p->t.type;
    if (t != T_NUMBER && t != T_DURATION && t != T_LPAREN && !is_word(t))
        return unexpected(p, "offset", "number, duration, or step()");
    struct node *e = parse_operand(p);
    if (!e) return NULL;
    if (minus || (sign && e->kind == N_CALL && !e->parens)) {
        struct node *neg = new_node(p, N_UNARY, pos);
        if (!neg) return NULL;
        neg->unary.inner = e;
        neg->unary.plus = !minus;
        e = neg;
    }
    w->offset_expr = e;
    return over(p, n, e);
}

static bool parse_at_time(struct parser *p, struct when *w)
{
    bool minus = p->t.type == T_SUB;
    if (minus || p->t.type == T_ADD) advance(p);
    double v = p->t.num;
    if (is_word(p->t.type) && !strncasecmp(p->t.text.p, "inf", p->t.text.n))
        v = INFINITY;
    else if (is_word(p->t.type) && !strncasecmp(p->t.text.p, "nan", p->t.text.n))
        v = NAN;
    else if (p->t.type != T_NUMBER && p->t.type != T_DURATION)
        return unexpected(p, "@", "timestamp, start() or end()"), false;
    if (!(fabs(v) < 9.2e15))
        return NO(p, p->t.pos, "timestamp out of bounds for @ modifier: %f", v);
    w->at = AT_TIME;
    w->at_ms = (int64_t)round((minus ? -v : v) * 1000);
    advance(p);
    return true;
}

static struct node *parse_at(struct parser *p, struct node *n)
{
    size_t pos = p->t.pos;
    struct when *w = n->parens ? NULL : when_of(n);
    advance(p);
    if (!w)
        return FAIL(p, pos,
                    "@ modifier must be preceded by an instant vector selector or range vector "
                    "selector or a subquery");
    if (w->at) return FAIL(p, pos, "@ <timestamp> may not be set multiple times");
    if (p->t.type == T_KW_START || p->t.type == T_KW_END) {
        w->at = p->t.type == T_KW_START ? AT_START : AT_END;
        advance(p);
        if (!expect(p, T_LPAREN, "@", "\"(\"") || !expect(p, T_RPAREN, "@", "\")\"")) return NULL;
    } else if (!parse_at_time(p, w))
        return NULL;
    return over(p, n, NULL);
}

static struct node *parse_postfix(struct parser *p, struct node *n)
{
    while (n) {
        enum tok t = p->t.type;
        bool window = t == T_KW_ANCHORED || t == T_KW_SMOOTHED;
        if (t == T_LBRACKET)
            n = parse_window(p, n);
        else if (t == T_KW_OFFSET)
            n = parse_offset(p, n);
        else if (t == T_AT)
            n = parse_at(p, n);
        else if (window && n->kind == N_SELECTOR && !n->parens && !n->sel.window) {
            n->sel.window = t == T_KW_ANCHORED ? WINDOW_ANCHORED : WINDOW_SMOOTHED;
            advance(p);
            n->end = p->last_end;
        } else
            break;
    }
    return n;
}

/* -- calls and aggregations ----------------------------------------------------------------- */

static bool parse_args(struct parser *p, struct node **args, size_t *n, const char *where)
{
    *n = 0;
    if (!expect(p, T_LPAREN, where, "\"(\"")) return false;
    while (p->t.type != T_RPAREN) {
        if (*n == PQ_ARGS_MAX) return NO(p, p->t.pos, "too many arguments");
        if (!(args[*n] = parse_expr(p, 0))) return false;
        ++*n;
        if (!accept(p, T_COMMA)) break;
        if (p->t.type == T_RPAREN)
            return NO(p, p->t.pos, "trailing commas not allowed in function call args");
    }
    return expect(p, T_RPAREN, where, "\",\" or \")\"");
}

static struct node *parse_call(struct parser *p, struct token name)
{
    struct node *args[PQ_ARGS_MAX], *n = new_node(p, N_CALL, name.pos);
    if (!n || !parse_args(p, args, &n->call.n_args, "function call")) return NULL;
    n->call.name = name.text;
    n->call.name_pos = name.pos;
    n->call.args = mw_arena_array(p->ast->arena, n->call.n_args + 1, sizeof *args);
    if (!n->call.args) return FAIL(p, name.pos, "the expression is too large");
    for (size_t i = 0; i < n->call.n_args; i++) {
        n->call.args[i] = args[i];
        if (!over(p, n, args[i])) return NULL;
    }
    return over(p, n, NULL);
}

static bool is_aggregator(enum tok t) { return t >= T_KW_SUM && t <= T_KW_LIMIT_RATIO; }

static bool takes_param(enum tok op) { return op >= T_KW_TOPK && op <= T_KW_LIMIT_RATIO; }

static bool parse_grouping(struct parser *p, struct node *n)
{
    if (p->t.type != T_KW_BY && p->t.type != T_KW_WITHOUT) return true;
    n->agg.without = p->t.type == T_KW_WITHOUT;
    n->agg.grouped = true;
    advance(p);
    return parse_names(p, &n->agg.by);
}

static struct node *parse_aggregate(struct parser *p, struct token op)
{
    struct node *args[PQ_ARGS_MAX], *n = new_node(p, N_AGGREGATE, op.pos);
    size_t n_args, wanted = takes_param(op.type) ? 2 : 1;
    if (!n || !parse_grouping(p, n)) return NULL;
    if (!parse_args(p, args, &n_args, "aggregation")) return NULL;
    if (!n->agg.grouped && !parse_grouping(p, n)) return NULL;
    if (!n_args) return FAIL(p, op.pos, "no arguments for aggregate expression provided");
    if (n_args != wanted)
        return FAIL(p, op.pos,
                    "wrong number of arguments for aggregate expression provided, expected %zu, "
                    "got %zu",
                    wanted, n_args);
    n->agg.op = op.type;
    n->agg.param = wanted == 2 ? args[0] : NULL;
    n->agg.arg = args[wanted - 1];
    return n->agg.param && !over(p, n, n->agg.param) ? NULL : over(p, n, n->agg.arg);
}

/* -- operands ------------------------------------------------------------------------------- */

static struct node *number(struct parser *p, double v, size_t pos, bool units)
{
    struct node *n = new_node(p, N_NUMBER, pos);
    if (!n) return NULL;
    n->number = v;
    n->units = units;
    return over(p, n, NULL);
}

static struct node *parse_word(struct parser *p)
{
    struct token t = p->t;
    advance(p);
    enum tok next = p->t.type;
    if (is_aggregator(t.type) && (next == T_LPAREN || next == T_KW_BY || next == T_KW_WITHOUT))
        return parse_aggregate(p, t);
    if (next == T_LPAREN) {
        if (t.type != T_IDENT) t.text = mw_pq_keyword_text(t.type); /* STEP() is step() */
        return parse_call(p, t);
    }
    if (t.type == T_IDENT && t.text.n == 3 && !strncasecmp(t.text.p, "inf", 3))
        return number(p, INFINITY, t.pos, false);
    if (t.type == T_IDENT && t.text.n == 3 && !strncasecmp(t.text.p, "nan", 3))
        return number(p, NAN, t.pos, false);
    if (t.type == T_KW_BOOL || t.type == T_KW_ON || t.type == T_KW_IGNORING ||
        t.type == T_KW_GROUP_LEFT || t.type == T_KW_GROUP_RIGHT || t.type == T_KW_ATAN2) {
        char text[96];
        return FAIL(p, t.pos, "unexpected %s", mw_pq_token_text(&t, text));
    }
    return parse_selector(p, t.text, t.pos);
}

static struct node *parse_parens(struct parser *p)
{
    size_t pos = p->t.pos;
    advance(p);
    struct node *n = parse_expr(p, 0);
    if (!n || !expect(p, T_RPAREN, NULL, "\")\"")) return NULL;
    n->parens++;
    n->pos = pos;
    n->end = p->last_end;
    return n;
}

static struct node *parse_string(struct parser *p)
{
    struct node *n = new_node(p, N_STRING, p->t.pos);
    if (!n) return NULL;
    n->string = p->t.str;
    advance(p);
    return over(p, n, NULL);
}

static struct node *parse_operand(struct parser *p)
{
    struct token t = p->t;
    switch (t.type) {
    case T_NUMBER:
    case T_DURATION: return advance(p), number(p, t.num, t.pos, t.type == T_DURATION);
    case T_STRING: return parse_string(p);
    case T_LPAREN: return parse_parens(p);
    case T_LBRACE: return parse_selector(p, MW_STR(""), t.pos);
    default: return is_word(t.type) ? parse_word(p) : unexpected(p, NULL, NULL);
    }
}

/* -- operators ------------------------------------------------------------------------------ */

enum { PREC_SIGN = 5, PREC_POW = 6 };

static const struct operator
{
    enum tok tok;
    enum binop op;
    int prec;
}
operators[] = {
    {T_KW_OR, OP_OR, 1},       {T_KW_AND, OP_AND, 2}, {T_KW_UNLESS, OP_UNLESS, 2},
    {T_EQ, OP_EQ, 3},          {T_NE, OP_NE, 3},      {T_GT, OP_GT, 3},
    {T_LT, OP_LT, 3},          {T_GE, OP_GE, 3},      {T_LE, OP_LE, 3},
    {T_ADD, OP_ADD, 4},        {T_SUB, OP_SUB, 4},    {T_MUL, OP_MUL, PREC_SIGN},
    {T_DIV, OP_DIV, 5},        {T_MOD, OP_MOD, 5},    {T_KW_ATAN2, OP_ATAN2, 5},
    {T_POW, OP_POW, PREC_POW},
};

static const struct operator* find_operator(enum tok t)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (operators[i].tok == t) return &operators[i];
    return NULL;
}

static struct node *parse_unary(struct parser *p)
{
    size_t pos = p->t.pos;
    bool minus = p->t.type == T_SUB;
    if (!minus && p->t.type != T_ADD) return parse_postfix(p, parse_operand(p));
    advance(p);
    struct node *inner = parse_expr(p, PREC_POW), *n;
    if (!inner) return NULL;
    if (inner->kind == N_NUMBER && !inner->parens) {
        inner->number = minus ? -inner->number : inner->number;
        inner->pos = pos;
        return inner;
    }
    if (!(n = new_node(p, N_UNARY, pos))) return NULL;
    n->unary.inner = inner;
    n->unary.plus = !minus;
    return over(p, n, inner);
}

static bool parse_fill(struct parser *p, struct matching *m)
{
    for (;;) {
        enum tok t = p->t.type;
        if (t != T_KW_FILL && t != T_KW_FILL_LEFT && t != T_KW_FILL_RIGHT) return true;
        struct lexer ahead = p->lx; /* a metric may be called fill: only fill(...) is meant */
        if (mw_pq_next(&ahead).type != T_LPAREN) return true;
        advance(p);
        if (!expect(p, T_LPAREN, "fill modifier", "\"(\"")) return false;
        struct node *v = parse_expr(p, PREC_SIGN);
        if (!v) return false;
        if (v->kind != N_NUMBER) return NO(p, v->pos, "fill modifier takes a number");
        if (t != T_KW_FILL_RIGHT) m->fills_left = true, m->fill_left = v->number;
        if (t != T_KW_FILL_LEFT) m->fills_right = true, m->fill_right = v->number;
        if (!expect(p, T_RPAREN, "fill modifier", "\")\"")) return false;
    }
}

static bool parse_matching(struct parser *p, struct node *n)
{
    struct matching *m = &n->bin.match;
    if (accept(p, T_KW_BOOL)) n->bin.returns_bool = true;
    if (p->t.type == T_KW_ON || p->t.type == T_KW_IGNORING) {
        m->on = p->t.type == T_KW_ON;
        m->ignoring = !m->on;
        advance(p);
        if (!parse_names(p, &m->labels)) return false;
        if (p->t.type == T_KW_GROUP_LEFT || p->t.type == T_KW_GROUP_RIGHT) {
            m->group_left = p->t.type == T_KW_GROUP_LEFT;
            m->group_right = !m->group_left;
            advance(p);
            if (p->t.type == T_LPAREN && !parse_names(p, &m->include)) return false;
        }
    }
    return parse_fill(p, m);
}

static struct node *parse_binary(struct parser *p, struct node *lhs, const struct operator* o)
{
    struct node *n = new_node(p, N_BINARY, lhs->pos);
    if (!n) return NULL;
    n->bin.op = o->op;
    n->bin.op_pos = p->t.pos;
    n->bin.lhs = lhs;
    advance(p);
    if (!parse_matching(p, n)) return NULL;
    n->bin.rhs = parse_expr(p, o->op == OP_POW ? o->prec : o->prec + 1);
    if (!n->bin.rhs || !over(p, n, lhs)) return NULL;
    return over(p, n, n->bin.rhs);
}

static struct node *parse_expr(struct parser *p, int min_prec)
{
    const struct operator* o;
    if (++p->depth > PQ_DEPTH_MAX) return FAIL(p, p->t.pos, "expression nested too deeply");
    struct node *n = parse_unary(p);
    while (n && (o = find_operator(p->t.type)) && o->prec >= min_prec) n = parse_binary(p, n, o);
    p->depth--;
    return n;
}

/* -- whole expressions ---------------------------------------------------------------------- */

void mw_pq_free(struct ast *a)
{
    if (!a) return;
    for (size_t i = 0; i < a->n; i++) mw_matchers_free(a->matchers[i], a->matcher_counts[i]);
    mw_free(a->matchers);
    mw_free(a->matcher_counts);
    mw_arena_free(a->arena);
    mw_free(a);
}

void mw_matchers_free(mw_matcher *m, size_t n)
{
    for (size_t i = 0; i < n; i++) mw_matcher_deinit(&m[i]);
    mw_free(m);
}

enum { TEXT_MAX = 1 << 20, TREE_BYTES = 64 << 20 };

struct ast *mw_pq_parse(mw_str text, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    if (text.n > TEXT_MAX)
        return mw_fail(err, MW_EPARSE, 1, 1, "query of %zu bytes; at most %d are allowed", text.n,
                       TEXT_MAX),
               NULL;
    struct ast *a = mw_zalloc(sizeof *a);
    a->arena = mw_arena_new(TREE_BYTES);
    a->src = (mw_str){mw_arena_strndup(a->arena, text.p ? text.p : "", text.n), text.n};
    struct parser p = {.lx = {.src = a->src, .arena = a->arena, .err = err}, .ast = a};
    advance(&p);
    if (p.t.type == T_END)
        mw_fail(err, MW_EPARSE, 1, 1, "no expression found in input");
    else
        a->root = parse_expr(&p, 0);
    if (a->root && p.t.type != T_END) unexpected(&p, NULL, NULL), a->root = NULL;
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
        *out = a->matchers[0]; /* the only selector there is */
        *n = a->matcher_counts[0];
        a->n = 0;
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
    *n = a->n;
    *out = mw_array(a->n + 1, sizeof **out);
    for (size_t i = 0; i < a->n; i++)
        (*out)[i] = (mw_select){.matchers = a->matchers[i], .n = a->matcher_counts[i]};
    a->n = 0;
    mw_pq_free(a);
    return MW_OK;
}

void mw_promql_selectors_free(mw_select *sel, size_t n)
{
    for (size_t i = 0; i < n; i++) mw_matchers_free((mw_matcher *)sel[i].matchers, sel[i].n);
    mw_free(sel);
}

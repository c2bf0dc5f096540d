/* parse_operand.c - what operators join: calls, aggregations, literals, parentheses.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "promql/functions.h"
#include "promql/parser.h"

/* -- lists of label names ------------------------------------------------------------------- */

static bool parse_name(struct parser *p, mw_str *out)
{
    char text[PQ_TOKEN_TEXT];
    bool quoted = p->t.type == T_STRING, word = mw_pq_is_word(p->t.type);
    if (!quoted && (!word || p->t.type == T_KW_WITHOUT)) return mw_pq_unexpected(p), false;
    *out = quoted ? p->t.str : p->t.text;
    if (!out->n || !mw_utf8_valid(*out))
        return PQ_NO(p, p->t.pos, "invalid label name for grouping: %s",
                     mw_pq_quote(*out, 64, text, sizeof text));
    mw_pq_advance(p);
    return true;
}

static bool parse_name_list(struct parser *p, mw_str **names, struct names *out)
{
    static const char where[] = "grouping opts";
    size_t cap = 0;
    mw_str name;
    mw_pq_enter(p, where, "label");
    if (p->t.type == T_RPAREN) return true;
    for (;;) {
        if (!parse_name(p, &name)) return false;
        if (out->n == PQ_NAMES_MAX)
            return PQ_NO(p, p->t.pos, "more than %d label names in a list", PQ_NAMES_MAX);
        MW_PUSH(*names, out->n, cap, name);
        mw_pq_enter(p, where, "\",\" or \")\"");
        if (p->t.type == T_RPAREN) return true;
        if (!mw_pq_expect(p, T_COMMA)) return false;
        mw_pq_enter(p, where, "label");
        if (p->t.type == T_RPAREN) return true;
    }
}

bool mw_pq_parse_names(struct parser *p, struct names *out)
{
    mw_str *names = NULL, *kept = NULL;
    struct context before = mw_pq_enter(p, "grouping opts", "\"(\"");
    *out = (struct names){NULL, 0};
    bool ok = mw_pq_expect(p, T_LPAREN) && parse_name_list(p, &names, out);
    if (ok) ok = (kept = mw_arena_array(p->ast->arena, out->n + 1, sizeof *kept));
    if (ok && out->n) memcpy(kept, names, out->n * sizeof *kept);
    mw_free(names);
    out->p = kept;
    if (!ok) return PQ_NO(p, p->t.pos, "the expression is too large");
    p->context = before;
    mw_pq_advance(p);
    return true;
}

/* -- arguments ------------------------------------------------------------------------------ */

static bool begins_operand(enum tok t)
{
    switch (t) {
    case T_NUMBER:
    case T_DURATION:
    case T_STRING:
    case T_LPAREN:
    case T_LBRACE:
    case T_ADD:
    case T_SUB:
    case T_BAD: return true;
    case T_KW_BOOL:
    case T_KW_ON:
    case T_KW_IGNORING:
    case T_KW_GROUP_LEFT:
    case T_KW_GROUP_RIGHT:
    case T_KW_ATAN2: return false;
    default: return mw_pq_is_word(t);
    }
}

static bool parse_args(struct parser *p, struct node **args, size_t *n)
{
    *n = 0;
    if (!mw_pq_expect(p, T_LPAREN)) return false;
    if (mw_pq_accept(p, T_RPAREN)) return true;
    for (;;) {
        size_t comma = p->t.pos;
        if (*n == PQ_ARGS_MAX) return PQ_NO(p, comma, "too many arguments");
        if (!(args[*n] = mw_pq_parse_expr(p, 0))) return false;
        ++*n;
        comma = p->t.pos;
        if (!mw_pq_accept(p, T_COMMA)) break;
        if (!begins_operand(p->t.type))
            return PQ_NO(p, comma, "trailing commas not allowed in function call args");
    }
    return mw_pq_expect(p, T_RPAREN);
}

/* -- calls and aggregations ----------------------------------------------------------------- */

static struct node *find_function(struct parser *p, struct node *n)
{
    char text[PQ_TOKEN_TEXT];
    if ((n->call.fn = mw_pq_function_find(n->call.name))) return n;
    const char *near = mw_pq_function_nearest(n->call.name);
    if (near && *near != n->call.name.p[0]) near = NULL; /* somebody meant something else */
    return PQ_FAIL(p, n->pos, "unknown function with name %s%s%s%s",
                   mw_pq_quote(n->call.name, 64, text, sizeof text),
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static struct node *parse_call(struct parser *p, struct token name)
{
    struct node *args[PQ_ARGS_MAX], *n = mw_pq_node(p, N_CALL, name.pos);
    if (!n || !parse_args(p, args, &n->call.n_args)) return NULL;
    n->call.name = name.text;
    n->call.name_pos = name.pos;
    n->call.args = mw_arena_array(p->ast->arena, n->call.n_args + 1, sizeof *args);
    if (!n->call.args) return PQ_FAIL(p, name.pos, "the expression is too large");
    for (size_t i = 0; i < n->call.n_args; i++) {
        n->call.args[i] = args[i];
        if (!mw_pq_over(p, n, args[i])) return NULL;
    }
    return find_function(p, n) ? mw_pq_over(p, n, NULL) : NULL;
}

static bool is_aggregator(enum tok t) { return t >= T_KW_SUM && t <= T_KW_LIMIT_RATIO; }

static bool takes_param(enum tok op) { return op >= T_KW_TOPK && op <= T_KW_LIMIT_RATIO; }

static bool parse_grouping(struct parser *p, struct node *n)
{
    if (p->t.type != T_KW_BY && p->t.type != T_KW_WITHOUT) return true;
    n->agg.without = p->t.type == T_KW_WITHOUT;
    n->agg.grouped = true;
    mw_pq_advance(p);
    return mw_pq_parse_names(p, &n->agg.by);
}

static struct node *parse_aggregate(struct parser *p, struct token op)
{
    struct node *args[PQ_ARGS_MAX], *n = mw_pq_node(p, N_AGGREGATE, op.pos);
    size_t n_args, wanted = takes_param(op.type) ? 2 : 1;
    struct context before = mw_pq_enter(p, "aggregation", NULL);
    if (!n || !parse_grouping(p, n)) return NULL;
    bool grouped = n->agg.grouped;
    if (!parse_args(p, args, &n_args)) return NULL;
    p->context = before;
    if (!grouped && p->t.type == T_BAD) return mw_pq_unexpected(p);
    if (!grouped && !parse_grouping(p, n)) return NULL;
    if (!n_args) return PQ_FAIL(p, op.pos, "no arguments for aggregate expression provided");
    if (n_args != wanted)
        return PQ_FAIL(p, op.pos,
                       "wrong number of arguments for aggregate expression provided, expected "
                       "%zu, got %zu",
                       wanted, n_args);
    n->agg.op = op.type;
    n->agg.param = wanted == 2 ? args[0] : NULL;
    n->agg.arg = args[wanted - 1];
    if (n->agg.param && !mw_pq_over(p, n, n->agg.param)) return NULL;
    return mw_pq_over(p, n, n->agg.arg);
}

/* -- operands ------------------------------------------------------------------------------- */

/* Words of which only a function can be meant when "(" follows; others are metrics then, too. */
static bool may_be_called(enum tok t)
{
    return t == T_IDENT || (t >= T_KW_START && t <= T_KW_MIN_OF);
}

static struct node *parse_word(struct parser *p)
{
    struct token t = p->t;
    if (!begins_operand(t.type)) return mw_pq_unexpected(p);
    mw_pq_advance(p);
    enum tok next = p->t.type;
    if (is_aggregator(t.type) && (next == T_LPAREN || next == T_KW_BY || next == T_KW_WITHOUT))
        return parse_aggregate(p, t);
    if (next == T_LPAREN && may_be_called(t.type)) return parse_call(p, t);
    return mw_pq_parse_selector(p, t.text, t.pos);
}

static struct node *parse_parens(struct parser *p)
{
    size_t pos = p->t.pos;
    mw_pq_advance(p);
    struct node *n = mw_pq_parse_expr(p, 0);
    if (!n || !mw_pq_expect(p, T_RPAREN)) return NULL;
    n->parens++;
    n->pos = pos;
    n->end = p->last_end;
    return n;
}

static struct node *parse_string(struct parser *p)
{
    struct node *n = mw_pq_node(p, N_STRING, p->t.pos);
    if (!n) return NULL;
    n->string = p->t.str;
    mw_pq_advance(p);
    return mw_pq_over(p, n, NULL);
}

struct node *mw_pq_parse_operand(struct parser *p)
{
    switch (p->t.type) {
    case T_NUMBER:
    case T_DURATION: return mw_pq_number_node(p);
    case T_STRING: return parse_string(p);
    case T_LPAREN: return parse_parens(p);
    case T_LBRACE: return mw_pq_parse_selector(p, MW_STR(""), p->t.pos);
    default: return mw_pq_is_word(p->t.type) ? parse_word(p) : mw_pq_unexpected(p);
    }
}

/* parser.h - what the parsing files share: one token of look-ahead, and where mistakes go.
 *
 * Every function answers NULL (or false) after a mistake, whose text is in the mw_err already:
 * the first one wins.  What an error says was expected depends on the innermost construct that is
 * being read; a context is set on the way in and put back on the way out.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_PARSER_H
#define MW_PROMQL_PARSER_H
#include "promql/ast.h"

struct context {
    const char *where, *wanted; /* "aggregation", "\",\" or \")\""; NULL: nothing to say */
};

struct parser {
    struct lexer lx;
    struct token t; /* the one looked at */
    struct ast *ast;
    mw_err *err;
    int depth;
    size_t last_end; /* of the token before */
    struct context context;
};

#define PQ_FAIL(p, pos, ...) \
    (mw_pq_fail((p)->err, (p)->lx.src, (pos), MW_EPARSE, __VA_ARGS__), NULL)
#define PQ_NO(p, pos, ...) (PQ_FAIL(p, pos, __VA_ARGS__) != NULL)

/* -- parser.c: steps, operators, whole expressions ------------------------------------------- */

void mw_pq_advance(struct parser *p);
void *mw_pq_unexpected(struct parser *p); /* says so of the token looked at; NULL */
bool mw_pq_expect(struct parser *p, enum tok type);
bool mw_pq_accept(struct parser *p, enum tok type);
/* The context WHERE, WANTED from here on; what was before is the answer. */
struct context mw_pq_enter(struct parser *p, const char *where, const char *wanted);
struct node *mw_pq_node(struct parser *p, enum node_kind kind, size_t pos);
/* Close N: note where it ends and how deep it is above CHILD (may be NULL). */
struct node *mw_pq_over(struct parser *p, struct node *n, const struct node *child);
struct node *mw_pq_number_node(struct parser *p); /* the number or duration looked at */
struct node *mw_pq_parse_expr(struct parser *p, int min_prec);
/* Read by a recursive function: false when it is too deep already.  Leave by p->depth--. */
bool mw_pq_deeper(struct parser *p);

/* -- parse_operand.c: calls, aggregations, literals ------------------------------------------ */

bool mw_pq_parse_names(struct parser *p, struct names *out); /* (a, b) */
struct node *mw_pq_parse_operand(struct parser *p);

/* -- parse_selector.c: selectors and what may stand behind them ------------------------------ */

struct node *mw_pq_parse_selector(struct parser *p, mw_str name, size_t pos);
struct node *mw_pq_parse_postfix(struct parser *p, struct node *n);

/* -- parse_duration.c: ranges, steps and offsets --------------------------------------------- */

struct node *mw_pq_parse_duration(struct parser *p);
struct node *mw_pq_parse_offset(struct parser *p);

#endif

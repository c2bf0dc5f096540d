/* lexer.h - PromQL text as tokens.
 *
 * Positions are byte offsets; mw_pq_place turns one into the line and column a person counts.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_LEXER_H
#define MW_PROMQL_LEXER_H
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* clang-format off */
/* Words with a meaning of their own; each may still name a metric or a label. */
#define PQ_KEYWORDS(X)                                                                           \
    X(AND, "and") X(OR, "or") X(UNLESS, "unless") X(ATAN2, "atan2")                               \
    X(SUM, "sum") X(AVG, "avg") X(MIN, "min") X(MAX, "max") X(COUNT, "count") X(GROUP, "group")   \
    X(STDDEV, "stddev") X(STDVAR, "stdvar") X(TOPK, "topk") X(BOTTOMK, "bottomk")                 \
    X(COUNT_VALUES, "count_values") X(QUANTILE, "quantile") X(LIMITK, "limitk")                   \
    X(LIMIT_RATIO, "limit_ratio")                                                                 \
    X(BY, "by") X(WITHOUT, "without") X(ON, "on") X(IGNORING, "ignoring")                         \
    X(GROUP_LEFT, "group_left") X(GROUP_RIGHT, "group_right") X(BOOL, "bool")                     \
    X(OFFSET, "offset") X(START, "start") X(END, "end") X(STEP, "step") X(RANGE, "range")         \
    X(ANCHORED, "anchored") X(SMOOTHED, "smoothed")                                               \
    X(FILL, "fill") X(FILL_LEFT, "fill_left") X(FILL_RIGHT, "fill_right")

#define PQ_SYMBOLS(X)                                                                            \
    X(LPAREN, "(") X(RPAREN, ")") X(LBRACE, "{") X(RBRACE, "}") X(LBRACKET, "[") X(RBRACKET, "]") \
    X(COMMA, ",") X(COLON, ":") X(AT, "@") X(ASSIGN, "=") X(EQ, "==") X(NE, "!=") X(RE, "=~")     \
    X(NRE, "!~") X(GE, ">=") X(GT, ">") X(LE, "<=") X(LT, "<") X(ADD, "+") X(SUB, "-")            \
    X(MUL, "*") X(DIV, "/") X(MOD, "%") X(POW, "^")
/* clang-format on */

enum tok {
    T_END, /* of input */
    T_BAD, /* the error is already in mw_err */
    T_IDENT,
    T_NUMBER,
    T_DURATION, /* num: seconds */
    T_STRING,   /* str: without quotes and escapes */
#define PQ_TOK(id, text) T_##id,
    PQ_SYMBOLS(PQ_TOK)
#undef PQ_TOK
#define PQ_TOK(id, text) T_KW_##id,
        PQ_KEYWORDS(PQ_TOK)
#undef PQ_TOK
            T_COUNT,
    T_FIRST_KEYWORD = T_KW_AND
};

struct token {
    enum tok type;
    size_t pos, end;
    mw_str text; /* as written */
    double num;
    mw_str str;
};

struct lexer {
    mw_str src;
    size_t at;
    int brackets; /* open [ */
    mw_arena *arena;
    mw_err *err;
};

struct token mw_pq_next(struct lexer *lx);
/* "identifier \"x\"", "end of input": how an error names a token.  OUT holds 96 bytes. */
const char *mw_pq_token_text(const struct token *t, char out[96]);
mw_str mw_pq_keyword_text(enum tok t); /* in lower case */
void mw_pq_place(mw_str src, size_t pos, int *line, int *col);
/* mw_fail at the place of POS. */
int mw_pq_fail(mw_err *err, mw_str src, size_t pos, int code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif

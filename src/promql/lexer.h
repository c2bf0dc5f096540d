/* lexer.h - PromQL text as tokens.
 *
 * Positions are byte offsets; mw_pq_place turns one into the line and column that errors name.
 * What is no token answers T_BAD, and the mistake waits in the lexer: whoever meets the token
 * decides whether it is the first one.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_LEXER_H
#define MW_PROMQL_LEXER_H
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* clang-format off */
/* Words with a meaning of their own; outside of a few each may still name a metric or a label.
 * Operators, aggregations, keywords and what may stand inside a duration, in this order. */
#define PQ_KEYWORDS(X)                                                                           \
    X(AND, "and") X(OR, "or") X(UNLESS, "unless") X(ATAN2, "atan2")                               \
    X(SUM, "sum") X(AVG, "avg") X(MIN, "min") X(MAX, "max") X(COUNT, "count") X(GROUP, "group")   \
    X(STDDEV, "stddev") X(STDVAR, "stdvar") X(TOPK, "topk") X(BOTTOMK, "bottomk")                 \
    X(COUNT_VALUES, "count_values") X(QUANTILE, "quantile") X(LIMITK, "limitk")                   \
    X(LIMIT_RATIO, "limit_ratio")                                                                 \
    X(BY, "by") X(WITHOUT, "without") X(ON, "on") X(IGNORING, "ignoring")                         \
    X(GROUP_LEFT, "group_left") X(GROUP_RIGHT, "group_right") X(BOOL, "bool")                     \
    X(OFFSET, "offset") X(ANCHORED, "anchored") X(SMOOTHED, "smoothed")                           \
    X(FILL, "fill") X(FILL_LEFT, "fill_left") X(FILL_RIGHT, "fill_right")                         \
    X(START, "start") X(END, "end") X(STEP, "step") X(RANGE, "range")                             \
    X(MAX_OF, "max_of") X(MIN_OF, "min_of")

/* Punctuation, then operators. */
#define PQ_SYMBOLS(X)                                                                            \
    X(LPAREN, "(") X(RPAREN, ")") X(LBRACE, "{") X(RBRACE, "}") X(LBRACKET, "[") X(RBRACKET, "]") \
    X(COMMA, ",") X(COLON, ":") X(ASSIGN, "=") X(AT, "@") X(EQ, "==") X(NE, "!=") X(RE, "=~")     \
    X(NRE, "!~") X(GE, ">=") X(GT, ">") X(LE, "<=") X(LT, "<") X(TRIM_UPPER, "</")                \
    X(TRIM_LOWER, ">/") X(ADD, "+") X(SUB, "-") X(MUL, "*") X(DIV, "/") X(MOD, "%") X(POW, "^")
/* clang-format on */

enum tok {
    T_END, /* of input */
    T_BAD,
    T_IDENT,
    T_METRIC,   /* a name with a colon in it */
    T_NUMBER,   /* and the next: mw_pq_number says which */
    T_DURATION, /* of seconds */
    T_STRING,   /* str: without quotes and escapes */
#define PQ_TOK(id, text) T_##id,
    PQ_SYMBOLS(PQ_TOK)
#undef PQ_TOK
#define PQ_TOK(id, text) T_KW_##id,
        PQ_KEYWORDS(PQ_TOK)
#undef PQ_TOK
            T_COUNT,
    T_FIRST_SYMBOL = T_LPAREN,
    T_FIRST_KEYWORD = T_KW_AND
};

struct token {
    enum tok type;
    size_t pos, end;
    mw_str text; /* as written */
    mw_str str;
};

/* Inside braces and brackets other things are tokens than outside. */
struct lexer {
    mw_str src;
    size_t at;
    int parens; /* open ( */
    bool braces, brackets, got_colon, got_duration, duration;
    mw_arena *arena;
    mw_err bad; /* of the token T_BAD */
};

struct token mw_pq_next(struct lexer *lx);
enum { PQ_TOKEN_TEXT = 448 };
/* "identifier \"x\"", "end of input": how an error names a token. */
const char *mw_pq_token_text(const struct token *t, char out[PQ_TOKEN_TEXT]);
const char *mw_pq_token_name(enum tok t); /* of a symbol or a keyword, in lower case */
bool mw_pq_is_word(enum tok t);           /* a keyword or an identifier */
void mw_pq_place(mw_str src, size_t pos, int *line, int *col);
/* mw_fail at the place of POS. */
int mw_pq_fail(mw_err *err, mw_str src, size_t pos, int code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* -- literals.c ------------------------------------------------------------------------------ */

struct token mw_pq_lex_string(struct lexer *lx);
struct token mw_pq_lex_number(struct lexer *lx);
/* The value of a number or the seconds of a duration; false with the mistake in WHY. */
bool mw_pq_number(const struct token *t, double *out, char why[PQ_TOKEN_TEXT]);
/* T_BAD, and the mistake at byte POS. */
struct token mw_pq_bad(struct lexer *lx, size_t pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* -- quote.c: text as Go's %q and %g show it
 * ------------------------------------------------------- */

enum { PQ_RUNE_TEXT = 16 };
/* S between quotes, at most MOST characters of it; OUT is always terminated.  Returns OUT. */
const char *mw_pq_quote(mw_str s, size_t most, char *out, size_t cap);
/* The character that S begins with, 'x'; of no character at all the one that stands for none. */
const char *mw_pq_quote_rune(mw_str s, char out[PQ_RUNE_TEXT]);
/* The same as U+0078 'x'. */
const char *mw_pq_name_rune(mw_str s, char out[2 * PQ_RUNE_TEXT]);
enum { PQ_NUMBER_TEXT = 32 };
const char *mw_pq_number_text(double v, char out[PQ_NUMBER_TEXT]); /* as %g shows it */
/* The first character of S and its bytes; 0xfffd and 1 when they are none. */
uint32_t mw_pq_rune(mw_str s, size_t *bytes);

#endif

/* lexer.c - PromQL text as tokens.
 *
 * One token at a time.  Braces, brackets and everything else each have their own table of what may
 * begin there.  After "[" up to the first number or duration nothing but arithmetic is let in, so
 * that what was never meant as a duration is told so at once.
 * SPDX-License-Identifier: MIT */
#include "promql/lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const names[T_COUNT] = {
#define PQ_TOK(id, text) [T_##id] = text,
    PQ_SYMBOLS(PQ_TOK)
#undef PQ_TOK
#define PQ_TOK(id, text) [T_KW_##id] = text,
        PQ_KEYWORDS(PQ_TOK)
#undef PQ_TOK
};

const char *mw_pq_token_name(enum tok t) { return names[t]; }

bool mw_pq_is_word(enum tok t) { return t == T_IDENT || t == T_METRIC || t >= T_FIRST_KEYWORD; }

/* -- places and errors ---------------------------------------------------------------------- */

void mw_pq_place(mw_str src, size_t pos, int *line, int *col)
{
    *line = *col = 1;
    for (size_t i = 0; i < pos && i < src.n; i++) {
        if (src.p[i] == '\n')
            ++*line, *col = 1;
        else
            ++*col;
    }
}

int mw_pq_fail(mw_err *err, mw_str src, size_t pos, int code, const char *fmt, ...)
{
    char msg[sizeof err->msg];
    int line, col;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    mw_pq_place(src, pos, &line, &col);
    return mw_fail(err, code, line, col, "%s", msg);
}

struct token mw_pq_bad(struct lexer *lx, size_t pos, const char *fmt, ...)
{
    char msg[sizeof lx->bad.msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    mw_err_init(&lx->bad);
    mw_pq_fail(&lx->bad, lx->src, pos, MW_EPARSE, "%s", msg);
    return (struct token){.type = T_BAD, .pos = pos, .end = lx->src.n};
}

/* -- how an error names a token ------------------------------------------------------------- */

/* What a token is called before its text; symbols and keywords speak for themselves. */
static const char *kind_of(enum tok t)
{
    static const char *const kinds[] = {[T_IDENT] = "identifier ",
                                        [T_METRIC] = "metric identifier ",
                                        [T_NUMBER] = "number ",
                                        [T_DURATION] = "duration ",
                                        [T_STRING] = "string "};
    return t >= T_IDENT && t <= T_STRING ? kinds[t] : "";
}

const char *mw_pq_token_text(const struct token *t, char out[PQ_TOKEN_TEXT])
{
    char quoted[PQ_TOKEN_TEXT - 32];
    enum tok k = t->type;
    bool is_operator = (k >= T_AT && k < T_FIRST_KEYWORD) || (k >= T_KW_AND && k <= T_KW_ATAN2);
    bool aggregation = k >= T_KW_SUM && k <= T_KW_LIMIT_RATIO;
    bool keyword = k >= T_KW_BY && k <= T_KW_FILL_RIGHT;
    bool name = k == T_IDENT || k == T_METRIC;
    if (k == T_END) return "end of input";
    if (is_operator || aggregation || keyword)
        snprintf(out, PQ_TOKEN_TEXT, "<%s%.*s>",
                 is_operator   ? "op:"
                 : aggregation ? "aggr:"
                               : "",
                 MW_STR_ARG(t->text));
    else if (!name && t->text.n > 10)
        snprintf(out, PQ_TOKEN_TEXT, "%s%s...", kind_of(k),
                 mw_pq_quote(t->text, 10, quoted, sizeof quoted));
    else
        snprintf(out, PQ_TOKEN_TEXT, "%s%s", kind_of(k),
                 mw_pq_quote(t->text, SIZE_MAX, quoted, sizeof quoted));
    return out;
}

/* -- names ---------------------------------------------------------------------------------- */

static bool is_alpha(char c) { return isalpha((unsigned char)c) || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static char at(const struct lexer *lx, size_t pos) { return pos < lx->src.n ? lx->src.p[pos] : 0; }

static mw_str rest(const struct lexer *lx, size_t pos)
{
    return pos < lx->src.n ? (mw_str){lx->src.p + pos, lx->src.n - pos} : (mw_str){"", 0};
}

static struct token token(struct lexer *lx, enum tok type, size_t n)
{
    size_t start = lx->at;
    lx->at += n;
    return (struct token){type, start, lx->at, {lx->src.p + start, n}, {NULL, 0}};
}

static bool before_paren(const struct lexer *lx, size_t pos)
{
    while (is_space(at(lx, pos))) pos++;
    return at(lx, pos) == '(';
}

static bool same_word(mw_str word, const char *name)
{
    return strlen(name) == word.n && !strncasecmp(name, word.p, word.n);
}

/* A metric may be called fill: only fill(...) is meant. */
static enum tok keyword(const struct lexer *lx, mw_str word)
{
    if (same_word(word, "inf") || same_word(word, "nan")) return T_NUMBER;
    for (int t = T_FIRST_KEYWORD; t < T_COUNT; t++) {
        if (!same_word(word, names[t])) continue;
        bool fill = t >= T_KW_FILL && t <= T_KW_FILL_RIGHT;
        return fill && !before_paren(lx, lx->at + word.n) ? T_IDENT : (enum tok)t;
    }
    return memchr(word.p, ':', word.n) ? T_METRIC : T_IDENT;
}

static size_t word_length(const struct lexer *lx, bool digits, bool colons)
{
    size_t end = lx->at;
    while (is_alpha(at(lx, end)) || (digits && is_digit(at(lx, end))) ||
           (colons && at(lx, end) == ':'))
        end++;
    return end - lx->at;
}

static struct token lex_name(struct lexer *lx)
{
    size_t n = word_length(lx, true, true);
    return token(lx, keyword(lx, (mw_str){lx->src.p + lx->at, n}), n);
}

/* step, range, min_of or max_of; T_END when it is none of them. */
static struct token lex_duration_word(struct lexer *lx)
{
    mw_str word = {lx->src.p + lx->at, word_length(lx, false, false)};
    for (int t = T_KW_STEP; t < T_COUNT; t++)
        if (same_word(word, names[t])) return token(lx, (enum tok)t, word.n);
    return (struct token){.type = T_END};
}

/* -- symbols -------------------------------------------------------------------------------- */

static struct token closed_once_too_often(struct lexer *lx, struct token t)
{
    if (--lx->parens >= 0) return t;
    return mw_pq_bad(lx, lx->at, "unexpected right parenthesis ')'");
}

static struct token opened_bracket(struct lexer *lx, struct token t)
{
    if (lx->brackets) {
        lx->at = t.pos;
        return mw_pq_bad(lx, t.pos, "unexpected left bracket '['");
    }
    lx->brackets = lx->duration = true;
    lx->got_colon = false;
    return t;
}

static struct token closed_bracket(struct lexer *lx, struct token t)
{
    if (!lx->brackets) return mw_pq_bad(lx, t.pos, "unexpected right bracket ']'");
    lx->brackets = lx->duration = false;
    return t;
}

/* The longest of the symbols FIRST to LAST that stands here; T_END when there is none. */
static struct token symbol(struct lexer *lx, enum tok first, enum tok last)
{
    mw_str left = rest(lx, lx->at);
    int best = T_END;
    for (int t = first; t <= (int)last; t++) {
        if (!left.n || *names[t] != *left.p) continue;
        size_t n = strlen(names[t]);
        if (n <= left.n && !memcmp(left.p, names[t], n) && (best == T_END || n == 2)) best = t;
    }
    if (best == T_END) return (struct token){.type = T_END};
    return token(lx, (enum tok)best, strlen(names[best]));
}

static struct token unexpected(struct lexer *lx, const char *where)
{
    char text[PQ_RUNE_TEXT];
    return mw_pq_bad(lx, lx->at, "unexpected character%s: %s", where,
                     mw_pq_quote_rune(rest(lx, lx->at), text));
}

/* -- outside of braces ---------------------------------------------------------------------- */

static struct token at_end(struct lexer *lx)
{
    if (lx->braces) return mw_pq_bad(lx, lx->at, "unexpected end of input inside braces");
    if (lx->duration)
        return mw_pq_bad(lx, lx->at, "unexpected end of input in duration expression");
    if (lx->parens) return mw_pq_bad(lx, lx->at, "unclosed left parenthesis");
    if (lx->brackets) return mw_pq_bad(lx, lx->at, "unclosed left bracket");
    return (struct token){.type = T_END, .pos = lx->at, .end = lx->at};
}

/* A name or a colon where a range is being given. */
static struct token lex_in_range(struct lexer *lx)
{
    char text[PQ_RUNE_TEXT];
    if (at(lx, lx->at) == ':') {
        if (lx->got_colon) return mw_pq_bad(lx, lx->at, "unexpected colon ':'");
        lx->got_colon = true;
        return token(lx, T_COLON, 1);
    }
    struct token t = lex_duration_word(lx);
    if (t.type != T_END) return t;
    return mw_pq_bad(lx, lx->at, "unexpected character: %s, expected ':'",
                     mw_pq_quote_rune(rest(lx, lx->at), text));
}

static struct token after_symbol(struct lexer *lx, struct token t)
{
    char text[PQ_RUNE_TEXT];
    size_t second = t.pos + 1;
    switch (t.type) {
    case T_LPAREN: lx->parens++; return t;
    case T_RPAREN: return closed_once_too_often(lx, t);
    case T_LBRACKET: return opened_bracket(lx, t);
    case T_RBRACKET: return closed_bracket(lx, t);
    case T_LBRACE: lx->braces = true; return t;
    case T_RE: return mw_pq_bad(lx, t.pos, "unexpected character after '=': '~'");
    case T_NRE:
        return mw_pq_bad(lx, t.pos, "unexpected character after '!': %s",
                         mw_pq_quote_rune(rest(lx, second), text));
    case T_RBRACE:
    case T_COLON:
    case T_END: lx->at = t.type == T_END ? lx->at : t.pos; return unexpected(lx, "");
    default: return t;
    }
}

static struct token lex_statement(struct lexer *lx)
{
    char c = at(lx, lx->at), d = at(lx, lx->at + 1), text[PQ_RUNE_TEXT];
    if (is_digit(c) || (c == '.' && is_digit(d))) return mw_pq_lex_number(lx);
    if (c == '"' || c == '\'' || c == '`') return mw_pq_lex_string(lx);
    if (is_alpha(c) || c == ':') return lx->brackets ? lex_in_range(lx) : lex_name(lx);
    if (c == '!' && d != '=')
        return mw_pq_bad(lx, lx->at, "unexpected character after '!': %s",
                         mw_pq_quote_rune(rest(lx, lx->at + 1), text));
    return after_symbol(lx, symbol(lx, T_FIRST_SYMBOL, T_POW));
}

/* Between "[" and the first number. */
static struct token lex_duration(struct lexer *lx)
{
    static const char what[] = " in duration expression";
    char c = at(lx, lx->at), d = at(lx, lx->at + 1);
    if (is_digit(c) || (c == '.' && is_digit(d))) {
        lx->got_duration = true;
        lx->duration = false;
        return mw_pq_lex_number(lx);
    }
    if (c == ':') {
        struct token t = token(lx, T_COLON, 1);
        if (!lx->got_duration)
            return mw_pq_bad(lx, lx->at, "unexpected colon before duration in duration expression");
        if (lx->got_colon)
            return mw_pq_bad(lx, lx->at, "unexpected repeated colon in duration expression");
        lx->got_colon = true;
        return t;
    }
    if (is_alpha(c)) {
        struct token t = lex_duration_word(lx);
        return t.type == T_END ? unexpected(lx, what) : t;
    }
    if (c && strchr("()],", c)) return after_symbol(lx, symbol(lx, T_FIRST_SYMBOL, T_COMMA));
    struct token t = symbol(lx, T_ADD, T_POW);
    return t.type == T_END ? unexpected(lx, what) : t;
}

/* -- inside of braces ----------------------------------------------------------------------- */

static struct token lex_in_braces(struct lexer *lx)
{
    char c = at(lx, lx->at), text[PQ_RUNE_TEXT];
    if (is_alpha(c)) return token(lx, T_IDENT, word_length(lx, true, false));
    if (c == '"' || c == '\'' || c == '`') return mw_pq_lex_string(lx);
    if (c == '{') return mw_pq_bad(lx, lx->at, "unexpected left brace '{'");
    if (c == '}') lx->braces = false;
    if (c && strchr(",}", c)) return symbol(lx, T_FIRST_SYMBOL, T_COMMA);
    if (c == '=')
        return token(lx, at(lx, lx->at + 1) == '~' ? T_RE : T_ASSIGN,
                     at(lx, lx->at + 1) == '~' ? 2 : 1);
    if (c != '!') return unexpected(lx, " inside braces");
    char d = at(lx, lx->at + 1);
    if (d == '~' || d == '=') return token(lx, d == '~' ? T_NRE : T_NE, 2);
    return mw_pq_bad(lx, lx->at, "unexpected character after '!' inside braces: %s",
                     mw_pq_quote_rune(rest(lx, lx->at + 1), text));
}

static void skip_blank(struct lexer *lx)
{
    for (; lx->at < lx->src.n; lx->at++) {
        char c = lx->src.p[lx->at];
        if (c == '#' && !lx->duration)
            while (lx->at + 1 < lx->src.n && lx->src.p[lx->at + 1] != '\r' &&
                   lx->src.p[lx->at + 1] != '\n')
                lx->at++;
        else if (!is_space(c))
            return;
    }
}

struct token mw_pq_next(struct lexer *lx)
{
    skip_blank(lx);
    if (lx->at >= lx->src.n) return at_end(lx);
    if (lx->braces) return lex_in_braces(lx);
    return lx->duration ? lex_duration(lx) : lex_statement(lx);
}

/* lexer.c - PromQL text as tokens.
 *
 * One token at a time, no look-back.  A colon belongs to a name outside of square brackets and
 * separates range and step inside them; everything else does not depend on where it stands.
 * SPDX-License-Identifier: MIT */
#include "promql/lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

static const char *const names[T_COUNT] = {
#define PQ_TOK(id, text) [T_##id] = text,
    PQ_SYMBOLS(PQ_TOK)
#undef PQ_TOK
#define PQ_TOK(id, text) [T_KW_##id] = text,
        PQ_KEYWORDS(PQ_TOK)
#undef PQ_TOK
};

mw_str mw_pq_keyword_text(enum tok t) { return mw_str_of(names[t]); }

/* -- places and errors ---------------------------------------------------------------------- */

void mw_pq_place(mw_str src, size_t pos, int *line, int *col)
{
    *line = *col = 1;
    for (size_t i = 0; i < pos && i < src.n; i++) {
        if (src.p[i] == '\n')
            ++*line, *col = 1;
        else if (((unsigned char)src.p[i] & 0xc0) != 0x80)
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

static void describe(char out[96], const char *kind, mw_str text)
{
    int shown = text.n > 48 ? 48 : (int)text.n;
    snprintf(out, 96, "%s \"%.*s%s\"", kind, shown, text.p, text.n > 48 ? "..." : "");
}

const char *mw_pq_token_text(const struct token *t, char out[96])
{
    switch (t->type) {
    case T_END: return "end of input";
    case T_IDENT: describe(out, "identifier", t->text); break;
    case T_NUMBER: describe(out, "number", t->text); break;
    case T_DURATION: describe(out, "duration", t->text); break;
    case T_STRING: describe(out, "string", t->str); break;
    default: describe(out, t->type >= T_FIRST_KEYWORD ? "keyword" : "character", t->text);
    }
    return out;
}

static struct token bad(struct lexer *lx, size_t pos, const char *what, mw_str text)
{
    mw_pq_fail(lx->err, lx->src, pos, MW_EPARSE, "%s: \"%.*s\"", what,
               text.n > 64 ? 64 : (int)text.n, text.p);
    return (struct token){.type = T_BAD, .pos = pos, .end = pos};
}

/* -- strings -------------------------------------------------------------------------------- */

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63));
        return out[2] = (char)(0x80 | (c & 63)), 3;
    }
    out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63));
    return 4;
}

static bool digits(const char *p, const char *end, int n, int base, uint32_t *out)
{
    *out = 0;
    if (end - p < n) return false;
    for (int i = 0; i < n; i++) {
        int c = tolower((unsigned char)p[i]);
        int d = isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
        if (d >= base) return false;
        *out = *out * (uint32_t)base + (uint32_t)d;
    }
    return true;
}

/* One escape at P (behind the backslash): bytes into OUT, their number in *N, the bytes read as
 * the answer; 0 when it is no escape. */
static size_t escape(const char *p, const char *end, char quote, char *out, size_t *n)
{
    static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
    uint32_t c;
    *n = 1;
    if (p == end) return 0;
    const char *simple = *p ? strchr(from, *p) : NULL;
    if (simple) return out[0] = to[simple - from], 1;
    if (*p == quote) return out[0] = quote, 1;
    if (*p == 'x') return digits(p + 1, end, 2, 16, &c) ? (void)(out[0] = (char)c), 3 : 0;
    if (*p >= '0' && *p <= '7')
        return digits(p, end, 3, 8, &c) && c < 256 ? (void)(out[0] = (char)c), 3 : 0;
    if (*p != 'u' && *p != 'U') return 0;
    int width = *p == 'u' ? 4 : 8;
    if (!digits(p + 1, end, width, 16, &c)) return 0;
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0;
    *n = put_utf8(out, c);
    return (size_t)width + 1;
}

static struct token finish_string(struct lexer *lx, size_t start, char *text, size_t n)
{
    struct token t = {T_STRING, start, lx->at, {lx->src.p + start, lx->at - start}, 0, {text, n}};
    return t;
}

/* Bytes up to the closing quote of the string at START; what it stands for is never longer. */
static size_t string_length(const struct lexer *lx, size_t start)
{
    size_t at = start + 1;
    char quote = lx->src.p[start];
    while (at < lx->src.n && lx->src.p[at] != quote)
        at += quote != '`' && lx->src.p[at] == '\\' ? 2 : 1;
    return at - start;
}

static struct token lex_string(struct lexer *lx)
{
    size_t start = lx->at++;
    const char *src = lx->src.p, *end = src + lx->src.n;
    char quote = src[start];
    size_t n = 0, put;
    char *text = mw_arena_alloc(lx->arena, string_length(lx, start) + 4);
    if (!text) return bad(lx, start, "query is too large", MW_STR(""));
    for (; lx->at < lx->src.n; lx->at++) {
        char c = src[lx->at];
        if (c == quote) {
            lx->at++, text[n] = 0;
            return finish_string(lx, start, text, n);
        }
        if (quote == '`' || (c != '\\' && c != '\n')) {
            text[n++] = c;
            continue;
        }
        if (c == '\n') break;
        size_t read = escape(src + lx->at + 1, end, quote, text + n, &put);
        if (!read)
            return bad(lx, lx->at, "unknown escape sequence in a string",
                       (mw_str){src + lx->at, lx->at + 1 < lx->src.n ? 2 : 1});
        n += put, lx->at += read;
    }
    return bad(lx, start, quote == '`' ? "unterminated raw string" : "unterminated quoted string",
               (mw_str){src + start, lx->at - start});
}

/* -- numbers and durations ------------------------------------------------------------------ */

static bool is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

static size_t run(const struct lexer *lx, size_t at, const char *set)
{
    while (at < lx->src.n && lx->src.p[at] && strchr(set, lx->src.p[at])) at++;
    return at;
}

/* Where the number at AT ends: hex, or digits with underscores, a fraction and an exponent. */
static size_t number_end(const struct lexer *lx, size_t at)
{
    static const char dec[] = "0123456789_";
    const char *p = lx->src.p;
    size_t n = lx->src.n;
    if (at + 1 < n && p[at] == '0' && (p[at + 1] | 32) == 'x')
        return run(lx, at + 2, "0123456789abcdefABCDEF_");
    at = run(lx, at, dec);
    if (at < n && p[at] == '.') at = run(lx, at + 1, dec);
    if (at < n && (p[at] | 32) == 'e') {
        size_t e = at + 1;
        if (e < n && (p[e] == '+' || p[e] == '-')) e++;
        if (e < n && isdigit((unsigned char)p[e])) at = run(lx, e, dec);
    }
    return at;
}

/* An underscore stands between two digits or behind the prefix; never elsewhere. */
static bool strip_underscores(mw_str s, char *out, size_t cap, size_t *n)
{
    *n = 0;
    if (s.n >= cap) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '_') {
            out[(*n)++] = s.p[i];
            continue;
        }
        bool before = i > 0 && (isxdigit((unsigned char)s.p[i - 1]) || (s.p[i - 1] | 32) == 'x');
        bool after = i + 1 < s.n && isxdigit((unsigned char)s.p[i + 1]);
        if (!before || !after) return false;
    }
    return true;
}

/* "0755" is octal, as in Go; "08" and "0.5" are decimal. */
static bool octal(mw_str s, double *out)
{
    double v = 0;
    if (s.n < 2 || s.p[0] != '0') return false;
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '7') return false;
        v = v * 8 + (s.p[i] - '0');
    }
    *out = v;
    return true;
}

static struct token lex_number(struct lexer *lx)
{
    char digits_only[512]; /* any double without an exponent fits */
    size_t start = lx->at, end = number_end(lx, start), n;
    const char *p = lx->src.p;
    struct token t = {.type = T_NUMBER, .pos = start};
    bool unit = end < lx->src.n && is_name(p[end]);
    while (end < lx->src.n && is_name(p[end])) end++;
    lx->at = t.end = end;
    t.text = (mw_str){p + start, end - start};
    if (unit) {
        int64_t ms;
        t.type = T_DURATION;
        if (!mw_duration_parse(t.text, &ms))
            return bad(lx, start, "bad number or duration syntax", t.text);
        t.num = (double)ms / 1000;
        return t;
    }
    if (!strip_underscores(t.text, digits_only, sizeof digits_only, &n))
        return bad(lx, start, "bad number or duration syntax", t.text);
    mw_str text = {digits_only, n};
    if (!octal(text, &t.num) && !mw_double_parse(text, &t.num))
        return bad(lx, start, "bad number or duration syntax", t.text);
    return t;
}

/* -- names and symbols ---------------------------------------------------------------------- */

static enum tok keyword(mw_str word)
{
    for (int t = T_FIRST_KEYWORD; t < T_COUNT; t++)
        if (strlen(names[t]) == word.n && !strncasecmp(names[t], word.p, word.n))
            return (enum tok)t;
    return T_IDENT;
}

static struct token lex_name(struct lexer *lx)
{
    size_t start = lx->at;
    const char *p = lx->src.p;
    while (lx->at < lx->src.n && (is_name(p[lx->at]) || (p[lx->at] == ':' && !lx->brackets)))
        lx->at++;
    mw_str text = {p + start, lx->at - start};
    return (struct token){keyword(text), start, lx->at, text, 0, {NULL, 0}};
}

static struct token lex_symbol(struct lexer *lx)
{
    size_t start = lx->at, left = lx->src.n - start;
    const char *p = lx->src.p + start;
    int best = T_BAD;
    for (int t = T_LPAREN; t < T_FIRST_KEYWORD; t++) {
        size_t n = strlen(names[t]);
        if (n <= left && !memcmp(p, names[t], n) && (best == T_BAD || n == 2)) best = t;
    }
    if (best == T_BAD) {
        size_t n = 1;
        while (n < left && ((unsigned char)p[n] & 0xc0) == 0x80) n++;
        return bad(lx, start, "unexpected character", (mw_str){p, n});
    }
    lx->brackets += (best == T_LBRACKET) - (best == T_RBRACKET && lx->brackets > 0);
    lx->at += strlen(names[best]);
    return (struct token){(enum tok)best, start, lx->at, {p, lx->at - start}, 0, {NULL, 0}};
}

static void skip_blank(struct lexer *lx)
{
    for (; lx->at < lx->src.n; lx->at++) {
        char c = lx->src.p[lx->at];
        if (c == '#')
            while (lx->at + 1 < lx->src.n && lx->src.p[lx->at + 1] != '\n') lx->at++;
        else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
    }
}

struct token mw_pq_next(struct lexer *lx)
{
    skip_blank(lx);
    if (lx->at >= lx->src.n) return (struct token){.type = T_END, .pos = lx->at, .end = lx->at};
    char c = lx->src.p[lx->at], d = lx->at + 1 < lx->src.n ? lx->src.p[lx->at + 1] : 0;
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)d))) return lex_number(lx);
    if (c == '"' || c == '\'' || c == '`') return lex_string(lx);
    if (isalpha((unsigned char)c) || c == '_' || (c == ':' && !lx->brackets)) return lex_name(lx);
    return lex_symbol(lx);
}

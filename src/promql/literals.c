/* literals.c - strings, numbers and durations of PromQL.
 *
 * Where a literal ends is one question and what it is worth another: "5m1h" is one token and no
 * duration.  Each has its own errors, those of Prometheus.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "promql/lexer.h"

static mw_str rest_at(const struct lexer *lx, size_t at)
{
    return at < lx->src.n ? (mw_str){lx->src.p + at, lx->src.n - at} : (mw_str){"", 0};
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

static unsigned digit_of(char c)
{
    if (isdigit((unsigned char)c)) return (unsigned)(c - '0');
    c |= 32;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* The N digits of an escape at *AT; false after saying what is wrong with them. */
static bool escape_digits(struct lexer *lx, size_t start, size_t *at, int n, unsigned base,
                          uint32_t *out, struct token *bad)
{
    char name[2 * PQ_RUNE_TEXT];
    for (*out = 0; n > 0; n--, ++*at) {
        mw_str rest = rest_at(lx, *at);
        if (!rest.n) return *bad = mw_pq_bad(lx, start, "escape sequence not terminated"), false;
        unsigned d = digit_of(*rest.p);
        if (d >= base)
            return *bad = mw_pq_bad(lx, start, "illegal character %s in escape sequence",
                                    mw_pq_name_rune(rest, name)),
                   false;
        *out = *out * base + d;
    }
    return true;
}

/* One escape whose backslash is at *AT: its bytes to OUT, their number in *PUT. */
static bool escape(struct lexer *lx, size_t start, size_t *at, char *out, size_t *put,
                   struct token *bad)
{
    static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
    static const struct {
        char letter;
        int digits;
        unsigned base, most;
    } kinds[] = {{'x', 2, 16, 255}, {'u', 4, 16, 0x10ffff}, {'U', 8, 16, 0x10ffff}};
    char name[2 * PQ_RUNE_TEXT];
    mw_str rest = rest_at(lx, ++*at);
    uint32_t c;
    if (!rest.n) return *bad = mw_pq_bad(lx, start, "escape sequence not terminated"), false;
    const char *simple = *rest.p ? strchr(from, *rest.p) : NULL;
    *put = 1;
    if (simple || *rest.p == lx->src.p[start]) {
        *out = simple ? to[simple - from] : *rest.p;
        return ++*at, true;
    }
    int digits = *rest.p >= '0' && *rest.p <= '7' ? 3 : 0;
    unsigned base = 8, most = 255;
    for (size_t i = 0; i < 3 && !digits; i++)
        if (*rest.p == kinds[i].letter)
            digits = kinds[i].digits, base = kinds[i].base, most = kinds[i].most, ++*at;
    if (!digits)
        return *bad =
                   mw_pq_bad(lx, start, "unknown escape sequence %s", mw_pq_name_rune(rest, name)),
               false;
    if (!escape_digits(lx, start, at, digits, base, &c, bad)) return false;
    if (c > most || (c >= 0xd800 && c < 0xe000))
        return *bad = mw_pq_bad(lx, start, "escape sequence is an invalid Unicode code point"),
               false;
    if (most > 255)
        *put = put_utf8(out, c);
    else
        *out = (char)c;
    return true;
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

struct token mw_pq_lex_string(struct lexer *lx)
{
    size_t start = lx->at, at = start + 1, n = 0, bytes;
    char quote = lx->src.p[start];
    struct token bad;
    char *text = mw_arena_alloc(lx->arena, string_length(lx, start) + 4);
    if (!text) return mw_pq_bad(lx, start, "the expression is too large");
    while (at < lx->src.n) {
        const char *p = lx->src.p + at;
        if (*p == quote) {
            text[n] = 0;
            lx->at = at + 1;
            return (struct token){
                T_STRING, start, at + 1, {lx->src.p + start, at + 1 - start}, {text, n}};
        }
        if (quote != '`' && *p == '\n') break;
        if (quote != '`' && *p == '\\') {
            if (!escape(lx, start, &at, text + n, &bytes, &bad)) return bad;
            n += bytes;
            continue;
        }
        if (mw_pq_rune(rest_at(lx, at), &bytes) == 0xfffd)
            return mw_pq_bad(lx, start, "invalid UTF-8 rune");
        memcpy(text + n, p, bytes);
        n += bytes, at += bytes;
    }
    return mw_pq_bad(lx, start,
                     quote == '`' ? "unterminated raw string" : "unterminated quoted string");
}

/* -- where numbers and durations end -------------------------------------------------------- */

static bool is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

static char peek(const struct lexer *lx) { return lx->at < lx->src.n ? lx->src.p[lx->at] : 0; }

static bool is_one_of(const struct lexer *lx, const char *set)
{
    return peek(lx) && strchr(set, peek(lx));
}

static bool take(struct lexer *lx, const char *set)
{
    if (!is_one_of(lx, set)) return false;
    lx->at++;
    return true;
}

/* Past a number, or to where it is none. */
static bool scan_number(struct lexer *lx)
{
    static const char dec[] = "0123456789", hex[] = "0123456789abcdefABCDEF";
    const char *digits = dec;
    bool dot = false, exponent = false;
    size_t start = lx->at;
    if (take(lx, "0") && take(lx, "xX")) take(lx, "_"), digits = hex;
    take(lx, ".");
    take(lx, digits);
    while (is_one_of(lx, digits) || is_one_of(lx, "._eE")) {
        if ((dot && take(lx, ".")) || (exponent && take(lx, "eE"))) return false;
        if (take(lx, ".")) {
            dot = true;
            if (take(lx, "_.") || digits == hex) return false;
        } else if (take(lx, "eE")) {
            exponent = true;
            take(lx, "+-");
            if (take(lx, "._eE") || lx->at >= lx->src.n) return false;
        } else if (take(lx, "_")) {
            if (take(lx, "._eE") || lx->at >= lx->src.n) return false;
        } else
            while (take(lx, digits)) continue;
    }
    return lx->at > start && !is_name(peek(lx));
}

/* Past what follows the first number of a duration. */
static bool scan_duration(struct lexer *lx)
{
    if (!take(lx, "smhdwy")) return false;
    take(lx, "s"); /* of ms; wrong units are found when the duration is read */
    while (take(lx, "0123456789")) {
        while (take(lx, "0123456789")) continue;
        if (!take(lx, "smhdw")) return false;
        take(lx, "s");
    }
    if (!is_name(peek(lx))) return true;
    lx->at++;
    return false;
}

struct token mw_pq_lex_number(struct lexer *lx)
{
    size_t start = lx->at;
    char text[PQ_TOKEN_TEXT];
    bool number = scan_number(lx);
    if (!number && !scan_duration(lx))
        return mw_pq_bad(
            lx, start, "bad number or duration syntax: %s",
            mw_pq_quote((mw_str){lx->src.p + start, lx->at - start}, SIZE_MAX, text, sizeof text));
    return (struct token){.type = number ? T_NUMBER : T_DURATION,
                          .pos = start,
                          .end = lx->at,
                          .text = {lx->src.p + start, lx->at - start}};
}

/* -- what they are worth -------------------------------------------------------------------- */

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

enum { NUMBER_MAX = 1024 };

static bool number_value(mw_str text, double *out, char why[PQ_TOKEN_TEXT])
{
    char digits[NUMBER_MAX], shown[PQ_TOKEN_TEXT];
    size_t n;
    bool ok = strip_underscores(text, digits, sizeof digits, &n);
    mw_str s = {digits, n};
    bool hex = ok && n > 1 && (digits[1] | 32) == 'x';
    bool read = ok && (octal(s, out) || mw_double_parse(s, out));
    bool word = isalpha((unsigned char)text.p[0]); /* inf, nan */
    bool beyond = read && !word && isinf(*out);
    if (ok && !read && !hex && s.n > 100) beyond = true;
    if (read && !beyond && !(hex && *out >= 9223372036854775808.0)) return true;
    snprintf(why, PQ_TOKEN_TEXT, "error parsing number: strconv.ParseFloat: parsing %s: %s",
             mw_pq_quote(text, SIZE_MAX, shown, sizeof shown - 80),
             beyond ? "value out of range" : "invalid syntax");
    return false;
}

/* A unit and its place in the order in which units stand. */
static const struct unit {
    const char *name;
    int place;
    uint64_t ms;
} units[] = {
    {"y", 1, UINT64_C(31536000000)},
    {"w", 2, 604800000},
    {"d", 3, 86400000},
    {"h", 4, 3600000},
    {"m", 5, 60000},
    {"s", 6, 1000},
    {"ms", 7, 1},
};

static const struct unit *find_unit(mw_str name)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (mw_str_is(name, units[i].name)) return &units[i];
    return NULL;
}

static bool out_of_range(char why[PQ_TOKEN_TEXT])
{
    snprintf(why, PQ_TOKEN_TEXT, "duration out of range");
    return false;
}

static bool duration_value(mw_str text, double *out, char why[PQ_TOKEN_TEXT])
{
    static const uint64_t longest = INT64_MAX / 1000000; /* nanoseconds must fit */
    char shown[100], name[40];
    uint64_t ms = 0;
    int place = 0;
    mw_pq_quote(text, 80, shown, sizeof shown);
    for (size_t i = 0; i < text.n;) {
        uint64_t v = 0;
        size_t digits = i;
        for (; i < text.n && isdigit((unsigned char)text.p[i]); i++)
            if (__builtin_mul_overflow(v, 10, &v) ||
                __builtin_add_overflow(v, (uint64_t)(text.p[i] - '0'), &v))
                v = UINT64_MAX;
        size_t at = i;
        while (i < text.n && !isdigit((unsigned char)text.p[i])) i++;
        const struct unit *u = find_unit((mw_str){text.p + at, i - at});
        if (at > digits && i > at && !u) {
            mw_pq_quote((mw_str){text.p + at, i - at}, 10, name, sizeof name);
            snprintf(why, PQ_TOKEN_TEXT, "unknown unit %s in duration %s", name, shown);
            return false;
        }
        if (at == digits || i == at || v == UINT64_MAX || u->place <= place) {
            snprintf(why, PQ_TOKEN_TEXT, "not a valid duration string: %s", shown);
            return false;
        }
        place = u->place;
        if (v > longest / u->ms) return out_of_range(why);
        ms += v * u->ms;
        if (ms > longest) return out_of_range(why);
    }
    *out = (double)ms / 1000;
    return true;
}

bool mw_pq_number(const struct token *t, double *out, char why[PQ_TOKEN_TEXT])
{
    return t->type == T_DURATION ? duration_value(t->text, out, why)
                                 : number_value(t->text, out, why);
}

/* promtext_line.c - reading one line.
 *
 * Finding the end of a key only has to know about quotes; names and escapes are checked when the
 * labels are taken apart, which happens once in the life of a series.
 * SPDX-License-Identifier: MIT */
#include "ingest/promtext_line.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "ingest/result.h"

static bool blank(char c) { return c == ' ' || c == '\t'; }
static bool over(char c) { return blank(c) || c == '\n' || c == '\r'; }

static const char *skip_blank(const char *p, const char *end)
{
    while (p < end && blank(*p)) p++;
    return p;
}

/* -- the key -------------------------------------------------------------------------------- */

/* Behind the '{': where the block ends. */
static const char *block_end(const char *p, const char *end, const char **wrong)
{
    bool quoted = false;
    for (; p < end && *p != '\n'; p++) {
        if (quoted && *p == '\\' && p + 1 < end && p[1] != '\n')
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (*p == '}' && !quoted)
            return p + 1;
    }
    *wrong = quoted ? "a label value without its closing quote" : "labels without closing '}'";
    return NULL;
}

const char *mw_promline_key_end(const char *p, const char *end, const char **wrong)
{
    const char *start = p;
    while (p < end && *p != '{' && !over(*p)) p++;
    const char *block = skip_blank(p, end);
    if (block < end && *block == '{') return block_end(block + 1, end, wrong);
    if (p > start) return p;
    *wrong = "expected a metric name";
    return NULL;
}

/* -- value and time ------------------------------------------------------------------------- */

/* Decimal with at most 19 digits and a small exponent: exact by one multiplication or division
 * (Clinger 1990).  NULL sends the caller the long way. */
static const char *short_number(const char *p, const char *end, double *out)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool minus = p < end && *p == '-';
    uint64_t v = 0;
    int exp = 0, digits = 0;
    if (minus) p++;
    for (; p < end && (unsigned)(*p - '0') <= 9; p++, digits++) v = v * 10 + (unsigned)(*p - '0');
    if (p < end && *p == '.')
        for (p++; p < end && (unsigned)(*p - '0') <= 9; p++, digits++, exp--)
            v = v * 10 + (unsigned)(*p - '0');
    if (!digits || digits > 19) return NULL;
    if (p < end && (*p == 'e' || *p == 'E')) {
        int e = 0, n = 0;
        bool down = ++p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        for (; p < end && (unsigned)(*p - '0') <= 9 && n < 4; p++, n++) e = e * 10 + (*p - '0');
        if (!n) return NULL;
        exp += down ? -e : e;
    }
    if (v >> 53 || exp < -22 || exp > 22 || (p < end && !over(*p))) return NULL;
    double d = exp < 0 ? (double)v / tens[-exp] : (double)v * tens[exp];
    *out = minus ? -d : d;
    return p;
}

static const char *token_end(const char *p, const char *end)
{
    while (p < end && !over(*p)) p++;
    return p;
}

static const char *read_number(const char *p, const char *end, double *out)
{
    const char *q = short_number(p, end, out);
    if (q) return q;
    q = token_end(p, end);
    return mw_double_parse((mw_str){p, (size_t)(q - p)}, out) ? q : NULL;
}

static const char *read_time(const char *p, const char *end, bool seconds, mw_promline_value *out)
{
    const char *q = token_end(p, end);
    mw_str text = {p, (size_t)(q - p)};
    double s;
    out->has_time = true;
    if (!seconds) return mw_int64_parse(text, &out->t) ? q : NULL;
    if (!mw_double_parse(text, &s) || !(fabs(s) < 1e15)) return NULL;
    out->t = llround(s * 1000);
    return q;
}

const char *mw_promline_value_read(const char *p, const char *end, bool seconds,
                                   mw_promline_value *out, const char **wrong)
{
    out->has_time = false;
    out->exemplar.n = 0;
    p = skip_blank(p, end);
    if (p == end || over(*p)) return *wrong = "expected a value", NULL;
    if (!(p = read_number(p, end, &out->v))) return *wrong = "the value is not a number", NULL;
    p = skip_blank(p, end);
    if (p < end && *p != '\n' && *p != '#' && *p != '\r') {
        p = read_time(p, end, seconds, out);
        if (!p) return *wrong = "the time is not a number", NULL;
        p = skip_blank(p, end);
    }
    if (p < end && *p == '#') {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        out->exemplar = (mw_str){p + 1, (size_t)((newline ? newline : end) - p) - 1};
        return newline ? newline + 1 : end;
    }
    if (p < end && *p == '\r') p++;
    if (p < end && *p != '\n') return *wrong = "unexpected text behind the value", NULL;
    return p < end ? p + 1 : end;
}

/* -- labels --------------------------------------------------------------------------------- */

struct reader {
    const char *p, *end;
    mw_arena *arena;
    mw_err *err;
    int code;
};

static bool wrong(struct reader *r, const char *what)
{
    if (!r->code) r->code = mw_fail(r->err, MW_EPARSE, 0, 0, "%s", what);
    return false;
}

static bool name(struct reader *r, bool colon, mw_str *out)
{
    const char *from = r->p;
    while (r->p < r->end && !over(*r->p) && !strchr("{}=,\"", *r->p)) r->p++;
    *out = (mw_str){from, (size_t)(r->p - from)};
    if (colon ? mw_metric_name_valid(*out) : mw_label_name_valid(*out)) return true;
    return wrong(r, colon ? "not a metric name" : "not a label name");
}

static bool unescape(struct reader *r, mw_str raw, mw_str *out)
{
    char *copy = mw_arena_alloc(r->arena, raw.n + 1), *to = copy;
    if (!copy) return r->code = mw_ingest_arena_full(r->err), false;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '\\' && i + 1 < raw.n) {
            char e = raw.p[++i];
            if (e == 'n')
                c = '\n';
            else if (e == '\\' || e == '"')
                c = e;
            else
                *to++ = '\\', c = e; /* as Prometheus keeps an escape that it does not know */
        }
        *to++ = c;
    }
    *out = (mw_str){copy, (size_t)(to - copy)};
    return true;
}

static bool quoted(struct reader *r, mw_str *out)
{
    if (r->p == r->end || *r->p != '"') return wrong(r, "expected a text in quotes");
    const char *from = ++r->p;
    bool escapes = false;
    while (r->p < r->end && *r->p != '"') {
        if (*r->p == '\\') escapes = true, r->p++;
        r->p++;
    }
    if (r->p >= r->end) return wrong(r, "a label value without its closing quote");
    *out = (mw_str){from, (size_t)(r->p++ - from)};
    if (!mw_utf8_valid(*out)) return wrong(r, "a label value is not UTF-8");
    return escapes ? unescape(r, *out, out) : true;
}

/* NAME="value", "name"="value", or "metric name" alone. */
static bool pair(struct reader *r, mw_label *out)
{
    bool in_quotes = *r->p == '"';
    if (in_quotes ? !quoted(r, &out->name) : !name(r, false, &out->name)) return false;
    if (!out->name.n) return wrong(r, "an empty label name");
    r->p = skip_blank(r->p, r->end);
    if (in_quotes && r->p < r->end && *r->p != '=') {
        *out = (mw_label){MW_STR(MW_METRIC_NAME), out->name};
        return true;
    }
    if (r->p == r->end || *r->p != '=') return wrong(r, "expected '=' behind a label name");
    r->p = skip_blank(r->p + 1, r->end);
    return quoted(r, &out->value);
}

/* Behind the '{'; the '}' is the last byte, as mw_promline_key_end saw to it. */
static void block(struct reader *r, mw_label **out, size_t *n)
{
    for (;;) {
        r->p = skip_blank(r->p, r->end);
        if (r->p < r->end && *r->p == '}') return;
        mw_label *l = mw_push_in(r->arena, out, n, sizeof *l);
        if (!l) {
            r->code = mw_ingest_arena_full(r->err);
            return;
        }
        if (r->p == r->end || !pair(r, l)) {
            wrong(r, "expected a label name");
            return;
        }
        r->p = skip_blank(r->p, r->end);
        if (r->p < r->end && *r->p == ',')
            r->p++;
        else if (r->p == r->end || *r->p != '}') {
            wrong(r, "expected ',' or '}'");
            return;
        }
    }
}

int mw_promline_labels(mw_str key, mw_arena *a, mw_label **out, size_t *n, mw_err *err)
{
    struct reader r = {.p = key.p, .end = key.p + key.n, .arena = a, .err = err};
    mw_str metric;
    *out = NULL;
    *n = 0;
    if (*r.p != '{') {
        if (!name(&r, true, &metric)) return r.code;
        mw_label *l = mw_push_in(a, out, n, sizeof *l);
        if (!l) return mw_ingest_arena_full(err);
        *l = (mw_label){MW_STR(MW_METRIC_NAME), metric};
    }
    r.p = skip_blank(r.p, r.end);
    if (r.p < r.end) {
        r.p++;
        block(&r, out, n);
    }
    size_t metrics = 0;
    for (size_t i = 0; i < *n && !r.code; i++) metrics += mw_str_is((*out)[i].name, MW_METRIC_NAME);
    if (!r.code && metrics != 1)
        wrong(&r, metrics ? "more than one metric name" : "no metric name");
    return r.code;
}

bool mw_promline_exemplar(mw_str text, mw_arena *a, mw_label **out, size_t *n,
                          mw_promline_value *value)
{
    const char *wrong_text, *end = text.p + text.n;
    struct reader r = {.p = skip_blank(text.p, end), .arena = a};
    *out = NULL;
    *n = 0;
    if (r.p == end || *r.p != '{') return false;
    r.end = block_end(r.p + 1, end, &wrong_text);
    if (!r.end) return false;
    r.p++;
    block(&r, out, n);
    return !r.code && r.p + 1 == r.end &&
           mw_promline_value_read(r.end, end, true, value, &wrong_text) && !value->exemplar.n;
}

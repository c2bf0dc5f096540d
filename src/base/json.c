/* json.c - the pull reader.
 *
 * The only state is a position, the kind of each open container and whether a comma is due.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <string.h>

#include "base/num.h"

/* -- start, end, mistakes ------------------------------------------------------------------- */

void mw_json_init(mw_json *j, mw_str text, mw_arena *arena, mw_err *err)
{
    *j = (mw_json){.p = text.p, .end = text.p + text.n, .start = text.p, .arena = arena};
    j->err = err;
}

static bool stop(mw_json *j, int code, const char *what)
{
    if (j->code) return false;
    int line = 1, col = 1;
    for (const char *p = j->start; p < j->p; p++) {
        col = *p == '\n' ? 1 : col + 1;
        line += *p == '\n';
    }
    j->code =
        mw_fail(j->err, code, line, col, "JSON: %s at byte %zu", what, (size_t)(j->p - j->start));
    return false;
}

int mw_json_fail(mw_json *j, const char *what)
{
    stop(j, MW_EPARSE, what);
    return j->code;
}

static void space(mw_json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'))
        j->p++;
}

int mw_json_end(mw_json *j)
{
    if (j->code) return j->code;
    space(j);
    if (j->p < j->end) stop(j, MW_EPARSE, "unexpected text behind the value");
    return j->code;
}

mw_json_type mw_json_peek(mw_json *j)
{
    if (j->code) return MW_JSON_NONE;
    space(j);
    if (j->p == j->end)
        return stop(j, MW_EPARSE, "the text ends where a value is due"), MW_JSON_NONE;
    switch (*j->p) {
    case '{': return MW_JSON_OBJECT;
    case '[': return MW_JSON_ARRAY;
    case '"': return MW_JSON_STRING;
    case 't':
    case 'f': return MW_JSON_BOOL;
    case 'n': return MW_JSON_NULL;
    case '-': return MW_JSON_NUMBER;
    default:
        if (*j->p >= '0' && *j->p <= '9') return MW_JSON_NUMBER;
        return stop(j, MW_EPARSE, "expected a value"), MW_JSON_NONE;
    }
}

static bool want(mw_json *j, mw_json_type type, const char *what)
{
    mw_json_type t = mw_json_peek(j);
    if (t == type) return true;
    return t == MW_JSON_NONE ? false : stop(j, MW_EPARSE, what);
}

static bool word(mw_json *j, const char *text, size_t n)
{
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, text, n))
        return stop(j, MW_EPARSE, "expected a value");
    j->p += n;
    return true;
}

/* -- strings -------------------------------------------------------------------------------- */

/* Length of the valid UTF-8 character (two bytes or more) at P, or 0. */
static size_t wide(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    return c >= 0xc2 && (size_t)(end - p) >= n && mw_utf8_valid((mw_str){p, n}) ? n : 0;
}

/* Behind the opening quote: find the closing one.  COPY: something inside must be rewritten, and
 * GROWS is by how much it may become longer: a byte that is not UTF-8 becomes three. */
static const char *find_close(mw_json *j, bool *copy, size_t *grows)
{
    const char *p = j->p;
    *copy = false;
    *grows = 0;
    for (;;) {
        p = mw_str_plain(p, j->end);
        if (p == j->end) return NULL;
        unsigned char c = (unsigned char)*p;
        if (c == '"') return p;
        if (c == '\\') {
            *copy = true;
            if (j->end - p < 2) return NULL;
            p += 2;
        } else if (c >= 0x80) {
            size_t n = wide(p, j->end);
            if (!n) *copy = true, *grows += 2;
            p += n ? n : 1;
        } else {
            j->p = p;
            stop(j, MW_EPARSE, "control character in a string");
            return NULL;
        }
    }
}

static bool hex4(const char *p, const char *end, uint32_t *out)
{
    unsigned char b[2];
    if (end - p < 4 || !mw_unhex((mw_str){p, 4}, b, 2)) return false;
    *out = (uint32_t)b[0] << 8 | b[1];
    return true;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

/* The escape at *P ("u0041", just behind "\u"); pairs of surrogates are one character. */
static bool unicode(const char **p, const char *end, uint32_t *out)
{
    uint32_t low;
    if (!hex4(*p, end, out)) return false;
    *p += 4;
    if (*out < 0xd800 || *out > 0xdfff) return true;
    bool pair = *out < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' &&
                hex4(*p + 2, end, &low) && low >= 0xdc00 && low <= 0xdfff;
    if (pair) {
        *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
        *p += 6;
    } else {
        *out = 0xfffd;
    }
    return true;
}

static bool escape(const char **p, const char *end, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char c = *(*p)++;
    if (c == 'u') {
        uint32_t u;
        if (!unicode(p, end, &u)) return false;
        *to = put_utf8(*to, u);
        return true;
    }
    const char *at = c ? strchr(from, c) : NULL;
    if (!at) return false;
    *(*to)++ = into[at - from];
    return true;
}

/* AT: just behind the letter of the escape. */
static bool wrong_escape(mw_json *j, const char *at)
{
    j->p = at - 1;
    return stop(j, MW_EPARSE, "unknown escape in a string");
}

/* What is skipped is as right as what is read. */
static bool check_escapes(mw_json *j, const char *p, const char *end)
{
    while ((p = memchr(p, '\\', (size_t)(end - p)))) {
        char sink[4], *to = sink;
        p++;
        if (!escape(&p, end, &to)) return wrong_escape(j, p);
    }
    return true;
}

/* The raw inside [P, END) of a string, rewritten into the arena. */
static bool rewrite(mw_json *j, const char *p, const char *end, size_t grows, mw_str *out)
{
    char *copy = mw_arena_alloc(j->arena, (size_t)(end - p) + grows + 1), *to = copy;
    if (!copy) return stop(j, MW_ELIMIT, "more text than this request may keep");
    while (p < end) {
        const char *q = mw_str_plain(p, end);
        memcpy(to, p, (size_t)(q - p));
        to += q - p;
        p = q;
        if (p == end) break;
        if (*p == '\\') {
            p++;
            if (!escape(&p, end, &to)) return wrong_escape(j, p);
            continue;
        }
        size_t n = wide(p, end);
        if (n)
            to = mempcpy(to, p, n);
        else
            to = put_utf8(to, 0xfffd);
        p += n ? n : 1;
    }
    *to = 0;
    *out = (mw_str){copy, (size_t)(to - copy)};
    return true;
}

/* OUT may be NULL: the string is only checked. */
static bool string(mw_json *j, mw_str *out)
{
    bool copy;
    size_t grows;
    j->p++;
    const char *from = j->p, *close = find_close(j, &copy, &grows);
    if (!close) return stop(j, MW_EPARSE, "a string without its closing quote");
    if (out && copy && !rewrite(j, from, close, grows, out)) return false;
    if (!out && copy && !check_escapes(j, from, close)) return false;
    if (out && !copy) *out = (mw_str){from, (size_t)(close - from)};
    j->p = close + 1;
    return true;
}

bool mw_json_string(mw_json *j, mw_str *out)
{
    return want(j, MW_JSON_STRING, "expected a string") && string(j, out);
}

/* -- other scalars -------------------------------------------------------------------------- */

bool mw_json_bool(mw_json *j, bool *out)
{
    if (!want(j, MW_JSON_BOOL, "expected true or false")) return false;
    *out = *j->p == 't';
    return *out ? word(j, "true", 4) : word(j, "false", 5);
}

static size_t digits(mw_json *j)
{
    const char *from = j->p;
    while (j->p < j->end && *j->p >= '0' && *j->p <= '9') j->p++;
    return (size_t)(j->p - from);
}

static bool number(mw_json *j, mw_str *raw)
{
    const char *from = j->p;
    if (*j->p == '-') j->p++;
    bool zero = j->p < j->end && *j->p == '0';
    size_t n = digits(j);
    if (!n || (zero && n > 1)) return stop(j, MW_EPARSE, "not a number");
    if (j->p < j->end && *j->p == '.') {
        j->p++;
        if (!digits(j)) return stop(j, MW_EPARSE, "not a number");
    }
    if (j->p < j->end && (*j->p == 'e' || *j->p == 'E')) {
        j->p++;
        if (j->p < j->end && (*j->p == '+' || *j->p == '-')) j->p++;
        if (!digits(j)) return stop(j, MW_EPARSE, "not a number");
    }
    *raw = (mw_str){from, (size_t)(j->p - from)};
    return true;
}

bool mw_json_number(mw_json *j, mw_str *raw)
{
    return want(j, MW_JSON_NUMBER, "expected a number") && number(j, raw);
}

bool mw_json_double(mw_json *j, double *out)
{
    mw_str raw;
    if (!mw_json_number(j, &raw)) return false;
    return mw_double_parse(raw, out) ? true : stop(j, MW_EPARSE, "a number too long to read");
}

/* -- containers ----------------------------------------------------------------------------- */

static bool enter(mw_json *j, bool object)
{
    if (j->depth == MW_JSON_DEPTH) return stop(j, MW_EPARSE, "nested deeper than 100 levels");
    j->p++;
    j->in_object[j->depth++] = object;
    j->first = true;
    return true;
}

static bool container(mw_json *j, mw_json_type type, const char *what)
{
    if (mw_json_peek(j) == MW_JSON_NULL) return word(j, "null", 4), false;
    return want(j, type, what) && enter(j, type == MW_JSON_OBJECT);
}

bool mw_json_object(mw_json *j) { return container(j, MW_JSON_OBJECT, "expected an object"); }
bool mw_json_array(mw_json *j) { return container(j, MW_JSON_ARRAY, "expected an array"); }

/* Move to the next member; false when CLOSE was met, which leaves the container. */
static bool next(mw_json *j, char close, const char *what)
{
    if (j->code) return false;
    space(j);
    bool first = j->first;
    j->first = false;
    if (j->p < j->end && *j->p == close) {
        j->p++;
        j->depth--;
        return false;
    }
    if (first) return true;
    if (j->p == j->end || *j->p != ',') return stop(j, MW_EPARSE, what);
    j->p++;
    return true;
}

bool mw_json_key(mw_json *j, mw_str *key)
{
    if (!next(j, '}', "expected ',' or '}'")) return false;
    space(j);
    if (j->p == j->end || *j->p != '"') return stop(j, MW_EPARSE, "expected a key in quotes");
    if (!string(j, key)) return false;
    space(j);
    if (j->p == j->end || *j->p != ':') return stop(j, MW_EPARSE, "expected ':'");
    j->p++;
    return true;
}

bool mw_json_item(mw_json *j)
{
    return next(j, ']', "expected ',' or ']'") && mw_json_peek(j) != MW_JSON_NONE;
}

static bool skip_scalar(mw_json *j, mw_json_type type)
{
    mw_str raw;
    bool b;
    switch (type) {
    case MW_JSON_NULL: return word(j, "null", 4);
    case MW_JSON_BOOL: return mw_json_bool(j, &b);
    case MW_JSON_NUMBER: return number(j, &raw);
    case MW_JSON_STRING: return string(j, NULL);
    default: return false;
    }
}

void mw_json_skip(mw_json *j)
{
    unsigned base = j->depth;
    do {
        mw_json_type type = mw_json_peek(j);
        if (type == MW_JSON_OBJECT || type == MW_JSON_ARRAY)
            enter(j, type == MW_JSON_OBJECT);
        else
            skip_scalar(j, type);
        /* Leave what is over; stop in front of the next value. */
        while (!j->code && j->depth > base &&
               !(j->in_object[j->depth - 1] ? mw_json_key(j, NULL) : mw_json_item(j)))
            continue;
    } while (!j->code && j->depth > base);
}

bool mw_json_raw(mw_json *j, mw_str *out)
{
    if (mw_json_peek(j) == MW_JSON_NONE) return false;
    const char *from = j->p;
    mw_json_skip(j);
    *out = (mw_str){from, (size_t)(j->p - from)};
    return !j->code;
}

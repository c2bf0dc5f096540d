/* buf.c - growing bytes.  SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

void mw_buf_init(mw_buf *b) { *b = (mw_buf){0}; }
void mw_buf_reset(mw_buf *b) { b->n = 0; }

void mw_buf_deinit(mw_buf *b)
{
    mw_free(b->p);
    mw_buf_init(b);
}

char *mw_buf_room(mw_buf *b, size_t extra)
{
    mw_grow(&b->p, &b->cap, b->n + extra + 1, 1);
    return b->p + b->n;
}

char *mw_buf_take(mw_buf *b)
{
    *mw_buf_room(b, 0) = 0;
    char *p = b->p;
    mw_buf_init(b);
    return p;
}

void mw_buf_add(mw_buf *b, const void *p, size_t n)
{
    char *to = mw_buf_room(b, n);
    if (n) memcpy(to, p, n);
    to[n] = 0;
    b->n += n;
}

void mw_buf_str(mw_buf *b, mw_str s) { mw_buf_add(b, s.p, s.n); }
void mw_buf_text(mw_buf *b, const char *z) { mw_buf_add(b, z, strlen(z)); }

void mw_buf_byte(mw_buf *b, char c)
{
    char *to = mw_buf_room(b, 1);
    to[0] = c;
    to[1] = 0;
    b->n++;
}

void mw_buf_printf(mw_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(mw_buf_room(b, 120), 121, fmt, ap);
    if (n > 120) vsnprintf(mw_buf_room(b, (size_t)n), (size_t)n + 1, fmt, again);
    if (n > 0) b->n += (size_t)n;
    va_end(again);
    va_end(ap);
}

void mw_buf_double(mw_buf *b, double v)
{
    b->n += (size_t)mw_double_fixed(v, mw_buf_room(b, MW_DOUBLE_MAX));
}

void mw_buf_int(mw_buf *b, int64_t v)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)v);
    mw_buf_add(b, digits, (size_t)n);
}

/* -- JSON strings --------------------------------------------------------------------------- */

static const char *escape_of(unsigned char c)
{
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\b': return "\\b";
    case '\f': return "\\f";
    default: return NULL;
    }
}

/* S from byte FROM on, and the closing quote. */
static void json_rest(mw_buf *b, mw_str s, size_t from)
{
    size_t plain = from; /* start of the run not yet copied */
    for (size_t i = from; i < s.n;) {
        i = (size_t)(mw_str_plain(s.p + i, s.p + s.n) - s.p);
        if (i == s.n) break;
        unsigned char c = (unsigned char)s.p[i];
        size_t wide = c >= 0x80 ? mw_utf8_at((mw_str){s.p + i, s.n - i}) : 0;
        if (wide) {
            i += wide;
            continue;
        }
        mw_buf_add(b, s.p + plain, i - plain);
        const char *esc = escape_of(c);
        if (esc)
            mw_buf_text(b, esc);
        else if (c >= 0x80)
            mw_buf_text(b, "\xef\xbf\xbd");
        else
            mw_buf_printf(b, "\\u%04x", c);
        plain = ++i;
    }
    mw_buf_add(b, s.p + plain, s.n - plain);
    mw_buf_byte(b, '"');
}

void mw_buf_json(mw_buf *b, mw_str s)
{
    size_t n = s.n ? (size_t)(mw_str_plain(s.p, s.p + s.n) - s.p) : 0;
    char *to = mw_buf_room(b, n + 2);
    *to = '"';
    if (n) memcpy(to + 1, s.p, n);
    b->n += n + 1;
    if (n < s.n) {
        json_rest(b, s, n);
        return;
    }
    memcpy(to + 1 + n, "\"", 2);
    b->n++;
}

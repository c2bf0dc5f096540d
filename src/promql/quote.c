/* quote.c - text in messages as Go's %q shows it, and numbers as %g does, which is what clients of
 * Prometheus know.
 *
 * Characters that can be seen stay; others become escapes, bytes that are no UTF-8 become \x..
 * Which characters can be seen is a table of the ranges that cannot, good for all that names and
 * label values are made of.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promql/lexer.h"

enum { NO_RUNE = 0xfffd };

uint32_t mw_pq_rune(mw_str s, size_t *bytes)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    *bytes = s.n ? 1 : 0;
    if (!s.n) return NO_RUNE;
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80) return p[0];
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.n < n) return NO_RUNE;
    uint32_t c = p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return NO_RUNE;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return NO_RUNE;
    *bytes = n;
    return c;
}

static bool visible(uint32_t c)
{
    static const uint32_t hidden[][2] = {
        {0x7f, 0xa0},     {0xad, 0xad},       {0x61c, 0x61c},      {0x1680, 0x1680},
        {0x180e, 0x180e}, {0x2000, 0x200f},   {0x2028, 0x202f},    {0x205f, 0x206f},
        {0x3000, 0x3000}, {0xd800, 0xf8ff},   {0xfeff, 0xfeff},    {0xfff0, 0xfffb},
        {0xfffe, 0xffff}, {0xe0000, 0xe00ff}, {0xf0000, 0x10ffff},
    };
    if (c < 0x20) return false;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (c >= hidden[i][0] && c <= hidden[i][1]) return false;
    return true;
}

/* One character as it stands between the quotes QUOTE. */
static int show(mw_str s, uint32_t c, size_t bytes, char quote, char out[PQ_RUNE_TEXT])
{
    static const char from[] = "\a\b\f\n\r\t\v", to[] = "abfnrtv";
    const char *simple = c && c < 0x20 ? strchr(from, (int)c) : NULL;
    if (simple) return snprintf(out, PQ_RUNE_TEXT, "\\%c", to[simple - from]);
    if (c == '\\' || c == (unsigned char)quote) return snprintf(out, PQ_RUNE_TEXT, "\\%c", (int)c);
    if (c == NO_RUNE && bytes == 1 && quote == '"')
        return snprintf(out, PQ_RUNE_TEXT, "\\x%02x", (unsigned char)s.p[0]);
    if (c == NO_RUNE && bytes < 3) return snprintf(out, PQ_RUNE_TEXT, "\xef\xbf\xbd");
    if (visible(c)) return snprintf(out, PQ_RUNE_TEXT, "%.*s", (int)bytes, s.p);
    if (c < 0x80) return snprintf(out, PQ_RUNE_TEXT, "\\x%02x", c);
    return snprintf(out, PQ_RUNE_TEXT, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

const char *mw_pq_quote(mw_str s, size_t most, char *out, size_t cap)
{
    size_t n = 0;
    out[n++] = '"';
    while (s.n && most--) {
        char text[PQ_RUNE_TEXT];
        size_t bytes;
        uint32_t c = mw_pq_rune(s, &bytes);
        size_t wide = (size_t)show(s, c, bytes, '"', text);
        if (n + wide + 2 > cap) break;
        memcpy(out + n, text, wide);
        n += wide;
        s.p += bytes, s.n -= bytes;
    }
    out[n++] = '"';
    out[n] = 0;
    return out;
}

const char *mw_pq_quote_rune(mw_str s, char out[PQ_RUNE_TEXT])
{
    char text[PQ_RUNE_TEXT];
    size_t bytes;
    uint32_t c = mw_pq_rune(s, &bytes);
    show(s, c, bytes, '\'', text);
    snprintf(out, PQ_RUNE_TEXT, "'%.12s'", text);
    return out;
}

const char *mw_pq_name_rune(mw_str s, char out[2 * PQ_RUNE_TEXT])
{
    size_t bytes;
    uint32_t c = mw_pq_rune(s, &bytes);
    int n = snprintf(out, 2 * PQ_RUNE_TEXT, "U+%04X", c);
    if (visible(c) && bytes)
        snprintf(out + n, 2 * PQ_RUNE_TEXT - (size_t)n, " '%.*s'", c == NO_RUNE ? 3 : (int)bytes,
                 c == NO_RUNE ? "\xef\xbf\xbd" : s.p);
    return out;
}

/* The fewest digits that read back as V; with an exponent when there are six before the point. */
const char *mw_pq_number_text(double v, char out[PQ_NUMBER_TEXT])
{
    int digits = 0;
    if (isnan(v)) return strcpy(out, "NaN");
    if (isinf(v)) return strcpy(out, v > 0 ? "+Inf" : "-Inf");
    do snprintf(out, PQ_NUMBER_TEXT, "%.*e", digits, v);
    while (strtod(out, NULL) != v && ++digits < 17);
    int exponent = atoi(strchr(out, 'e') + 1);
    if (exponent >= -4 && exponent < 6)
        snprintf(out, PQ_NUMBER_TEXT, "%.*f", digits > exponent ? digits - exponent : 0, v);
    return out;
}

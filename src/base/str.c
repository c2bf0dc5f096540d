/* str.c - text helpers that everybody needs.  SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <stdio.h>
#include <string.h>

mw_str mw_str_of(const char *z) { return (mw_str){z ? z : "", z ? strlen(z) : 0}; }
bool mw_str_eq(mw_str a, mw_str b) { return a.n == b.n && (a.n == 0 || !memcmp(a.p, b.p, a.n)); }
bool mw_str_is(mw_str a, const char *z) { return mw_str_eq(a, mw_str_of(z)); }

int mw_str_cmp(mw_str a, mw_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool mw_str_starts(mw_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && !memcmp(s.p, prefix, n);
}

mw_str mw_str_trim(mw_str s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t')) s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

/* -- UTF-8 ---------------------------------------------------------------------------------- */

/* Length of the valid sequence at P, or 0: no overlong forms, no surrogates, at most U+10FFFF. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < n) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
    if (p[0] == 0xed && p[1] > 0x9f) return 0;
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
    return n;
}

size_t mw_utf8_at(mw_str s) { return s.n ? utf8_sequence((const unsigned char *)s.p, s.n) : 0; }

bool mw_utf8_valid(mw_str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = utf8_sequence((const unsigned char *)s.p + i, s.n - i);
        if (!n) return false;
        i += n;
    }
    return true;
}

/* -- durations ------------------------------------------------------------------------------ */

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {
    {"y", 365LL * 86400000},
    {"w", 7LL * 86400000},
    {"d", 86400000},
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
};
enum { UNITS = sizeof units / sizeof *units };

/* The unit at the front of S, or -1.  "ms" is tried before "m". */
static int unit_at(mw_str s)
{
    for (int i = UNITS - 1; i >= 0; i--)
        if (mw_str_starts(s, units[i].name)) return i;
    return -1;
}

bool mw_duration_parse(mw_str s, int64_t *ms)
{
    int64_t total = 0;
    int last = -1; /* units must shrink from left to right */
    if (!s.n) return false;
    if (mw_str_is(s, "0")) return *ms = 0, true;
    while (s.n) {
        int64_t value = 0, add;
        size_t digits = 0;
        for (; digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9'; digits++)
            if (digits > 15)
                return false;
            else
                value = value * 10 + (s.p[digits] - '0');
        if (!digits) return false;
        s.p += digits, s.n -= digits;
        int u = unit_at(s);
        if (u < 0 || u <= last) return false;
        last = u;
        if (__builtin_mul_overflow(value, units[u].ms, &add)) return false;
        if (__builtin_add_overflow(total, add, &total)) return false;
        size_t len = strlen(units[u].name);
        s.p += len, s.n -= len;
    }
    *ms = total;
    return true;
}

char *mw_duration_format(int64_t ms, char *out)
{
    char *p = out;
    if (ms == 0) return strcpy(out, "0s");
    if (ms < 0) *p++ = '-', ms = -ms;
    for (int i = 0; i < UNITS; i++) {
        int64_t value = ms / units[i].ms;
        /* Weeks and years only when exact: "10d" reads better than "1w3d". */
        if (!value || (i < 2 && ms % units[i].ms)) continue;
        p += sprintf(p, "%lld%s", (long long)value, units[i].name);
        ms %= units[i].ms;
    }
    return out;
}

/* -- nearest spelling ----------------------------------------------------------------------- */

enum { LONGEST = 64 };

/* Edit distance with swaps of neighbours counted as one edit (optimal string alignment). */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++) rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3], *up = rows[(i - 1) % 3], *up2 = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best) best = up[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *mw_nearest(const char *word, const char *const *names, size_t n)
{
    size_t len = strlen(word), best = len / 3 + 2;
    const char *found = NULL;
    if (len > LONGEST) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(names[i]);
        if (other > LONGEST) continue;
        size_t d = distance(word, len, names[i], other);
        if (d < best) best = d, found = names[i];
    }
    return found;
}

/* -- hex ------------------------------------------------------------------------------------ */

void mw_hex(const void *bytes, size_t n, char *out)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[p[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    out[2 * n] = 0;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool mw_unhex(mw_str hex, void *bytes, size_t n)
{
    unsigned char *out = bytes;
    if (hex.n != 2 * n) return false;
    for (size_t i = 0; i < n; i++) {
        int hi = nibble(hex.p[2 * i]), lo = nibble(hex.p[2 * i + 1]);
        if (hi < 0 || lo < 0) return false;
        out[i] = (unsigned char)(hi << 4 | lo);
    }
    return true;
}

/* -- text as JSON has it ---------------------------------------------------------------------- */

/* Non-zero when one of the eight bytes of W needs a closer look. */
static uint64_t special(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101ULL, high = ones << 7;
    uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
    return ((w - ones * 0x20) | (quote - ones) | (slash - ones) | w) & high;
}

/* Of the flags of a word the lowest one is sure: what is borrowed only goes upwards. */
const char *mw_str_plain(const char *p, const char *end)
{
    const char *start = p;
    uint64_t w;
    for (; end - p >= 8; p += 8) {
        memcpy(&w, p, 8);
        if ((w = special(w))) return p + (__builtin_ctzll(w) >> 3);
    }
    if (p < end && p > start) { /* the last eight bytes, of which the first were seen already */
        memcpy(&w, end - 8, 8);
        w = special(w);
        return w ? end - 8 + (__builtin_ctzll(w) >> 3) : end;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

/* num.c - numbers as text.
 *
 * Formatting asks printf for 15, 16 and 17 significant digits and takes the first that reads back
 * as the same double: one of them always does (IEEE 754 binary64).  Small integers, the bulk of
 * what is printed, take a short cut.
 * Parsing of short decimals is exact by integer arithmetic and one multiplication or division by
 * an exact power of ten (Clinger 1990, the fast path); everything else goes to strtod, which sees
 * the C locale because this program never calls setlocale.  SPDX-License-Identifier: MIT */
#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* -- reading -------------------------------------------------------------------------------- */

static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Decimal without exponent and with at most 15 digits; false sends the caller to strtod. */
static bool parse_short(mw_str s, double *out)
{
    size_t i = 0, digits = 0, after = 0;
    bool minus = false, dot = false;
    uint64_t value = 0;
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+')) minus = s.p[i++] == '-';
    for (; i < s.n; i++) {
        if (s.p[i] == '.' && !dot) {
            dot = true;
            continue;
        }
        unsigned d = (unsigned)(s.p[i] - '0');
        if (d > 9 || ++digits > 15) return false;
        value = value * 10 + d;
        after += dot;
    }
    if (!digits) return false;
    double v = (double)value / tens[after];
    *out = minus ? -v : v;
    return true;
}

static bool parse_special(mw_str s, double *out)
{
    bool minus = s.n && *s.p == '-';
    if (s.n && (*s.p == '-' || *s.p == '+')) s.p++, s.n--;
    if ((s.n == 3 && !strncasecmp(s.p, "inf", 3)) || (s.n == 8 && !strncasecmp(s.p, "infinity", 8)))
        return *out = minus ? -INFINITY : INFINITY, true;
    if (s.n == 3 && !strncasecmp(s.p, "nan", 3)) return *out = NAN, true;
    return false;
}

bool mw_double_parse(mw_str s, double *out)
{
    char text[512], *end; /* any double without an exponent fits */
    if (parse_short(s, out) || parse_special(s, out)) return true;
    if (!s.n || s.n >= sizeof text) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!isxdigit((unsigned char)s.p[i]) && !strchr("+-.xXpP", s.p[i])) return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    *out = strtod(text, &end);
    return end == text + s.n;
}

bool mw_int64_parse(mw_str s, int64_t *out)
{
    size_t i = 0;
    int64_t value = 0;
    bool minus = false;
    if (s.n && (*s.p == '-' || *s.p == '+')) minus = s.p[i++] == '-';
    if (i == s.n) return false;
    for (; i < s.n; i++) {
        int d = s.p[i] - '0';
        if (d < 0 || d > 9) return false;
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, minus ? -d : d, &value)) return false;
    }
    *out = value;
    return true;
}

/* -- writing -------------------------------------------------------------------------------- */

static int special(double v, char *out)
{
    return sprintf(out, "%s", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
}

static char *put_digits(char *p, uint64_t n)
{
    char digits[20];
    int i = 0;
    do digits[i++] = (char)('0' + n % 10);
    while (n /= 10);
    while (i) *p++ = digits[--i];
    return p;
}

/* Integers up to 2^53 that need no exponent in either style. */
static int small_integer(double v, char *out)
{
    char *p = out;
    if (!(fabs(v) < 1e15) || v != (double)(int64_t)v || (v == 0 && signbit(v))) return 0;
    if (v < 0) *p++ = '-';
    p = put_digits(p, (uint64_t)fabs(v));
    *p = 0;
    return (int)(p - out);
}

/* Times: numbers with three decimals at most, which are fifteen digits at most, so that the
 * decimal nearest to them is the shortest that reads back. */
static int small_decimal(double v, char *out)
{
    double a = fabs(v), thousands = nearbyint(a * 1000);
    if (!(a < 1e12) || thousands < 1 || thousands / 1000 != a) return 0;
    uint64_t n = (uint64_t)thousands;
    unsigned part = (unsigned)(n % 1000);
    char *p = out;
    if (v < 0) *p++ = '-';
    p = put_digits(p, n / 1000);
    *p++ = '.';
    for (unsigned unit = 100; part; part %= unit, unit /= 10) *p++ = (char)('0' + part / unit);
    *p = 0;
    return (int)(p - out);
}

static int small(double v, char *out)
{
    int n = small_integer(v, out);
    return n ? n : small_decimal(v, out);
}

/* Shortest digits: "d.ddde+XX" into OUT, with as few d as read back to V. */
static void shortest(double v, char out[40])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 40, "%.*e", digits - 1, v);
        if (strtod(out, NULL) == v) break;
    }
    char *e = strchr(out, 'e'), *end = e; /* drop zeros that say nothing */
    while (end[-1] == '0') end--;
    if (end[-1] == '.') end--;
    memmove(end, e, strlen(e) + 1);
}

/* Split "-d.ddde-07" into digits without the dot and the exponent of the first digit. */
static int split(double v, char digits[40], bool *minus)
{
    char text[40], *p = text, *d = digits;
    shortest(v, text);
    *minus = *p == '-';
    for (; *p != 'e'; p++)
        if (isdigit((unsigned char)*p)) *d++ = *p;
    *d = 0;
    return atoi(p + 1);
}

static int put_fixed(char *out, const char *digits, int exp, bool minus)
{
    char *p = out;
    int n = (int)strlen(digits);
    if (minus) *p++ = '-';
    if (exp < 0) {
        *p++ = '0', *p++ = '.';
        for (int i = -1; i > exp; i--) *p++ = '0';
        p = stpcpy(p, digits);
    } else {
        for (int i = 0; i <= exp; i++) *p++ = i < n ? digits[i] : '0';
        if (n > exp + 1) *p++ = '.', p = stpcpy(p, digits + exp + 1);
    }
    *p = 0;
    return (int)(p - out);
}

int mw_double_fixed(double v, char out[MW_DOUBLE_MAX])
{
    char digits[40];
    bool minus;
    if (!isfinite(v)) return special(v, out);
    int n = small(v, out);
    if (n) return n;
    int exp = split(v, digits, &minus);
    return put_fixed(out, digits, exp, minus);
}

int mw_double_general(double v, char out[MW_DOUBLE_MAX])
{
    char digits[40];
    bool minus;
    if (!isfinite(v)) return special(v, out);
    int n = small(v, out);
    if (n) return n;
    int exp = split(v, digits, &minus);
    if (exp >= -4 && exp < 21) return put_fixed(out, digits, exp, minus);
    n = (int)strlen(digits);
    return sprintf(out, "%s%c%s%se%c%02d", minus ? "-" : "", digits[0], n > 1 ? "." : "",
                   digits + 1, exp < 0 ? '-' : '+', abs(exp));
}

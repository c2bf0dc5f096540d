/* human.c - how numbers become texts for people.
 *
 * Everything has four significant digits but whole parts of a duration and the plain form, which
 * has as many as it takes to tell the number from every other.  SPDX-License-Identifier: MIT */
#include "base/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const large[] = {"", "k", "M", "G", "T", "P", "E", "Z", "Y", NULL};
static const char *const large1024[] = {"", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi", NULL};
static const char *const bytes1024[] = {"B",   "KiB", "MiB", "GiB", "TiB",
                                        "PiB", "EiB", "ZiB", "YiB", NULL};
static const char *const small[] = {"", "m", "u", "n", "p", "f", "a", "z", "y", NULL};

/* C writes nan and inf in its own way. */
static void four_digits(double v, const char *unit, char *out)
{
    if (isnan(v))
        snprintf(out, MW_HUMAN_ROOM, "NaN%s", unit);
    else if (isinf(v))
        snprintf(out, MW_HUMAN_ROOM, "%cInf%s", v > 0 ? '+' : '-', unit);
    else
        snprintf(out, MW_HUMAN_ROOM, "%.4g%s", v, unit);
}

static const char *scale_down(double *v, double base, const char *const *units)
{
    while (fabs(*v) >= base && units[1]) *v /= base, units++;
    return *units;
}

static const char *scale_up(double *v)
{
    const char *const *unit = small;
    while (fabs(*v) < 1 && unit[1]) *v *= 1000, unit++;
    return *unit;
}

/* -- the ways -------------------------------------------------------------------------------- */

static void plain(double v, char *out)
{
    if (!isfinite(v)) {
        four_digits(v, "", out);
        return;
    }
    if (fabs(v) < 1e15 && v == trunc(v)) {
        snprintf(out, MW_HUMAN_ROOM, "%.0f", v == 0 ? 0 : v);
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(out, MW_HUMAN_ROOM, "%.*g", digits, v);
        if (strtod(out, NULL) == v) break;
    }
}

/* As Go prints a float64: the digits it takes, from a million on with an exponent. */
static void go(double v, char *out)
{
    if (!isfinite(v)) {
        four_digits(v, "", out);
        return;
    }
    char digits[32];
    int n = 0;
    do snprintf(digits, sizeof digits, "%.*e", n, v);
    while (strtod(digits, NULL) != v && n++ < 16);
    int exponent = atoi(strchr(digits, 'e') + 1);
    if (v != 0 && (exponent < -4 || exponent >= 6))
        snprintf(out, MW_HUMAN_ROOM, "%s", digits);
    else
        snprintf(out, MW_HUMAN_ROOM, "%.*f", n > exponent ? n - exponent : 0, v);
}

static void humanize(double v, char *out)
{
    const char *unit = "";
    if (v != 0 && isfinite(v)) unit = fabs(v) >= 1 ? scale_down(&v, 1000, large) : scale_up(&v);
    four_digits(v, unit, out);
}

static void humanize1024(double v, char *out)
{
    const char *unit = isfinite(v) ? scale_down(&v, 1024, large1024) : "";
    four_digits(v, unit, out);
}

static void bytes(double v, char *out)
{
    const char *unit = isfinite(v) ? scale_down(&v, 1024, bytes1024) : "";
    four_digits(v, unit, out);
}

static void duration(double v, char *out)
{
    char unit[4] = "s";
    if (!isfinite(v)) {
        four_digits(v, "", out);
        return;
    }
    if (v != 0 && fabs(v) < 1) snprintf(unit, sizeof unit, "%ss", scale_up(&v));
    if (fabs(v) < 60 || fabs(v) >= 9e18 || strcmp(unit, "s")) {
        four_digits(v, unit, out);
        return;
    }
    const char *sign = v < 0 ? "-" : "";
    int64_t all = (int64_t)fabs(v), d = all / 86400, h = all / 3600 % 24, m = all / 60 % 60;
    int64_t s = all % 60;
    if (d)
        snprintf(out, MW_HUMAN_ROOM, "%s%" PRId64 "d %" PRId64 "h %" PRId64 "m %" PRId64 "s", sign,
                 d, h, m, s);
    else if (h)
        snprintf(out, MW_HUMAN_ROOM, "%s%" PRId64 "h %" PRId64 "m %" PRId64 "s", sign, h, m, s);
    else
        snprintf(out, MW_HUMAN_ROOM, "%s%" PRId64 "m %" PRId64 "s", sign, m, s);
}

static void percent(double v, char *out) { four_digits(v * 100, "%", out); }

/* To the millisecond, in UTC.  What nanoseconds in 64 bits cannot say stays a number. */
static void timestamp(double v, char *out)
{
    if (!isfinite(v) || fabs(v) >= 9223372036.0) {
        four_digits(v, "", out);
        return;
    }
    int64_t ms = (int64_t)(v * 1e9) / 1000000;
    int64_t below = (ms % 1000 + 1000) % 1000;
    time_t sec = (time_t)((ms - below) / 1000);
    struct tm tm;
    gmtime_r(&sec, &tm);
    size_t n = strftime(out, MW_HUMAN_ROOM, "%Y-%m-%d %H:%M:%S", &tm);
    if (below) {
        n += (size_t)snprintf(out + n, MW_HUMAN_ROOM - n, ".%03d", (int)below);
        while (out[n - 1] == '0') n--;
    }
    snprintf(out + n, MW_HUMAN_ROOM - n, " +0000 UTC");
}

/* -- by name --------------------------------------------------------------------------------- */

static const struct way {
    const char *name;
    void (*write)(double v, char *out);
} ways[] = {
    {"plain", plain},         {"go", go},
    {"humanize", humanize},   {"humanize1024", humanize1024},
    {"duration", duration},   {"humanizeDuration", duration},
    {"percent", percent},     {"humanizePercentage", percent},
    {"timestamp", timestamp}, {"humanizeTimestamp", timestamp},
    {"bytes", bytes},
};

bool mw_human(const char *how, double v, char out[MW_HUMAN_ROOM])
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (!strcmp(ways[i].name, how)) {
            ways[i].write(v, out);
            return true;
        }
    return false;
}

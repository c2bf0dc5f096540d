/* params.c - parameters of a call: taken apart, unescaped, read as times, durations and sizes.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "http/call.h"

enum { MOST_PARAMS = 1000 };

/* -- taking apart --------------------------------------------------------------------------- */

bool call_unescape(mw_call *c, mw_str text, bool plus, mw_str *out)
{
    char *to = mw_arena_alloc(c->arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        if (byte == '%') {
            if (text.n - i < 3 || !mw_unhex((mw_str){text.p + i + 1, 2}, &byte, 1)) return false;
            i += 2;
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        if (!byte) return false; /* a NUL would hide the rest from code that reads C strings */
        to[n++] = (char)byte;
    }
    to[n] = 0;
    *out = (mw_str){to, n};
    return true;
}

static mw_str cut_at(mw_str *rest, char stop)
{
    const char *end = rest->n ? memchr(rest->p, stop, rest->n) : NULL;
    mw_str piece = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t skip = piece.n + (end != NULL);
    *rest = (mw_str){rest->p + skip, rest->n - skip};
    return piece;
}

static int add_param(mw_call *c, mw_str piece, size_t *room, mw_err *err)
{
    mw_pair pair;
    mw_str value = piece, name = cut_at(&value, '=');
    if (c->n_params == MOST_PARAMS)
        return mw_fail(err, MW_ELIMIT, 0, 0, "more than %d parameters", MOST_PARAMS);
    if (!call_unescape(c, name, true, &pair.name) || !call_unescape(c, value, true, &pair.value))
        return mw_fail(err, MW_EARG, 0, 0, "parameter %zu has a wrong %%-escape", c->n_params + 1);
    if (c->n_params == *room) {
        mw_pair *more = mw_arena_array(c->arena, *room = *room ? *room * 2 : 16, sizeof *more);
        if (c->n_params) memcpy(more, c->params, c->n_params * sizeof *more);
        c->params = more;
    }
    c->params[c->n_params++] = pair;
    return MW_OK;
}

int call_parse_params(mw_call *c, mw_str text, mw_err *err)
{
    size_t room = c->n_params;
    while (text.n) {
        mw_str piece = cut_at(&text, '&');
        int rc = piece.n ? add_param(c, piece, &room, err) : MW_OK;
        if (rc) return rc;
    }
    return MW_OK;
}

const mw_pair *call_each_param(const mw_call *c, const char *name, const mw_pair *after)
{
    for (size_t i = after ? (size_t)(after - c->params) + 1 : 0; i < c->n_params; i++)
        if (mw_str_is(c->params[i].name, name)) return &c->params[i];
    return NULL;
}

mw_str call_param(const mw_call *c, const char *name)
{
    const mw_pair *p = call_each_param(c, name, NULL);
    return p ? p->value : MW_STR("");
}

bool call_flag(const mw_call *c, const char *name)
{
    mw_str v = call_param(c, name);
    return mw_str_is(v, "1") || mw_str_is(v, "true");
}

/* -- values --------------------------------------------------------------------------------- */

/* N digits at *P, forward. */
static bool digits(const char **p, const char *end, int n, int *out)
{
    for (*out = 0; n--; ++*p) {
        if (*p == end || **p < '0' || **p > '9') return false;
        *out = *out * 10 + **p - '0';
    }
    return true;
}

static bool literal(const char **p, const char *end, const char *any_of)
{
    if (*p == end || !strchr(any_of, **p)) return false;
    ++*p;
    return true;
}

/* "Z" or "+01:00" to the end, in seconds. */
static bool zone(const char *p, const char *end, int *seconds)
{
    int hours, minutes;
    *seconds = 0;
    if (literal(&p, end, "Zz")) return p == end;
    bool west = p < end && *p == '-';
    if (!literal(&p, end, "+-") || !digits(&p, end, 2, &hours) || !literal(&p, end, ":") ||
        !digits(&p, end, 2, &minutes) || p != end || hours > 23 || minutes > 59)
        return false;
    *seconds = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

static bool rfc3339(mw_str s, double *seconds)
{
    struct tm tm = {0};
    const char *p = s.p, *end = s.p + s.n;
    double fraction = 0, unit = 0.1;
    int offset;
    bool ok = digits(&p, end, 4, &tm.tm_year) && literal(&p, end, "-") &&
              digits(&p, end, 2, &tm.tm_mon) && literal(&p, end, "-") &&
              digits(&p, end, 2, &tm.tm_mday) && literal(&p, end, "Tt ") &&
              digits(&p, end, 2, &tm.tm_hour) && literal(&p, end, ":") &&
              digits(&p, end, 2, &tm.tm_min) && literal(&p, end, ":") &&
              digits(&p, end, 2, &tm.tm_sec);
    if (!ok || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
        tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    if (literal(&p, end, "."))
        for (int digit; digits(&p, end, 1, &digit); unit /= 10) fraction += digit * unit;
    if (!zone(p, end, &offset)) return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *seconds = (double)timegm(&tm) - offset + fraction;
    return true;
}

/* The ends of time as Prometheus has them: clients send them back for "always". */
static const double farthest = 9223309901257974;

static bool end_of_time(mw_str text, double *seconds)
{
    static const char *const texts[] = {"-292273086-05-16T16:47:06Z", "292277025-08-18T07:12:54"};
    for (int i = 0; i < 2; i++) {
        if (!mw_str_starts(text, texts[i])) continue;
        *seconds = i ? farthest : -farthest;
        return true;
    }
    return false;
}

/* Unix seconds or RFC 3339; what is beyond the years that Prometheus knows becomes their end. */
static bool time_parse(mw_str text, double *seconds)
{
    if (!mw_double_parse(text, seconds))
        return rfc3339(text, seconds) || end_of_time(text, seconds);
    if (*seconds > farthest) *seconds = isfinite(*seconds) ? farthest : *seconds;
    if (*seconds < -farthest) *seconds = isfinite(*seconds) ? -farthest : *seconds;
    return isfinite(*seconds);
}

static int invalid(mw_err *err, const char *name, mw_str value, const char *what)
{
    return mw_fail(err, MW_EARG, 0, 0,
                   "invalid parameter \"%s\": cannot parse \"%.*s\" to a valid %s", name,
                   (int)(value.n > 100 ? 100 : value.n), value.p, what);
}

static int time_param(const mw_call *c, const char *name, double *out, bool *present, mw_err *err)
{
    mw_str v = call_param(c, name);
    *present = v.n > 0;
    if (!v.n || time_parse(v, out)) return MW_OK;
    return mw_fail(
        err, MW_EARG, 0, 0,
        "invalid parameter \"%s\": invalid time value for '%s': cannot parse \"%.*s\" to "
        "a valid timestamp",
        name, name, (int)(v.n > 100 ? 100 : v.n), v.p);
}

int call_time_ms(const mw_call *c, const char *name, int64_t *out, mw_err *err)
{
    double seconds;
    bool present;
    int rc = time_param(c, name, &seconds, &present, err);
    if (!rc && present) *out = (int64_t)llround(seconds * 1e3);
    return rc;
}

int call_must_time_ms(const mw_call *c, const char *name, int64_t *out, mw_err *err)
{
    double seconds;
    mw_str v = call_param(c, name);
    if (!time_parse(v, &seconds)) return invalid(err, name, v, "timestamp");
    *out = (int64_t)llround(seconds * 1e3);
    return MW_OK;
}

/* Integers of 16 digits and more are nanoseconds already, as Loki's clients send them. */
int call_time_ns(const mw_call *c, const char *name, int64_t *out, mw_err *err)
{
    mw_str v = call_param(c, name);
    if (v.n >= 16 && mw_int64_parse(v, out)) return MW_OK;
    double seconds;
    bool present;
    int rc = time_param(c, name, &seconds, &present, err);
    if (!rc && present && fabs(seconds) > 9.2e9) return invalid(err, name, v, "timestamp");
    if (!rc && present) *out = (int64_t)llround(seconds * 1e6) * 1000;
    return rc;
}

static int duration(const char *name, mw_str v, int64_t *out, mw_err *err)
{
    double seconds;
    if (!mw_double_parse(v, &seconds))
        return mw_duration_parse(v, out) ? MW_OK : invalid(err, name, v, "duration");
    if (isnan(seconds)) return invalid(err, name, v, "duration");
    if (!(fabs(seconds) < 9.2e9)) /* that many nanoseconds */
        return invalid(err, name, v, "duration. It overflows int64");
    *out = (int64_t)llround(seconds * 1e3);
    return MW_OK;
}

int call_duration_ms(const mw_call *c, const char *name, int64_t *out, mw_err *err)
{
    mw_str v = call_param(c, name);
    return v.n ? duration(name, v, out, err) : MW_OK;
}

int call_must_duration_ms(const mw_call *c, const char *name, int64_t *out, mw_err *err)
{
    return duration(name, call_param(c, name), out, err);
}

int call_size(const mw_call *c, const char *name, size_t most, size_t *out, mw_err *err)
{
    mw_str v = call_param(c, name);
    int64_t n;
    if (!v.n) return MW_OK;
    if (!mw_int64_parse(v, &n) || n < 0) return invalid(err, name, v, "number");
    *out = (uint64_t)n > most ? most : (size_t)n;
    return MW_OK;
}

int call_limit(const mw_call *c, size_t *out, mw_err *err)
{
    mw_str v = call_param(c, "limit");
    int64_t n = 0;
    if (v.n && !mw_int64_parse(v, &n))
        return mw_fail(err, MW_EARG, 0, 0, "invalid parameter \"limit\": \"%.*s\" is not a number",
                       (int)(v.n > 100 ? 100 : v.n), v.p);
    if (n < 0)
        return mw_fail(err, MW_EARG, 0, 0,
                       "invalid parameter \"limit\": limit must be non-negative");
    *out = n ? (size_t)n : SIZE_MAX;
    return MW_OK;
}

/* text.c - durations and times as people write them.  SPDX-License-Identifier: MIT */
#include "script/text.h"

#include <math.h>
#include <time.h>

#include "base/num.h"

bool mw_lua_duration(lua_State *L, int idx, double *seconds)
{
    if (lua_type(L, idx) == LUA_TNUMBER) {
        *seconds = lua_tonumber(L, idx);
        return isfinite(*seconds);
    }
    if (lua_type(L, idx) != LUA_TSTRING) return false;
    mw_str s;
    int64_t ms;
    s.p = lua_tolstring(L, idx, &s.n);
    if (!mw_duration_parse(s, &ms)) return false;
    *seconds = (double)ms / 1000;
    return true;
}

static bool digits(mw_str *s, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, s->p++, s->n--) {
        if (!s->n || *s->p < '0' || *s->p > '9') return false;
        *out = *out * 10 + (*s->p - '0');
    }
    return true;
}

static bool one_of(mw_str *s, char a, char b)
{
    if (!s->n || (*s->p != a && *s->p != b)) return false;
    s->p++;
    s->n--;
    return true;
}

static bool date_and_time(mw_str *s, struct tm *tm)
{
    if (!digits(s, 4, &tm->tm_year) || !one_of(s, '-', '-') || !digits(s, 2, &tm->tm_mon) ||
        !one_of(s, '-', '-') || !digits(s, 2, &tm->tm_mday) || !one_of(s, 'T', ' ') ||
        !digits(s, 2, &tm->tm_hour) || !one_of(s, ':', ':') || !digits(s, 2, &tm->tm_min) ||
        !one_of(s, ':', ':') || !digits(s, 2, &tm->tm_sec))
        return false;
    if (tm->tm_mon < 1 || tm->tm_mon > 12 || tm->tm_mday < 1 || tm->tm_mday > 31 ||
        tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
        return false;
    int day = tm->tm_mday;
    tm->tm_year -= 1900;
    tm->tm_mon--;
    struct tm again = *tm; /* timegm moves 31 April to 1 May: such a date is refused */
    timegm(&again);
    return again.tm_mday == day || tm->tm_sec == 60;
}

static double fraction(mw_str *s)
{
    double part = 0, scale = 0.1;
    while (s->n && *s->p >= '0' && *s->p <= '9') {
        part += (*s->p - '0') * scale;
        scale /= 10;
        s->p++;
        s->n--;
    }
    return part;
}

static bool offset(mw_str *s, int *seconds)
{
    *seconds = 0;
    if (one_of(s, 'Z', 'z')) return s->n == 0;
    if (!s->n) return false;
    int sign = *s->p == '-' ? -1 : 1, h, m;
    if (!one_of(s, '+', '-') || !digits(s, 2, &h) || !one_of(s, ':', ':') || !digits(s, 2, &m))
        return false;
    *seconds = sign * (h * 3600 + m * 60);
    return s->n == 0 && h < 24 && m < 60;
}

bool mw_time_parse(mw_str s, double *seconds)
{
    struct tm tm = {0};
    int east;
    if (mw_double_parse(s, seconds)) return isfinite(*seconds);
    if (!date_and_time(&s, &tm)) return false;
    double part = one_of(&s, '.', ',') ? fraction(&s) : 0;
    if (!offset(&s, &east)) return false;
    *seconds = (double)(timegm(&tm) - east) + part;
    return true;
}

/* timefn.c - time() and what calendars say of a time (UTC).
 *
 * Dates are computed by counting days in 400-year cycles that begin on the first of March, so that
 * the leap day is the last of its year.  SPDX-License-Identifier: MIT */
#include <math.h>

#include "promql/functions.h"
#include "promql/hist.h"

struct date {
    int64_t year;
    int month, day, days_in_month, day_of_year; /* all from 1 */
    int weekday, hour, minute;                  /* Sunday is 0 */
};

static bool leap(int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

static struct date date_of(double t)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const int64_t far = (int64_t)1 << 55;
    int64_t s = isnan(t)           ? INT64_MIN / 4
                : t > (double)far  ? far
                : t < -(double)far ? -far
                                   : (int64_t)t;
    int64_t days = s / 86400, rest = s % 86400;
    if (rest < 0) days--, rest += 86400;
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t in_era = z - era * 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int day = (int)(in_era - (365 * y + y / 4 - y / 100)), m = (5 * day + 2) / 153;
    struct date d = {.year = y + era * 400 + (m >= 10), .month = m < 10 ? m + 3 : m - 9};
    d.day = day - (153 * m + 2) / 5 + 1;
    d.days_in_month = lengths[d.month - 1] + (d.month == 2 && leap(d.year));
    for (int i = 0; i < d.month - 1; i++) d.day_of_year += lengths[i] + (i == 1 && leap(d.year));
    d.day_of_year += d.day;
    d.weekday = (int)(((days + 4) % 7 + 7) % 7);
    d.hour = (int)(rest / 3600);
    d.minute = (int)(rest / 60 % 60);
    return d;
}

double mw_pq_minute(double t) { return date_of(t).minute; }
double mw_pq_hour(double t) { return date_of(t).hour; }
double mw_pq_day_of_week(double t) { return date_of(t).weekday; }
double mw_pq_day_of_month(double t) { return date_of(t).day; }
double mw_pq_day_of_year(double t) { return date_of(t).day_of_year; }
double mw_pq_days_in_month(double t) { return date_of(t).days_in_month; }
double mw_pq_month(double t) { return date_of(t).month; }
double mw_pq_year(double t) { return (double)date_of(t).year; }

static double *times(struct ev *e)
{
    double *v = mw_pq_alloc(e->run, e->n, sizeof *v);
    for (size_t k = 0; k < e->n; k++) v[k] = (double)(e->start + (int64_t)k * e->step) / 1000;
    return v;
}

struct value mw_pq_call_time(struct ev *e, const struct node *call)
{
    (void)call;
    return mw_pq_numbers(times(e));
}

/* Of the argument, or of the time of evaluation when there is none. */
struct value mw_pq_call_date(struct ev *e, const struct node *call)
{
    if (call->call.n_args) return mw_pq_call_math(e, call);
    struct vec v = {.distinct = true};
    double *t = times(e);
    for (size_t k = 0; k < e->n; k++) t[k] = call->call.fn->math(t[k]);
    mw_pq_add_row(e, &v, mw_pq_labels(e, NULL, 0), t);
    return mw_pq_vector(v);
}

/* Of a selector the times of its samples, of anything else the time of evaluation. */
struct value mw_pq_call_timestamp(struct ev *e, const struct node *call)
{
    const struct node *arg = call->call.args[0];
    struct vec v = {.distinct = false};
    if (arg->kind == N_SELECTOR)
        mw_pq_select_rows(e, arg, NULL, true, mw_pq_collect, &v);
    else {
        v = mw_pq_eval_vec(e, arg);
        const double *t = times(e);
        for (size_t i = 0; i < v.n; i++)
            for (size_t k = 0; k < e->n; k++)
                if (mw_pq_there(&v.s[i], k)) v.s[i].v[k] = t[k];
        mw_pq_drop_h(&v);
    }
    mw_pq_drop_names(e, &v);
    mw_pq_merge(e, &v, false);
    return mw_pq_vector(v);
}

static struct value seconds(struct ev *e, int64_t ms)
{
    double *v = mw_pq_alloc(e->run, e->n, sizeof *v);
    for (size_t k = 0; k < e->n; k++) v[k] = (double)ms / 1000;
    return mw_pq_numbers(v);
}

struct value mw_pq_call_start(struct ev *e, const struct node *call)
{
    (void)call;
    return seconds(e, e->run->query->start);
}

struct value mw_pq_call_end(struct ev *e, const struct node *call)
{
    const mw_promql_query *q = e->run->query;
    (void)call;
    return seconds(e, q->range ? q->end : q->start);
}

struct value mw_pq_call_step(struct ev *e, const struct node *call)
{
    (void)call;
    return seconds(e, e->run->query->range ? e->run->query->step : 0);
}

struct value mw_pq_call_range(struct ev *e, const struct node *call)
{
    const mw_promql_query *q = e->run->query;
    (void)call;
    return seconds(e, q->range ? q->end - q->start : 0);
}

/* functions.h - every PromQL function as a row: its types and how it is computed.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_FUNCTIONS_H
#define MW_PROMQL_FUNCTIONS_H
#include "promql/eval.h"

struct function {
    const char *name;
    const char *args; /* one letter each: s scalar, v vector, m matrix, t string */
    int optional;     /* how many of the last arguments may be left out; -1: the last may repeat */
    char ret;         /* s or v */
    struct value (*eval)(struct ev *e, const struct node *call);
    double (*math)(double v); /* with mw_pq_call_math */
    pq_window_fn *window;     /* with mw_pq_call_window */
    pq_sweep_fn *sweep;       /* the same for all steps at once, of plain ranges; may be NULL */
    unsigned flags;
    mw_digest digest; /* what matters of samples for the sweep */
};

enum {
    FN_KEEPS_NAME = 1, /* the metric name stays */
    FN_COUNTER = 2,    /* wants counters: others get an info */
    FN_MOVES = 4,      /* depends on the time of evaluation whatever its arguments */
    FN_ANCHORED = 16,  /* takes anchored ranges */
    FN_SMOOTHED = 32,  /* takes smoothed ranges */
    FN_QUANTILE = 64,  /* its scalar is a quantile: others than 0 to 1 get a warning */
    FN_ORDERS = 128,   /* the order of its rows means something */
    FN_INFO = 512,     /* its second argument chooses labels, not series */
};

const struct function *mw_pq_function_find(mw_str name); /* NULL when there is none */
const char *mw_pq_function_nearest(mw_str name);         /* NULL when none is near */

/* Evaluators that rows share. */
struct value mw_pq_call_math(struct ev *e, const struct node *call);
void mw_pq_math_row(struct ev *e, const struct node *call, struct series *s);
struct value mw_pq_call_window(struct ev *e, const struct node *call);

/* Evaluators by file. */
#define PQ_EVAL(name) struct value name(struct ev *e, const struct node *call)
PQ_EVAL(mw_pq_call_round); /* mathfn.c */
PQ_EVAL(mw_pq_call_clamp);
PQ_EVAL(mw_pq_call_clamp_min);
PQ_EVAL(mw_pq_call_clamp_max);
PQ_EVAL(mw_pq_call_pi);
PQ_EVAL(mw_pq_call_min_of);
PQ_EVAL(mw_pq_call_max_of);
PQ_EVAL(mw_pq_call_time); /* timefn.c */
PQ_EVAL(mw_pq_call_date);
PQ_EVAL(mw_pq_call_timestamp);
PQ_EVAL(mw_pq_call_start_timestamp);
PQ_EVAL(mw_pq_call_start);
PQ_EVAL(mw_pq_call_end);
PQ_EVAL(mw_pq_call_step);
PQ_EVAL(mw_pq_call_range);
PQ_EVAL(mw_pq_call_vector); /* mathfn.c */
PQ_EVAL(mw_pq_call_scalar);
PQ_EVAL(mw_pq_call_absent); /* labelfn.c */
PQ_EVAL(mw_pq_call_absent_over_time);
PQ_EVAL(mw_pq_call_label_replace);
PQ_EVAL(mw_pq_call_label_join);
PQ_EVAL(mw_pq_call_info); /* info.c */
PQ_EVAL(mw_pq_call_sort); /* sort.c */
PQ_EVAL(mw_pq_call_sort_desc);
PQ_EVAL(mw_pq_call_sort_by_label);
PQ_EVAL(mw_pq_call_sort_by_label_desc);
PQ_EVAL(mw_pq_call_histogram_quantile); /* histogram.c */
PQ_EVAL(mw_pq_call_histogram_quantiles);
PQ_EVAL(mw_pq_call_histogram_fraction);
PQ_EVAL(mw_pq_call_histogram_count); /* hist_quantile.c */
PQ_EVAL(mw_pq_call_histogram_sum);
PQ_EVAL(mw_pq_call_histogram_avg);
PQ_EVAL(mw_pq_call_histogram_stddev);
PQ_EVAL(mw_pq_call_histogram_stdvar);
#undef PQ_EVAL

/* Per date function, one number out of a time in seconds (timefn.c). */
double mw_pq_minute(double t);
double mw_pq_hour(double t);
double mw_pq_day_of_week(double t);
double mw_pq_day_of_month(double t);
double mw_pq_day_of_year(double t);
double mw_pq_days_in_month(double t);
double mw_pq_month(double t);
double mw_pq_year(double t);
double mw_pq_sgn(double v); /* mathfn.c */
double mw_pq_deg(double v);
double mw_pq_rad(double v);
double mw_pq_sinh(double v);
double mw_pq_cosh(double v);

/* Per function over a window of samples (window.c, rate.c). */
pq_window_fn mw_pq_mad_over_time, mw_pq_ts_of_first, mw_pq_ts_of_last, mw_pq_ts_of_min,
    mw_pq_ts_of_max;
pq_window_fn mw_pq_rate, mw_pq_increase, mw_pq_delta, mw_pq_irate, mw_pq_idelta, mw_pq_deriv,
    mw_pq_predict_linear, mw_pq_resets, mw_pq_changes, mw_pq_smoothing;

/* Per function over all windows of a series (over_time.c, spread.c, rate.c). */
pq_sweep_fn mw_pq_sum_over_time, mw_pq_avg_over_time, mw_pq_min_over_time, mw_pq_max_over_time,
    mw_pq_count_over_time, mw_pq_last_over_time, mw_pq_first_over_time, mw_pq_present_over_time,
    mw_pq_stddev_over_time, mw_pq_stdvar_over_time, mw_pq_quantile_over_time;
pq_sweep_fn mw_pq_rate_sweep, mw_pq_increase_sweep, mw_pq_delta_sweep, mw_pq_resets_sweep,
    mw_pq_changes_sweep;

#endif

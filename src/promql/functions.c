/* functions.c - the table of functions.
 * SPDX-License-Identifier: MIT */
#include "promql/functions.h"

#include <math.h>
#include <string.h>

/* clang-format off */
#define MATH(name, fn)          {name, "v", 0, 'v', mw_pq_call_math, fn, NULL, NULL, 0, MW_DIGEST_NONE}
#define DATE(name, fn)          {name, "v", 1, 'v', mw_pq_call_date, fn, NULL, NULL, FN_MOVES, MW_DIGEST_NONE}
#define OVER(name, fn, fl)      {name, "m", 0, 'v', mw_pq_call_window, NULL, fn, NULL, fl, MW_DIGEST_NONE}
#define SWEEP(name, a, fn, fl, d) {name, a, 0, 'v', mw_pq_call_window, NULL, NULL, fn, fl, d}
#define BOTH(name, fn, fl, d)   {name, "m", 0, 'v', mw_pq_call_window, NULL, fn, fn##_sweep, fl, d}
#define OVERS(name, a, fn, fl)  {name, a, 0, 'v', mw_pq_call_window, NULL, fn, NULL, fl, MW_DIGEST_NONE}
#define CALL(name, a, opt, ret, ev, fl) {name, a, opt, ret, ev, NULL, NULL, NULL, fl, MW_DIGEST_NONE}

static const struct function functions[] = {
    MATH("abs", fabs), MATH("ceil", ceil), MATH("floor", floor), MATH("exp", exp),
    MATH("ln", log), MATH("log2", log2), MATH("log10", log10), MATH("sqrt", sqrt),
    MATH("sgn", mw_pq_sgn), MATH("deg", mw_pq_deg), MATH("rad", mw_pq_rad),
    MATH("sin", sin), MATH("cos", cos), MATH("tan", tan),
    MATH("asin", asin), MATH("acos", acos), MATH("atan", atan),
    MATH("sinh", mw_pq_sinh), MATH("cosh", mw_pq_cosh), MATH("tanh", tanh),
    MATH("asinh", asinh), MATH("acosh", acosh), MATH("atanh", atanh),
    CALL("round", "vs", 1, 'v', mw_pq_call_round, 0),
    CALL("clamp", "vss", 0, 'v', mw_pq_call_clamp, 0),
    CALL("clamp_min", "vs", 0, 'v', mw_pq_call_clamp_min, 0),
    CALL("clamp_max", "vs", 0, 'v', mw_pq_call_clamp_max, 0),
    CALL("pi", "", 0, 's', mw_pq_call_pi, 0),
    CALL("min_of", "ss", 0, 's', mw_pq_call_min_of, 0),
    CALL("max_of", "ss", 0, 's', mw_pq_call_max_of, 0),
    CALL("vector", "s", 0, 'v', mw_pq_call_vector, 0),
    CALL("scalar", "v", 0, 's', mw_pq_call_scalar, 0),

    CALL("time", "", 0, 's', mw_pq_call_time, FN_MOVES),
    CALL("timestamp", "v", 0, 'v', mw_pq_call_timestamp, FN_MOVES),
    CALL("start_timestamp", "v", 0, 'v', mw_pq_call_start_timestamp, FN_MOVES),
    CALL("start", "", 0, 's', mw_pq_call_start, 0),
    CALL("end", "", 0, 's', mw_pq_call_end, 0),
    CALL("step", "", 0, 's', mw_pq_call_step, 0),
    CALL("range", "", 0, 's', mw_pq_call_range, 0),
    DATE("minute", mw_pq_minute), DATE("hour", mw_pq_hour),
    DATE("day_of_week", mw_pq_day_of_week), DATE("day_of_month", mw_pq_day_of_month),
    DATE("day_of_year", mw_pq_day_of_year), DATE("days_in_month", mw_pq_days_in_month),
    DATE("month", mw_pq_month), DATE("year", mw_pq_year),

    SWEEP("sum_over_time", "m", mw_pq_sum_over_time, 0, MW_DIGEST_NONE),
    SWEEP("avg_over_time", "m", mw_pq_avg_over_time, 0, MW_DIGEST_NONE),
    SWEEP("min_over_time", "m", mw_pq_min_over_time, 0, MW_DIGEST_LEAST),
    SWEEP("max_over_time", "m", mw_pq_max_over_time, 0, MW_DIGEST_LARGEST),
    SWEEP("count_over_time", "m", mw_pq_count_over_time, 0, MW_DIGEST_NUMBER),
    SWEEP("last_over_time", "m", mw_pq_last_over_time, FN_KEEPS_NAME, MW_DIGEST_CHANGE),
    SWEEP("first_over_time", "m", mw_pq_first_over_time, FN_KEEPS_NAME, MW_DIGEST_CHANGE),
    SWEEP("present_over_time", "m", mw_pq_present_over_time, 0, MW_DIGEST_NUMBER),
    SWEEP("stddev_over_time", "m", mw_pq_stddev_over_time, 0, MW_DIGEST_NONE),
    SWEEP("stdvar_over_time", "m", mw_pq_stdvar_over_time, 0, MW_DIGEST_NONE),
    OVER("mad_over_time", mw_pq_mad_over_time, 0),
    OVER("ts_of_first_over_time", mw_pq_ts_of_first, 0),
    OVER("ts_of_last_over_time", mw_pq_ts_of_last, 0),
    OVER("ts_of_min_over_time", mw_pq_ts_of_min, 0),
    OVER("ts_of_max_over_time", mw_pq_ts_of_max, 0),
    SWEEP("quantile_over_time", "sm", mw_pq_quantile_over_time, FN_QUANTILE, MW_DIGEST_NONE),
    CALL("absent_over_time", "m", 0, 'v', mw_pq_call_absent_over_time, 0),

    BOTH("rate", mw_pq_rate, FN_COUNTER | FN_ANCHORED | FN_SMOOTHED, MW_DIGEST_INCREASE),
    BOTH("increase", mw_pq_increase, FN_COUNTER | FN_ANCHORED | FN_SMOOTHED, MW_DIGEST_INCREASE),
    BOTH("delta", mw_pq_delta, FN_ANCHORED | FN_SMOOTHED, MW_DIGEST_CHANGE),
    OVER("irate", mw_pq_irate, 0),
    OVER("idelta", mw_pq_idelta, 0),
    OVER("deriv", mw_pq_deriv, 0),
    BOTH("resets", mw_pq_resets, FN_ANCHORED, MW_DIGEST_INCREASE),
    BOTH("changes", mw_pq_changes, FN_ANCHORED, MW_DIGEST_NONE),
    OVERS("predict_linear", "ms", mw_pq_predict_linear, FN_MOVES),
    OVERS("double_exponential_smoothing", "mss", mw_pq_smoothing, 0),
    OVERS("holt_winters", "mss", mw_pq_smoothing, 0),

    CALL("absent", "v", 0, 'v', mw_pq_call_absent, 0),
    CALL("label_replace", "vtttt", 0, 'v', mw_pq_call_label_replace, FN_KEEPS_NAME),
    CALL("label_join", "vttt", -1, 'v', mw_pq_call_label_join, FN_KEEPS_NAME),
    CALL("info", "vv", 1, 'v', mw_pq_call_info, FN_KEEPS_NAME | FN_INFO),
    CALL("sort", "v", 0, 'v', mw_pq_call_sort, FN_ORDERS),
    CALL("sort_desc", "v", 0, 'v', mw_pq_call_sort_desc, FN_ORDERS),
    CALL("sort_by_label", "vt", -1, 'v', mw_pq_call_sort_by_label, FN_ORDERS),
    CALL("sort_by_label_desc", "vt", -1, 'v', mw_pq_call_sort_by_label_desc, FN_ORDERS),

    CALL("histogram_quantile", "sv", 0, 'v', mw_pq_call_histogram_quantile, 0),
    CALL("histogram_quantiles", "vtssssssssss", 9, 'v', mw_pq_call_histogram_quantiles, 0),
    CALL("histogram_fraction", "ssv", 0, 'v', mw_pq_call_histogram_fraction, 0),
    CALL("histogram_count", "v", 0, 'v', mw_pq_call_histogram_count, 0),
    CALL("histogram_sum", "v", 0, 'v', mw_pq_call_histogram_sum, 0),
    CALL("histogram_avg", "v", 0, 'v', mw_pq_call_histogram_avg, 0),
    CALL("histogram_stddev", "v", 0, 'v', mw_pq_call_histogram_stddev, 0),
    CALL("histogram_stdvar", "v", 0, 'v', mw_pq_call_histogram_stdvar, 0),
};
/* clang-format on */

enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

const struct function *mw_pq_function_find(mw_str name)
{
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        if (mw_str_is(name, functions[i].name)) return &functions[i];
    return NULL;
}

const char *mw_promql_function(size_t i) { return i < N_FUNCTIONS ? functions[i].name : NULL; }

const char *mw_pq_function_nearest(mw_str name)
{
    const char *names[N_FUNCTIONS];
    char word[64];
    if (name.n >= sizeof word) return NULL;
    memcpy(word, name.p, name.n);
    word[name.n] = 0;
    for (size_t i = 0; i < N_FUNCTIONS; i++) names[i] = functions[i].name;
    return mw_nearest(word, names, N_FUNCTIONS);
}

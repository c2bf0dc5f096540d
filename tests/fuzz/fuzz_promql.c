/* fuzz_promql.c - PromQL: check, print and read again, then evaluate under small limits, as an
 * instant and as a range.
 *
 * The series of the store stay the same, so that an input is just an expression.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "promql/promql.h"
#include "promql/sametree.h"
#include "tsdb/tsdb.h"

enum { POINTS = 12, STEP_MS = 15000, DEADLINE_S = 2 };

static mw_tsdb *db;
static mw_promql *engines[2]; /* as Prometheus 3, and with every setting the other way */

/* -- the series ----------------------------------------------------------------------------- */

static void add(mw_appender *a, const char *name, const char *label, const char *value, double by)
{
    const mw_label pairs[] = {{MW_STR(MW_METRIC_NAME), mw_str_of(name)},
                              {MW_STR("job"), MW_STR("a")},
                              {mw_str_of(label), mw_str_of(value)}};
    mw_labels *ls = mw_labels_new(pairs, 3, NULL);
    uint64_t ref = 0;
    for (int i = 1; i <= POINTS; i++) {
        double v = i == 5 && by < 0 ? mw_stale() : by * i;
        MW_ASSERT(mw_appender_add(a, ls, &ref, i * (int64_t)STEP_MS, v) == MW_OK);
    }
    mw_free(ls);
}

static void start(void)
{
    db = mw_tsdb_open(&(mw_tsdb_options){.clock = &mw_clock_system, .shards = 1}, NULL);
    MW_ASSERT(db && mw_tsdb_recover(db, NULL) == MW_OK);
    mw_appender *a = mw_appender_new(db);
    add(a, "up", "instance", "x", 1);
    add(a, "up", "instance", "y", -2.5);
    add(a, "r_total", "code", "200", 60);
    add(a, "r_total", "code", "500", 7);
    add(a, "target_info", "instance", "x", 1);
    add(a, "build_info", "instance", "x", -1);
    add(a, "h_bucket", "le", "0.5", 3);
    add(a, "h_bucket", "le", "1", 5);
    add(a, "h_bucket", "le", "+Inf", 6);
    MW_ASSERT(mw_appender_commit(a, NULL) == MW_OK);
    mw_appender_free(a);
    mw_promql_options o = {.max_samples = 20000, .max_bytes = 8 << 20};
    engines[0] = mw_promql_new(&o);
    o.closed_ranges = o.delayed_names = true;
    engines[1] = mw_promql_new(&o);
}

/* -- one expression ------------------------------------------------------------------------- */

static void eval(mw_str expr, bool range)
{
    mw_err err;
    mw_err_init(&err);
    mw_promql_query q = {.expr = expr,
                         .range = range,
                         .start = range ? 0 : 8 * STEP_MS,
                         .end = range ? (POINTS + 2) * STEP_MS : 8 * STEP_MS,
                         .step = STEP_MS,
                         .deadline_mono_ns = mw_mono_ns() + DEADLINE_S * INT64_C(1000000000)};
    mw_promql_result *r = NULL;
    const mw_promql *engine = engines[expr.n & 1];
    int code = mw_promql_eval(engine, mw_tsdb_source(db), &q, &r, &err);
    MW_ASSERT(code == err.code);
    if (code == MW_OK) {
        mw_buf out = {0};
        mw_promql_cursor at = {0};
        while (!mw_promql_result_json(r, &at, 1, &out)) mw_buf_reset(&out);
        mw_buf_deinit(&out);
    }
    mw_promql_result_free(r);
    mw_buf explained = {0};
    mw_err_init(&err);
    if (mw_promql_explain(engine, mw_tsdb_source(db), &q, true, &explained, &err) == MW_OK)
        MW_ASSERT(code == MW_OK && explained.n);
    mw_buf_deinit(&explained);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_str expr = {(const char *)data, n};
    mw_err err;
    mw_err_init(&err);
    int code = mw_promql_check(expr, &err);
    MW_ASSERT(code == err.code);
    if (code == MW_EPARSE) MW_ASSERT(err.line > 0 && err.col > 0);
    mw_err_init(&err);
    mw_promql_type(expr, &err);
    if (code == MW_OK) {
        mw_buf tree = {0};
        MW_ASSERT(survives_printing(expr));
        MW_ASSERT(mw_promql_tree_json(expr, &tree, NULL) == MW_OK);
        mw_buf_deinit(&tree);
        eval(expr, false);
        eval(expr, true);
    }
    mw_matcher *m = NULL;
    size_t matchers = 0;
    mw_err_init(&err);
    if (mw_promql_selector(expr, &m, &matchers, &err) == MW_OK) mw_matchers_free(m, matchers);
    return 0;
}

FUZZ_INITIALIZE(start, NULL)

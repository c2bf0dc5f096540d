/* test_rates.c - what services did, out of their spans.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>
#include <stdio.h>

#include "traces/traces.h"

enum { S = 1000000000 };

static int n_of;
static mw_traces_rates_step got[64];
static char names[64][32];

static int keep(void *arg, const mw_traces_rates_step *s)
{
    (void)arg;
    got[n_of] = *s;
    snprintf(names[n_of], sizeof names[n_of], "%.*s", (int)s->service.n, s->service.p);
    n_of++;
    return 0;
}

static void put(mw_traces *t, int id, const char *service, mw_span_kind kind, bool child,
                int64_t start, int64_t duration, bool failed)
{
    mw_span s = {.service = mw_str_of(service),
                 .name = MW_STR("x"),
                 .kind = kind,
                 .start_ns = start,
                 .end_ns = start + duration,
                 .status = failed ? MW_SPAN_ERROR : MW_SPAN_UNSET};
    memcpy(s.trace_id, &id, sizeof id);
    memcpy(s.span_id, &id, sizeof id);
    s.span_id[7] = (uint8_t)(1 + child);
    if (child) s.parent_id[0] = 9;
    assert_int_equal(mw_traces_append(t, &s, NULL), MW_OK);
}

static int ask(mw_traces *t, mw_traces_rates_query q)
{
    n_of = 0;
    return mw_traces_rates(t, &q, keep, NULL, NULL);
}

/* Requests are the spans with which a service was entered, in the step in which they began. */
static void counts_entries(void **state)
{
    (void)state;
    mw_traces *t = mw_traces_open(&(mw_traces_options){0}, NULL);
    for (int i = 1; i <= 100; i++)
        put(t, i, "shop", MW_SPAN_SERVER, i % 2, (int64_t)i * S / 10, (int64_t)i * 1000000, i > 95);
    put(t, 200, "shop", MW_SPAN_CLIENT, true, S, S, true);     /* goes out of it */
    put(t, 201, "shop", MW_SPAN_INTERNAL, true, S, S, true);   /* inside of it */
    put(t, 202, "cron", MW_SPAN_INTERNAL, false, S, S, false); /* a root */
    put(t, 205, "shop", MW_SPAN_CLIENT, false, S, S, true);    /* a root that goes out of it */
    put(t, 203, "queue", MW_SPAN_CONSUMER, true, 5 * (int64_t)S, S, false);
    put(t, 204, "shop", MW_SPAN_SERVER, false, 100 * (int64_t)S, S, true); /* later */
    assert_int_equal(
        ask(t, (mw_traces_rates_query){.max_ns = 20 * (int64_t)S, .step_ns = 20 * (int64_t)S}),
        MW_OK);
    assert_int_equal(n_of, 3);
    for (int i = 0; i < n_of; i++) {
        if (strcmp(names[i], "shop")) {
            assert_int_equal(got[i].spans, 1);
            continue;
        }
        assert_int_equal(got[i].spans, 100);
        assert_int_equal(got[i].errors, 5);
        assert_true(fabs(got[i].p50 / 0.050 - 1) < 0.06);
        assert_true(fabs(got[i].p95 / 0.095 - 1) < 0.06);
        assert_true(fabs(got[i].p99 / 0.099 - 1) < 0.06);
    }
    assert_int_equal(ask(t, (mw_traces_rates_query){.service = MW_STR("shop"),
                                                    .max_ns = 20 * (int64_t)S,
                                                    .step_ns = 2 * (int64_t)S}),
                     MW_OK);
    assert_int_equal(n_of, 6);
    assert_int_equal(got[1].from_ns, 2 * (int64_t)S);
    assert_int_equal(got[1].spans, 20);
    mw_traces_close(t);
}

static void refuses_nonsense(void **state)
{
    (void)state;
    mw_traces *t = mw_traces_open(&(mw_traces_options){0}, NULL);
    assert_int_equal(ask(t, (mw_traces_rates_query){.min_ns = 5, .max_ns = 5, .step_ns = 1}),
                     MW_EARG);
    assert_int_equal(ask(t, (mw_traces_rates_query){.max_ns = 5, .step_ns = 0}), MW_EARG);
    assert_int_equal(ask(t, (mw_traces_rates_query){.max_ns = 1000, .step_ns = 1}), MW_ELIMIT);
    mw_traces_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_entries),
                                       cmocka_unit_test(refuses_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

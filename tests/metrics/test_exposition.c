/* test_exposition.c - promises of the two text formats.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/mem.h"
#include "metrics/registry.h"

/* The page without the lines that the registry tells about itself. */
static char *exposed(mw_registry *reg, mw_exposition format)
{
    mw_buf all, kept;
    mw_buf_init(&all);
    mw_buf_init(&kept);
    mw_registry_expose(reg, format, &all);
    for (char *line = all.p, *next; line && *line; line = next) {
        next = strchr(line, '\n') + 1;
        *(next - 1) = 0;
        if (!strstr(line, "moonwatch_registry_")) mw_buf_printf(&kept, "%s\n", line);
    }
    mw_buf_deinit(&all);
    return mw_buf_take(&kept);
}

static void shows(mw_registry *reg, mw_exposition format, const char *expected)
{
    char *page = exposed(reg, format);
    assert_string_equal(page, expected);
    mw_free(page);
}

static mw_registry *example(void)
{
    mw_registry *reg = mw_registry_new(0);
    mw_family f = {.kind = MW_COUNTER,
                   .name = "b_seconds_total",
                   .help = "All \"sorts\"\nof \\ things",
                   .unit = "seconds"};
    mw_label l = {MW_STR("path"), MW_STR("C:\\x\n\"y\"")};
    mw_series *s;
    assert_int_equal(mw_registry_series(reg, &f, &l, 1, &s, NULL), MW_OK);
    mw_counter_add(s, 1.5);
    mw_gauge_set(mw_gauge(reg, "a", NULL, "z", "2", NULL), NAN);
    mw_gauge_set(mw_gauge(reg, "a", NULL, "z", "1", NULL), -INFINITY);
    mw_counter_add(mw_counter(reg, "plain", "No suffix", NULL), 3);
    double bounds[] = {0.5, 1, 1e9};
    mw_family h = {
        .kind = MW_HISTOGRAM, .name = "h", .help = "H", .buckets = bounds, .n_buckets = 3};
    l = (mw_label){MW_STR("k"), MW_STR("v")};
    assert_int_equal(mw_registry_series(reg, &h, &l, 1, &s, NULL), MW_OK);
    mw_histogram_observe(s, 0.5);
    mw_histogram_observe(s, 2);
    mw_histogram_observe(s, 1e10);
    return reg;
}

static void text_0_0_4_is_written_as_specified(void **state)
{
    mw_registry *reg = example();
    shows(reg, MW_TEXT_004,
          "# TYPE a gauge\n"
          "a{z=\"1\"} -Inf\n"
          "a{z=\"2\"} NaN\n"
          "# HELP b_seconds_total All \"sorts\"\\nof \\\\ things\n"
          "# TYPE b_seconds_total counter\n"
          "b_seconds_total{path=\"C:\\\\x\\n\\\"y\\\"\"} 1.5\n"
          "# HELP h H\n"
          "# TYPE h histogram\n"
          "h_bucket{k=\"v\",le=\"0.5\"} 1\n"
          "h_bucket{k=\"v\",le=\"1\"} 1\n"
          "h_bucket{k=\"v\",le=\"1000000000\"} 2\n"
          "h_bucket{k=\"v\",le=\"+Inf\"} 3\n"
          "h_sum{k=\"v\"} 10000000002.5\n"
          "h_count{k=\"v\"} 3\n"
          "# HELP plain No suffix\n"
          "# TYPE plain counter\n"
          "plain 3\n");
    mw_registry_free(reg);
}

static void openmetrics_is_written_as_specified(void **state)
{
    mw_registry *reg = example();
    shows(reg, MW_OPENMETRICS_100,
          "# TYPE a gauge\n"
          "a{z=\"1\"} -Inf\n"
          "a{z=\"2\"} NaN\n"
          "# HELP b_seconds All \\\"sorts\\\"\\nof \\\\ things\n"
          "# TYPE b_seconds counter\n"
          "# UNIT b_seconds seconds\n"
          "b_seconds_total{path=\"C:\\\\x\\n\\\"y\\\"\"} 1.5\n"
          "# HELP h H\n"
          "# TYPE h histogram\n"
          "h_bucket{k=\"v\",le=\"0.5\"} 1\n"
          "h_bucket{k=\"v\",le=\"1.0\"} 1\n"
          "h_bucket{k=\"v\",le=\"1000000000.0\"} 2\n"
          "h_bucket{k=\"v\",le=\"+Inf\"} 3\n"
          "h_sum{k=\"v\"} 10000000002.5\n"
          "h_count{k=\"v\"} 3\n"
          "# HELP plain No suffix\n"
          "# TYPE plain counter\n"
          "plain_total 3\n"
          "# EOF\n");
    mw_registry_free(reg);
}

static void two_openmetrics_families_never_share_a_name(void **state)
{
    mw_registry *reg = mw_registry_new(0);
    mw_counter_add(mw_counter(reg, "x_total", NULL, NULL), 1);
    mw_gauge_set(mw_gauge(reg, "x", NULL, NULL), 2);
    shows(reg, MW_OPENMETRICS_100,
          "# TYPE x gauge\nx 2\n# TYPE x_total unknown\nx_total 1\n# EOF\n");
    mw_registry_free(reg);
}

static void set_before_read(void *arg, mw_registry *reg)
{
    mw_gauge_set(mw_gauge(reg, "asked", NULL, NULL), ++*(int *)arg);
    mw_counter_set(mw_counter(reg, "kernel_total", NULL, NULL), 70);
}

static void collectors_run_before_each_read(void **state)
{
    mw_registry *reg = mw_registry_new(0);
    int times = 0;
    mw_registry_on_collect(reg, set_before_read, &times);
    shows(reg, MW_TEXT_004,
          "# TYPE asked gauge\nasked 1\n# TYPE kernel_total counter\nkernel_total 70\n");
    shows(reg, MW_TEXT_004,
          "# TYPE asked gauge\nasked 2\n# TYPE kernel_total counter\nkernel_total 70\n");
    mw_registry_free(reg);
}

static void the_accept_header_chooses_the_format(void **state)
{
    static const struct {
        const char *accept;
        mw_exposition format;
    } rows[] = {
        {NULL, MW_TEXT_004},
        {"", MW_TEXT_004},
        {"*/*", MW_TEXT_004},
        {"text/html,application/xhtml+xml,*/*;q=0.8", MW_TEXT_004},
        {"application/openmetrics-text", MW_OPENMETRICS_100},
        {"application/openmetrics-text; version=1.0.0", MW_OPENMETRICS_100},
        {"application/openmetrics-text; version=\"1.0.0\"", MW_OPENMETRICS_100},
        {"application/openmetrics-text; version=2.0.0", MW_TEXT_004},
        {"application/openmetrics-text;q=0", MW_TEXT_004},
        {"application/openmetrics-text;q=0.4,text/plain;q=0.5", MW_TEXT_004},
        {"application/openmetrics-text;q=0.5,text/plain;q=0.5", MW_OPENMETRICS_100},
        {"text/plain;q=0.2,Application/OpenMetrics-Text ; Q=0.3", MW_OPENMETRICS_100},
        {"application/openmetrics-text;q=banana", MW_TEXT_004},
        {"application/openmetrics-text;q=nan", MW_TEXT_004},
        /* Prometheus 2.42 and 3 */
        {"application/openmetrics-text;version=1.0.0,application/"
         "openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         MW_OPENMETRICS_100},
        {"application/"
         "vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
         "q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
         MW_TEXT_004},
        {";;;,,,=;q=,", MW_TEXT_004},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(mw_exposition_choose(rows[i].accept), rows[i].format);
    assert_string_equal(mw_exposition_type(MW_TEXT_004),
                        "text/plain; version=0.0.4; charset=utf-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_0_0_4_is_written_as_specified),
        cmocka_unit_test(openmetrics_is_written_as_specified),
        cmocka_unit_test(two_openmetrics_families_never_share_a_name),
        cmocka_unit_test(collectors_run_before_each_read),
        cmocka_unit_test(the_accept_header_chooses_the_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

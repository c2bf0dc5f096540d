/* test_registry.c - promises of the registry: get-or-create, recording from many threads, reading.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "metrics/registry.h"

static int make(mw_registry *reg, mw_kind kind, const char *name, const char *label,
                const char *value, mw_series **out)
{
    mw_family f = {.kind = kind, .name = name};
    mw_label l = {mw_str_of(label), mw_str_of(value)};
    return mw_registry_series(reg, &f, &l, label ? 1 : 0, out, NULL);
}

static void the_same_family_and_labels_are_the_same_series(void **state)
{
    mw_registry *reg = mw_registry_new(0);
    mw_series *a = mw_counter(reg, "x_total", "help", "b", "2", "a", "1", NULL);
    mw_series *b = mw_counter(reg, "x_total", "help", "a", "1", "b", "2", NULL);
    mw_series *c = mw_counter(reg, "x_total", "help", "a", "1", NULL);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    mw_registry_free(reg);
}

static void many_families_and_series_stay_findable(void **state)
{
    enum { N = 3000 };
    mw_registry *reg = mw_registry_new(0);
    mw_series **s = mw_array(N, sizeof *s), *again;
    char name[32], value[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            snprintf(name, sizeof name, "m%d", i % 500);
            snprintf(value, sizeof value, "%d", i);
            assert_int_equal(make(reg, MW_COUNTER, name, "v", value, round ? &again : &s[i]),
                             MW_OK);
            if (round) assert_ptr_equal(again, s[i]);
            mw_counter_add(s[i], i);
        }
    }
    for (int i = 0; i < N; i++) assert_true(mw_series_value(s[i]) == 2 * i);
    mw_free(s);
    mw_registry_free(reg);
}

static void each_refusal_has_its_code(void **state)
{
    mw_registry *reg = mw_registry_new(3);
    mw_series *s;
    assert_int_equal(make(reg, MW_COUNTER, "a_total", NULL, NULL, &s), MW_OK);
    assert_int_equal(make(reg, MW_GAUGE, "a_total", NULL, NULL, &s), MW_EKIND);
    assert_int_equal(make(reg, MW_COUNTER, "1a", NULL, NULL, &s), MW_EARG);
    assert_int_equal(make(reg, MW_COUNTER, "", NULL, NULL, &s), MW_EARG);
    assert_int_equal(make(reg, MW_COUNTER, "b", "__x", "1", &s), MW_EARG);
    assert_int_equal(make(reg, MW_COUNTER, "b", "a-b", "1", &s), MW_EARG);
    assert_int_equal(make(reg, MW_COUNTER, "b", "a", "\xff", &s), MW_EARG);
    assert_int_equal(make(reg, MW_HISTOGRAM, "h", "le", "1", &s), MW_EARG);
    double down[] = {2, 1}, up[] = {1, 2};
    mw_family f = {.kind = MW_HISTOGRAM, .name = "h", .buckets = down, .n_buckets = 2};
    assert_int_equal(mw_registry_series(reg, &f, NULL, 0, &s, NULL), MW_EARG);
    f.buckets = up;
    assert_int_equal(mw_registry_series(reg, &f, NULL, 0, &s, NULL), MW_OK);
    f.buckets = NULL;
    assert_int_equal(mw_registry_series(reg, &f, NULL, 0, &s, NULL), MW_EKIND);
    assert_int_equal(make(reg, MW_GAUGE, "c", NULL, NULL, &s), MW_OK);
    assert_int_equal(make(reg, MW_GAUGE, "d", NULL, NULL, &s), MW_ELIMIT);
    assert_int_equal(make(reg, MW_GAUGE, "c", NULL, NULL, &s), MW_OK);
    mw_registry_free(reg);
}

static void a_counter_never_goes_down(void **state)
{
    mw_registry *reg = mw_registry_new(0);
    mw_series *s = mw_counter(reg, "x_total", NULL, NULL);
    mw_counter_add(s, 2);
    mw_counter_add(s, -1);
    mw_counter_add(s, NAN);
    assert_true(mw_series_value(s) == 2);
    mw_buf b;
    mw_buf_init(&b);
    mw_registry_expose(reg, MW_TEXT_004, &b);
    assert_non_null(strstr(b.p, "\nmoonwatch_registry_ignored_total 2\n"));
    mw_buf_deinit(&b);
    mw_registry_free(reg);
}

/* -- threads -------------------------------------------------------------------------------- */

enum { THREADS = 4, ADDS = 20000 };

typedef struct work {
    mw_registry *reg;
    mw_series *counter, *gauge, *histogram;
} work;

static void *count_things(void *arg)
{
    work *w = arg;
    mw_series *late = mw_counter(w->reg, "late_total", NULL, NULL);
    for (int i = 0; i < ADDS; i++) {
        mw_counter_add(w->counter, 1);
        mw_counter_add(late, 2);
        mw_gauge_add(w->gauge, i % 2 ? 1 : -1);
        mw_histogram_observe(w->histogram, i % 3);
    }
    return NULL;
}

static void what_threads_counted_is_kept_when_they_end(void **state)
{
    mw_registry *reg = mw_registry_new(0);
    work w = {reg, mw_counter(reg, "c_total", NULL, NULL), mw_gauge(reg, "g", NULL, NULL),
              mw_histogram(reg, "h", NULL, NULL)};
    for (int round = 1; round <= 3; round++) {
        pthread_t t[THREADS];
        for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, count_things, &w);
        mw_buf b;
        mw_buf_init(&b);
        for (int i = 0; i < 20; i++) {
            mw_buf_reset(&b);
            mw_registry_expose(reg, MW_TEXT_004, &b);
        }
        mw_buf_deinit(&b);
        for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
        assert_true(mw_series_value(w.counter) == (double)round * THREADS * ADDS);
        assert_true(mw_series_value(w.histogram) == (double)round * THREADS * ADDS);
        assert_true(mw_series_value(w.gauge) == 0);
        assert_true(mw_series_value(mw_counter(reg, "late_total", NULL, NULL)) ==
                    2.0 * round * THREADS * ADDS);
    }
    mw_registry_free(reg);
}

typedef struct meeting {
    pthread_barrier_t barrier;
    mw_registry *reg;
    mw_series *s;
} meeting;

static void *outlive_a_registry(void *arg)
{
    meeting *m = arg;
    for (int round = 0; round < 20; round++) {
        pthread_barrier_wait(&m->barrier); /* a registry is there */
        mw_counter_add(m->s, 1);
        pthread_barrier_wait(&m->barrier); /* it may go */
    }
    return NULL;
}

static void a_thread_may_outlive_a_registry_and_use_the_next_one(void **state)
{
    meeting m;
    pthread_t t[2];
    pthread_barrier_init(&m.barrier, NULL, 3);
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, outlive_a_registry, &m);
    for (int round = 0; round < 20; round++) {
        m.reg = mw_registry_new(0);
        m.s = mw_counter(m.reg, "x_total", NULL, NULL);
        pthread_barrier_wait(&m.barrier);
        pthread_barrier_wait(&m.barrier);
        mw_counter_add(m.s, 1);
        assert_true(mw_series_value(m.s) == 3);
        mw_registry_free(m.reg);
    }
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    pthread_barrier_destroy(&m.barrier);
}

static void two_registries_do_not_mix(void **state)
{
    mw_registry *a = mw_registry_new(0), *b = mw_registry_new(0);
    mw_series *x = mw_counter(a, "x_total", NULL, NULL), *y = mw_counter(b, "x_total", NULL, NULL);
    for (int i = 0; i < 10; i++) {
        mw_counter_add(x, 1);
        mw_counter_add(y, 10);
    }
    assert_true(mw_series_value(x) == 10);
    assert_true(mw_series_value(y) == 100);
    mw_registry_free(a);
    mw_counter_add(y, 1);
    assert_true(mw_series_value(y) == 101);
    mw_registry_free(b);
}

/* -- buckets -------------------------------------------------------------------------------- */

static void a_value_on_a_bound_belongs_to_it(void **state)
{
    static const struct {
        double v;
        int bucket;
    } rows[] = {{-1, 0}, {0, 0}, {1, 1}, {1.5, 2}, {39, 39}, {39.5, 40}, {INFINITY, 40}, {NAN, 40}};
    double bounds[40];
    mw_buckets_linear(0, 1, 40, bounds);
    for (size_t n = 1; n <= 40; n++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            mw_registry *reg = mw_registry_new(0);
            mw_family f = {.kind = MW_HISTOGRAM, .name = "h", .buckets = bounds, .n_buckets = n};
            mw_series *s;
            assert_int_equal(mw_registry_series(reg, &f, NULL, 0, &s, NULL), MW_OK);
            mw_histogram_observe(s, rows[i].v);
            int bucket = rows[i].bucket < (int)n ? rows[i].bucket : (int)n;
            char line[64];
            mw_buf b;
            mw_buf_init(&b);
            mw_registry_expose(reg, MW_TEXT_004, &b);
            if (bucket < (int)n) {
                snprintf(line, sizeof line, "h_bucket{le=\"%d\"} 1\n", bucket);
                assert_non_null(strstr(b.p, line));
            }
            if (bucket > 0) {
                snprintf(line, sizeof line, "h_bucket{le=\"%d\"} 0\n", bucket - 1);
                assert_non_null(strstr(b.p, line));
            }
            mw_buf_deinit(&b);
            mw_registry_free(reg);
        }
    }
}

static void bounds_are_built_by_steps_and_by_factors(void **state)
{
    double out[4];
    mw_buckets_linear(1, 2, 4, out);
    assert_memory_equal(out, ((double[]){1, 3, 5, 7}), sizeof out);
    mw_buckets_exponential(1, 10, 4, out);
    assert_memory_equal(out, ((double[]){1, 10, 100, 1000}), sizeof out);
}

/* -- leaving -------------------------------------------------------------------------------- */

static mw_series *passing(mw_registry *reg, mw_kind kind, const char *name, const char *device)
{
    mw_family f = {.kind = kind, .name = name, .passing = true};
    mw_label l = {MW_STR("device"), mw_str_of(device)};
    mw_series *s = NULL;
    assert_int_equal(mw_registry_series(reg, &f, &l, 1, &s, NULL), MW_OK);
    return s;
}

static void assert_page(mw_registry *reg, const char *lines)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_registry_expose(reg, MW_TEXT_004, &b);
    const char *end = strstr(b.p, "# HELP moonwatch_");
    assert_non_null(end);
    assert_int_equal((size_t)(end - b.p), strlen(lines));
    assert_memory_equal(b.p, lines, strlen(lines));
    mw_buf_deinit(&b);
}

static void a_series_of_a_passing_family_leaves_and_may_come_back(void **state)
{
    mw_registry *reg = mw_registry_new(4);
    mw_series *a = passing(reg, MW_COUNTER, "a_bytes_total", "sda");
    mw_series *b = passing(reg, MW_COUNTER, "a_bytes_total", "sdb");
    mw_counter_set(a, 1);
    mw_counter_set(b, 2);
    assert_float_equal(mw_series_value(b), 2, 0);
    mw_registry_remove(reg, a);
    assert_page(reg, "# TYPE a_bytes_total counter\na_bytes_total{device=\"sdb\"} 2\n");
    mw_registry_remove(reg, b);
    assert_page(reg, "");
    for (int i = 0; i < 100; i++) { /* the limit counts those that are there */
        char name[32];
        snprintf(name, sizeof name, "dm-%d", i);
        mw_series *s = passing(reg, MW_COUNTER, "a_bytes_total", name);
        mw_counter_set(s, i);
        if (i < 99) mw_registry_remove(reg, s);
    }
    assert_page(reg, "# TYPE a_bytes_total counter\na_bytes_total{device=\"dm-99\"} 99\n");
    mw_registry_free(reg);
}

static void what_is_passing_belongs_to_who_says_so(void **state)
{
    mw_registry *reg = mw_registry_new(0);
    mw_family f = {.kind = MW_GAUGE, .name = "a_up"},
              h = {.kind = MW_HISTOGRAM, .name = "h", .passing = true};
    mw_series *s;
    passing(reg, MW_GAUGE, "a_up", "eth0");
    assert_int_equal(mw_registry_series(reg, &f, NULL, 0, &s, NULL), MW_EKIND);
    assert_int_equal(mw_registry_series(reg, &h, NULL, 0, &s, NULL), MW_EARG);
    f.name = "b_up";
    assert_int_equal(mw_registry_series(reg, &f, NULL, 0, &s, NULL), MW_OK);
    f.passing = true;
    assert_int_equal(mw_registry_series(reg, &f, NULL, 0, &s, NULL), MW_EKIND);
    mw_registry_free(reg);
}

static void remove_it(void *arg, const mw_labels *ls, double v)
{
    mw_series ***at = arg;
    mw_str name = mw_labels_find(ls, MW_METRIC_NAME);
    if (!mw_str_is(name, "a_up") || !**at) return;
    mw_registry_remove(((mw_registry **)at)[1], **at);
    ++*at;
}

static void a_page_that_is_being_read_still_has_what_left(void **state)
{
    mw_registry *reg = mw_registry_new(0);
    mw_series *all[4] = {passing(reg, MW_GAUGE, "a_up", "x"), passing(reg, MW_GAUGE, "a_up", "y"),
                         passing(reg, MW_GAUGE, "a_up", "z"), NULL};
    struct {
        mw_series **at;
        mw_registry *reg;
    } arg = {all, reg};
    mw_registry_each(reg, NULL, 0, remove_it, &arg);
    assert_null(*arg.at);
    assert_page(reg, "");
    mw_registry_free(reg);
}

/* -- visiting ------------------------------------------------------------------------------- */

static void note(void *arg, const mw_labels *ls, double v)
{
    if (mw_str_starts(mw_labels_find(ls, MW_METRIC_NAME), "moonwatch_")) return;
    mw_labels_text(ls, arg);
    mw_buf_printf(arg, " %g\n", v);
}

static void every_sample_is_visited_with_the_extra_labels(void **state)
{
    mw_registry *reg = mw_registry_new(0);
    double bounds[] = {0.5, 1};
    mw_family f = {.kind = MW_HISTOGRAM, .name = "h", .buckets = bounds, .n_buckets = 2};
    mw_series *h;
    assert_int_equal(mw_registry_series(reg, &f, NULL, 0, &h, NULL), MW_OK);
    mw_histogram_observe(h, 0.75);
    mw_counter_add(mw_counter(reg, "c_total", NULL, "job", "own", NULL), 2);
    mw_label extra[] = {{MW_STR("job"), MW_STR("self")}};
    mw_buf b;
    mw_buf_init(&b);
    mw_registry_each(reg, extra, 1, note, &b);
    assert_string_equal(b.p, "c_total{exported_job=\"own\", job=\"self\"} 2\n"
                             "h_bucket{job=\"self\", le=\"0.5\"} 0\n"
                             "h_bucket{job=\"self\", le=\"1\"} 1\n"
                             "h_bucket{job=\"self\", le=\"+Inf\"} 1\n"
                             "h_sum{job=\"self\"} 0.75\n"
                             "h_count{job=\"self\"} 1\n");
    mw_buf_deinit(&b);
    mw_registry_free(reg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_family_and_labels_are_the_same_series),
        cmocka_unit_test(many_families_and_series_stay_findable),
        cmocka_unit_test(each_refusal_has_its_code),
        cmocka_unit_test(a_counter_never_goes_down),
        cmocka_unit_test(what_threads_counted_is_kept_when_they_end),
        cmocka_unit_test(a_thread_may_outlive_a_registry_and_use_the_next_one),
        cmocka_unit_test(two_registries_do_not_mix),
        cmocka_unit_test(a_value_on_a_bound_belongs_to_it),
        cmocka_unit_test(bounds_are_built_by_steps_and_by_factors),
        cmocka_unit_test(a_series_of_a_passing_family_leaves_and_may_come_back),
        cmocka_unit_test(what_is_passing_belongs_to_who_says_so),
        cmocka_unit_test(a_page_that_is_being_read_still_has_what_left),
        cmocka_unit_test(every_sample_is_visited_with_the_extra_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

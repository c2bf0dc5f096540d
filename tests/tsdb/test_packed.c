/* test_packed.c - promises of sealed runs.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/mem.h"
#include "tsdb/chunk.h"
#include "tsdb/packed.h"

#include "runs.h"

typedef struct run {
    size_t n;
    int64_t t[MW_PACKED_MAX];
    double v[MW_PACKED_MAX];
} run;

static void fill(runs_random *r, int kind, int time, size_t n, run *to)
{
    to->n = n;
    runs_times[time].fill(r, to->t, n);
    runs_kinds[kind].fill(r, to->v, n);
}

static double double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Decoded from memory of exactly that size into memory of exactly N, so that a step too far is
 * seen. */
static int decode(const char *bytes, size_t size, size_t n, int64_t **t, double **v)
{
    char *exact = malloc(size ? size : 1);
    if (size) memcpy(exact, bytes, size);
    *t = malloc(n * sizeof **t + 1);
    *v = malloc(n * sizeof **v + 1);
    int code = mw_packed_decode((mw_str){exact, size}, n, *t, *v);
    free(exact);
    return code;
}

static size_t comes_back(const run *r)
{
    int64_t *t;
    double *v;
    mw_buf out;
    mw_buf_init(&out);
    mw_buf_text(&out, "before");
    mw_packed_encode(r->t, r->v, r->n, &out);
    size_t size = out.n - 6;
    assert_memory_equal(out.p, "before", 6);
    int code = decode(out.p + 6, size, r->n, &t, &v);
    assert_int_equal(code, MW_OK);
    assert_memory_equal(t, r->t, r->n * sizeof *t);
    assert_memory_equal(v, r->v, r->n * sizeof *v);
    free(t);
    free(v);
    mw_buf_deinit(&out);
    return size;
}

static size_t chunk_bytes(const run *r)
{
    mw_last last = {0};
    mw_chunk *c = mw_chunk_new(NULL, MW_CHUNK_FLOATS, 0);
    for (size_t i = 0; i < r->n; i++) mw_chunk_append(NULL, &c, &last, r->t[i], r->v[i]);
    size_t bytes = (c->bits + 7) / 8;
    mw_free(c);
    return bytes;
}

/* -- every bit ------------------------------------------------------------------------------ */

static void runs_of_every_kind_and_length_come_back(void **state)
{
    runs_random r = {0x9e3779b97f4a7c15};
    run one;
    for (size_t n = 1; n <= MW_PACKED_MAX; n++)
        for (int k = 0; k < RUNS_KINDS; k++) {
            fill(&r, k, (int)(n + (size_t)k) % RUNS_TIMES, n, &one);
            size_t size = comes_back(&one);
            assert_in_range(size, 1, 9 * n + 10 * n + 24);
        }
}

static void random_mixtures_come_back(void **state)
{
    runs_random r = {0x1234567};
    run a, b;
    for (int i = 0; i < 4000; i++) {
        size_t n = (size_t)runs_below(&r, MW_PACKED_MAX) + 1;
        double share = runs_unit(&r);
        fill(&r, (int)runs_below(&r, RUNS_KINDS), (int)runs_below(&r, RUNS_TIMES), n, &a);
        fill(&r, (int)runs_below(&r, RUNS_KINDS), 0, n, &b);
        for (size_t k = 0; k < n; k++)
            if (runs_unit(&r) < share) a.v[k] = b.v[k];
        comes_back(&a);
    }
}

static void values_at_the_edge_of_whole_numbers_come_back(void **state)
{
    static const double edges[] = {0x1p53,
                                   0x1p53 + 2,
                                   -0x1p53,
                                   0x1p62,
                                   0x1p63,
                                   -0x1p63,
                                   0x1.fffffffffffffp62,
                                   0x1p64,
                                   1e22,
                                   1e23,
                                   0.1,
                                   0.3,
                                   1e-22,
                                   1e-23,
                                   123456.789,
                                   0.1 + 0.2,
                                   9007199254740991.0,
                                   900719925474099.1,
                                   5e-324,
                                   1e308,
                                   -1e15 - .5,
                                   1e15 + .3};
    enum { N = sizeof edges / sizeof *edges };
    for (size_t a = 0; a < N; a++)
        for (size_t b = 0; b < N; b++)
            for (size_t n = 1; n < 40; n += 1 + n / 3) {
                run r = {.n = n};
                for (size_t i = 0; i < n; i++) {
                    r.t[i] = (int64_t)i;
                    r.v[i] = edges[i % 2 ? a : b] * (i % 5 == 4 ? -1 : 1);
                }
                comes_back(&r);
            }
}

static void any_two_times_have_a_distance(void **state)
{
    run r = {.n = 6, .t = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX}};
    comes_back(&r);
    run wide = {.n = 2, .t = {INT64_MIN, INT64_MAX}};
    comes_back(&wide);
    run last = {.n = 1, .t = {INT64_MAX}, .v = {NAN}};
    comes_back(&last);
}

/* -- sizes ---------------------------------------------------------------------------------- */

static void a_constant_run_on_a_grid_takes_a_dozen_bytes(void **state)
{
    run r = {.n = MW_PACKED_MAX};
    for (size_t i = 0; i < r.n; i++) r.t[i] = RUNS_START + 15000 * (int64_t)i;
    assert_in_range(comes_back(&r), 1, 8);
    for (size_t i = 0; i < r.n; i++) r.v[i] = 12345;
    assert_in_range(comes_back(&r), 1, 11);
    for (size_t i = 0; i < r.n; i++) r.v[i] = 0.123456789123456789;
    assert_in_range(comes_back(&r), 1, 16);
    for (size_t i = 0; i < r.n; i++) r.v[i] = mw_stale();
    assert_in_range(comes_back(&r), 1, 16);
}

/* One may take some bytes more, where whole bytes tell what a chunk tells in bits; not all. */
static void short_runs_take_no_more_than_open_chunks(void **state)
{
    runs_random r = {77};
    run one;
    for (size_t n = 1; n <= 10; n++) {
        size_t packed = 0, chunks = 0;
        for (int k = 0; k < RUNS_KINDS - 1; k++) /* all but the odd ones */
            for (int time = 0; time < RUNS_TIMES - 1; time++)
                for (int i = 0; i < 20; i++) {
                    fill(&r, k, time, n, &one);
                    size_t size = comes_back(&one), limit = chunk_bytes(&one);
                    assert_in_range(size, 1, limit + 4);
                    packed += size;
                    chunks += limit;
                }
        assert_in_range(packed, 1, chunks);
    }
}

static size_t size_of_kind(const char *name, int time, size_t n)
{
    runs_random r = {5};
    size_t sum = 0;
    run one;
    for (int k = 0; k < RUNS_KINDS; k++)
        for (int i = 0; i < 20 && !strcmp(runs_kinds[k].name, name); i++) {
            fill(&r, k, time, n, &one);
            sum += comes_back(&one);
        }
    assert_true(sum > 0);
    return sum / 20;
}

static void one_stale_marker_costs_a_few_bytes(void **state)
{
    runs_random r = {8};
    run one;
    for (int i = 0; i < 20; i++) {
        fill(&r, 3, 0, 120, &one);
        size_t without = comes_back(&one);
        one.v[runs_below(&r, 120)] = mw_stale();
        assert_in_range(comes_back(&one), 1, without + 6);
    }
}

static void jitter_of_some_milliseconds_costs_its_bits(void **state)
{
    assert_in_range(size_of_kind("zeros", 1, 480), 1, 480 * 3 / 8 + 20);
}

static void a_missed_scrape_costs_a_few_bytes(void **state)
{
    assert_in_range(size_of_kind("zeros", 2, 120), 1, 24);
}

/* -- hostile bytes -------------------------------------------------------------------------- */

/* Whatever the answer: nothing outside was touched, and times that are given ascend. */
static void is_safe(const char *bytes, size_t size, size_t n)
{
    int64_t *t;
    double *v;
    int code = decode(bytes, size, n, &t, &v);
    assert_true(code == MW_OK || code == MW_ECORRUPT);
    for (size_t i = 1; code == MW_OK && i < n; i++) assert_true(t[i - 1] < t[i]);
    free(t);
    free(v);
}

static void every_flipped_bit_and_every_cut_is_safe(void **state)
{
    runs_random r = {99};
    run one;
    mw_buf out;
    mw_buf_init(&out);
    for (int k = 0; k < RUNS_KINDS; k++)
        for (int time = 0; time < RUNS_TIMES; time++) {
            fill(&r, k, time, 1 + (size_t)runs_below(&r, 100), &one);
            mw_buf_reset(&out);
            mw_packed_encode(one.t, one.v, one.n, &out);
            for (size_t bit = 0; bit < out.n * 8; bit++) {
                out.p[bit / 8] ^= (char)(1 << bit % 8);
                is_safe(out.p, out.n, one.n);
                out.p[bit / 8] ^= (char)(1 << bit % 8);
            }
            for (size_t cut = 0; cut < out.n; cut++) {
                is_safe(out.p, cut, one.n);
                is_safe(out.p + out.n - cut, cut, one.n);
            }
            for (size_t n = 1; n <= 130; n++) is_safe(out.p, out.n, n);
        }
    mw_buf_deinit(&out);
}

static void a_cut_run_is_never_taken_for_a_run(void **state)
{
    runs_random r = {3};
    run one;
    int64_t t[MW_PACKED_MAX];
    double v[MW_PACKED_MAX];
    mw_buf out;
    mw_buf_init(&out);
    for (int k = 0; k < RUNS_KINDS; k++) {
        fill(&r, k, k % RUNS_TIMES, 60, &one);
        mw_buf_reset(&out);
        mw_packed_encode(one.t, one.v, one.n, &out);
        for (size_t cut = 0; cut < out.n; cut++)
            assert_int_equal(mw_packed_decode((mw_str){out.p, cut}, 60, t, v), MW_ECORRUPT);
        mw_buf_byte(&out, 0);
        assert_int_equal(mw_packed_decode((mw_str){out.p, out.n}, 60, t, v), MW_ECORRUPT);
    }
    mw_buf_deinit(&out);
}

static void random_bytes_are_safe(void **state)
{
    runs_random r = {123};
    char bytes[64];
    for (int i = 0; i < 200000; i++) {
        size_t size = (size_t)runs_below(&r, sizeof bytes + 1);
        for (size_t k = 0; k < size; k++) bytes[k] = (char)(runs_next(&r) >> 13);
        /* Small codes get deeper into the decoder. */
        for (size_t k = 0; k < size && k < 16; k++)
            if (runs_below(&r, 2)) bytes[k] &= 7;
        is_safe(bytes, size, (size_t)runs_below(&r, MW_PACKED_MAX) + 1);
    }
}

static void a_count_that_no_run_has_is_refused(void **state)
{
    int64_t t[1];
    double v[1];
    assert_int_equal(mw_packed_decode((mw_str){"", 0}, 1, t, v), MW_ECORRUPT);
    assert_int_equal(mw_packed_decode(MW_STR("\0\0"), 0, t, v), MW_ECORRUPT);
    assert_int_equal(mw_packed_decode(MW_STR("\0\0"), MW_PACKED_MAX + 1, t, v), MW_ECORRUPT);
    assert_int_equal(mw_packed_decode(MW_STR("\0\0"), 1, t, v), MW_OK);
}

/* -- stats ---------------------------------------------------------------------------------- */

static void stats_leave_nan_values_out(void **state)
{
    int64_t t[] = {10, 20, 30, 40, 50, 60};
    double v[] = {NAN, 3, mw_stale(), 1, 5, mw_stale()};
    mw_run_stats s;
    mw_run_stats_of(t, v, 6, &s);
    assert_int_equal(s.n, 6);
    assert_int_equal(s.resets, 1);
    assert_int_equal(s.min_t, 10);
    assert_int_equal(s.max_t, 60);
    assert_true(s.min == 1 && s.max == 5);
    assert_true(isnan(s.first));
    assert_true(mw_is_stale(s.last));
}

static void stats_of_nan_alone_have_no_range(void **state)
{
    int64_t t[] = {1, 2};
    double v[] = {mw_stale(), mw_stale()};
    mw_run_stats s;
    mw_run_stats_of(t, v, 2, &s);
    assert_true(isnan(s.min) && isnan(s.max));
    assert_int_equal(s.resets, 0);
}

static void stats_count_each_fall(void **state)
{
    int64_t t[] = {1, 2, 3, 4, 5, 6};
    double v[] = {5, 1, 2, 2, double_of(0xfff0000000000000), double_of(0x7ff0000000000000)};
    mw_run_stats s;
    mw_run_stats_of(t, v, 6, &s);
    assert_int_equal(s.resets, 2);
    assert_true(s.min == -INFINITY && s.max == INFINITY);
    assert_true(s.first == 5 && s.last == INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_every_kind_and_length_come_back),
        cmocka_unit_test(random_mixtures_come_back),
        cmocka_unit_test(values_at_the_edge_of_whole_numbers_come_back),
        cmocka_unit_test(any_two_times_have_a_distance),
        cmocka_unit_test(a_constant_run_on_a_grid_takes_a_dozen_bytes),
        cmocka_unit_test(short_runs_take_no_more_than_open_chunks),
        cmocka_unit_test(one_stale_marker_costs_a_few_bytes),
        cmocka_unit_test(jitter_of_some_milliseconds_costs_its_bits),
        cmocka_unit_test(a_missed_scrape_costs_a_few_bytes),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_safe),
        cmocka_unit_test(a_cut_run_is_never_taken_for_a_run),
        cmocka_unit_test(random_bytes_are_safe),
        cmocka_unit_test(a_count_that_no_run_has_is_refused),
        cmocka_unit_test(stats_leave_nan_values_out),
        cmocka_unit_test(stats_of_nan_alone_have_no_range),
        cmocka_unit_test(stats_count_each_fall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

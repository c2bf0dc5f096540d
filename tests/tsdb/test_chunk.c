/* test_chunk.c - promises of the bit stream.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/mem.h"
#include "tsdb/chunk.h"

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void comes_back_exactly(const int64_t *t, const double *v, size_t n)
{
    int64_t times[MW_CHUNK_SAMPLES];
    double values[MW_CHUNK_SAMPLES];
    mw_last last = {0};
    mw_chunk *c = mw_chunk_new(NULL, MW_CHUNK_FLOATS, 0);
    for (size_t i = 0; i < n; i++) mw_chunk_append(NULL, &c, &last, t[i], v[i]);
    assert_int_equal(c->n, n);
    c = mw_chunk_trim(NULL, c);
    assert_int_equal(mw_chunk_decode(c, times, values), n);
    assert_memory_equal(times, t, n * sizeof *t);
    assert_memory_equal(values, v, n * sizeof *v);
    if (n) {
        assert_int_equal(c->min_t, t[0]);
        assert_int_equal(c->max_t, t[n - 1]);
    }
    mw_free(c);
}

static void special_values_keep_every_bit(void **state)
{
    static const uint64_t bits[] = {
        0,
        0x8000000000000000ULL, /* -0 */
        MW_STALE_BITS,
        0x7ff8000000000001ULL, /* an ordinary NaN */
        0xfff8000000000000ULL,
        0x7ff0000000000000ULL, /* +Inf */
        0xfff0000000000000ULL,
        1, /* smallest subnormal */
        0x7fefffffffffffffULL,
        0xffffffffffffffffULL,
    };
    enum { N = sizeof bits / sizeof *bits };
    int64_t t[N * N];
    double v[N * N];
    for (size_t i = 0; i < N * N; i++) {
        t[i] = (int64_t)i * 15000;
        v[i] = double_of(i % 2 ? bits[i % N] : bits[i / N]);
    }
    comes_back_exactly(t, v, N * N);
}

static void any_two_times_have_a_distance(void **state)
{
    static const int64_t t[] = {INT64_MIN, INT64_MIN + 1, -1,       0, 1, 8191, 16384,
                                1LL << 40, INT64_MAX - 1, INT64_MAX};
    double v[sizeof t / sizeof *t] = {0};
    comes_back_exactly(t, v, sizeof t / sizeof *t);
}

static void the_edges_of_every_time_code_come_back(void **state)
{
    static const int64_t edges[] = {0, 1, 8191, 8192, 8193, 65535, 65536, 524287, 524288, 524289};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        int64_t base = 1000000;
        int64_t t[] = {0,
                       base,
                       2 * base + edges[i],
                       3 * base + edges[i],
                       4 * base,
                       6 * base - 2 * edges[i] + 1};
        double v[6] = {1, 1, 2, 2, 3, 3};
        comes_back_exactly(t, v, 6);
    }
}

static void random_runs_come_back(void **state)
{
    uint64_t seed = 0x9e3779b97f4a7c15ULL;
    for (int run = 0; run < 2000; run++) {
        int64_t t[MW_CHUNK_SAMPLES], at = (int64_t)(next_random(&seed) >> 20);
        double v[MW_CHUNK_SAMPLES];
        size_t n = next_random(&seed) % (MW_CHUNK_SAMPLES + 1);
        unsigned wild = (unsigned)(next_random(&seed) % 4), step = run % 40;
        for (size_t i = 0; i < n; i++) {
            at += 1 + (int64_t)(next_random(&seed) % (1ULL << step));
            t[i] = at;
            v[i] = wild == 0   ? double_of(next_random(&seed))
                   : wild == 1 ? 42
                   : wild == 2 ? (double)(i * 3)
                               : (double)(next_random(&seed) % 1000) / 10;
        }
        comes_back_exactly(t, v, n);
    }
}

static void a_regular_constant_series_takes_two_bits_a_sample(void **state)
{
    mw_last last = {0};
    mw_chunk *c = mw_chunk_new(NULL, MW_CHUNK_FLOATS, 0);
    for (int i = 0; i < MW_CHUNK_SAMPLES; i++) mw_chunk_append(NULL, &c, &last, i * 15000, 1);
    assert_in_range(c->bits, 128 + 118 * 2, 128 + 118 * 2 + 40);
    mw_free(c);
}

static void broken_bits_give_fewer_samples_and_nothing_else(void **state)
{
    uint64_t seed = 7;
    for (int run = 0; run < 3000; run++) {
        mw_last last = {0};
        mw_chunk *c = mw_chunk_new(NULL, MW_CHUNK_FLOATS, 0);
        int64_t times[MW_CHUNK_SAMPLES];
        double values[MW_CHUNK_SAMPLES];
        for (int i = 0; i < MW_CHUNK_SAMPLES; i++)
            mw_chunk_append(NULL, &c, &last, i * 1000 + (int)(next_random(&seed) % 50),
                            (double)(next_random(&seed) % 100));
        c = mw_chunk_trim(NULL, c);
        c->bits = (uint32_t)(next_random(&seed) % (c->bits + 1));
        for (int k = 0; k < 8; k++) c->words[next_random(&seed) % c->cap] ^= next_random(&seed);
        assert_in_range(mw_chunk_decode(c, times, values), 0, MW_CHUNK_SAMPLES);
        mw_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_values_keep_every_bit),
        cmocka_unit_test(any_two_times_have_a_distance),
        cmocka_unit_test(the_edges_of_every_time_code_come_back),
        cmocka_unit_test(random_runs_come_back),
        cmocka_unit_test(a_regular_constant_series_takes_two_bits_a_sample),
        cmocka_unit_test(broken_bits_give_fewer_samples_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_nhist.c - promises of native histograms: as bytes, and which are refused.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/mem.h"
#include "model/nhist.h"
#include "model/sample.h"
#include "mutate.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
/* Spans and counts as arrays, as one side of a histogram. */
#define SIDE(spans, counts)                        \
    {                                              \
        spans, counts, COUNT(spans), COUNT(counts) \
    }

static const mw_hspan two[] = {{0, 2}}, gaps[] = {{-3, 2}, {4, 0}, {0, 1}, {1000, 3}};
static const double small[] = {1, 2}, whole[] = {7, 0, 9007199254740992.0, 3, 1, 2},
                    floats[] = {0.5, 1e-300, 3, 1e300, 0.1, 12}, bounds[] = {-1, 0.25, 5};
static const mw_hspan all_custom[] = {{0, 4}};
static const double four[] = {1, 2, 3, 4};

static const mw_nhist samples[] = {
    {0},
    {.schema = 0, .count = 3, .sum = 4, .pos = SIDE(two, small)},
    {.schema = 8,
     .hint = MW_RESET_YES,
     .count = 1e15,
     .sum = -0.0,
     .zero_threshold = 0x1p-128,
     .zero_count = 12,
     .pos = SIDE(gaps, whole),
     .neg = SIDE(two, small)},
    {.schema = -4,
     .hint = MW_RESET_GAUGE,
     .is_float = true,
     .count = 0.25,
     .sum = INFINITY,
     .zero_threshold = 1e-9,
     .zero_count = 0.125,
     .pos = SIDE(two, small),
     .neg = SIDE(gaps, floats)},
    {.schema = MW_HIST_CUSTOM,
     .hint = MW_RESET_NO,
     .count = 10,
     .sum = 42.5,
     .pos = SIDE(all_custom, four),
     .custom = bounds,
     .n_custom = 3},
    {.schema = MW_HIST_CUSTOM, .count = 0, .sum = 0},
};

/* -- bytes ---------------------------------------------------------------------------------- */

static void assert_side(const mw_hside *got, const mw_hside *want)
{
    assert_int_equal(got->n_spans, want->n_spans);
    assert_int_equal(got->n_counts, want->n_counts);
    if (want->n_spans)
        assert_memory_equal(got->spans, want->spans, want->n_spans * sizeof *want->spans);
    if (want->n_counts)
        assert_memory_equal(got->counts, want->counts, want->n_counts * sizeof *want->counts);
}

static void assert_same(const mw_nhist *got, const mw_nhist *want)
{
    assert_int_equal(got->schema, want->schema);
    assert_int_equal(got->hint, want->hint);
    assert_int_equal(got->is_float, want->is_float);
    assert_memory_equal(&got->count, &want->count, 4 * sizeof(double));
    assert_side(&got->pos, &want->pos);
    assert_side(&got->neg, &want->neg);
    assert_int_equal(got->n_custom, want->n_custom);
    if (want->n_custom)
        assert_memory_equal(got->custom, want->custom, want->n_custom * sizeof *want->custom);
}

static mw_nhist *decoded(mw_str bytes, mw_arena *arena)
{
    mw_nhist *h = NULL;
    mw_err err = {0};
    if (mw_nhist_decode(bytes, arena, &h, &err)) fail_msg("%s", err.msg);
    return h;
}

static void every_bit_of_a_histogram_comes_back(void **state)
{
    for (size_t i = 0; i < COUNT(samples); i++) {
        mw_buf b = {0};
        mw_arena *arena = mw_arena_new(0);
        mw_nhist_encode(&samples[i], &b);
        assert_same(decoded((mw_str){b.p, b.n}, arena), &samples[i]);
        mw_arena_free(arena);
        mw_buf_deinit(&b);
    }
}

static void counts_that_are_not_whole_come_back_as_floats(void **state)
{
    static const double odd[] = {0.5, 9007199254740994.0, -3, NAN};
    for (size_t i = 0; i < COUNT(odd); i++) {
        mw_buf b = {0};
        mw_arena *arena = mw_arena_new(0);
        mw_nhist h = {.count = odd[i], .pos = SIDE(two, small)};
        mw_nhist_encode(&h, &b);
        h.is_float = true;
        assert_same(decoded((mw_str){b.p, b.n}, arena), &h);
        mw_arena_free(arena);
        mw_buf_deinit(&b);
    }
}

static void whole_counts_take_little(void **state)
{
    mw_buf b = {0};
    mw_nhist_encode(&samples[1], &b);
    assert_int_equal(b.n, 18 + 2 + 6 + 2); /* front, counts, positive side, negative side */
    mw_buf_deinit(&b);
}

static void random_side(mutator *r, bool is_float, mw_hspan *spans, double *counts, mw_hside *s)
{
    *s = (mw_hside){.spans = spans, .counts = counts, .n_spans = (uint32_t)mutator_below(r, 6)};
    for (uint32_t i = 0; i < s->n_spans; i++) {
        spans[i] = (mw_hspan){(int32_t)mutator_below(r, 300) - (i ? 0 : 150),
                              (uint32_t)mutator_below(r, 9)};
        for (uint32_t k = 0; k < spans[i].length; k++)
            counts[s->n_counts++] =
                (double)mutator_below(r, 1u << mutator_below(r, 30)) / (is_float ? 3 : 1);
    }
}

static void any_valid_histogram_comes_back(void **state)
{
    mutator r = {7};
    for (int round = 0; round < 3000; round++) {
        mw_hspan spans[2][6];
        double counts[2][60];
        mw_nhist h = {.schema = (int8_t)(mutator_below(&r, 13) - 4),
                      .hint = (uint8_t)mutator_below(&r, 4),
                      .is_float = mutator_below(&r, 2),
                      .sum = (double)(int64_t)mutator_next(&r) / 1e9,
                      .zero_threshold = 0.001,
                      .zero_count = (double)mutator_below(&r, 99)};
        random_side(&r, h.is_float, spans[0], counts[0], &h.pos);
        random_side(&r, h.is_float, spans[1], counts[1], &h.neg);
        h.count = h.zero_count;
        for (uint32_t i = 0; i < h.pos.n_counts; i++) h.count += h.pos.counts[i];
        for (uint32_t i = 0; i < h.neg.n_counts; i++) h.count += h.neg.counts[i];
        mw_err err = {0};
        if (mw_nhist_check(&h, &err)) fail_msg("%s", err.msg);
        mw_buf b = {0};
        mw_arena *arena = mw_arena_new(0);
        mw_nhist_encode(&h, &b);
        assert_same(decoded((mw_str){b.p, b.n}, arena), &h);
        mw_arena_free(arena);
        mw_buf_deinit(&b);
    }
}

/* -- damage --------------------------------------------------------------------------------- */

/* BYTES, in memory of exactly their size, are refused or are a histogram that can be used. */
static int try(const char *bytes, size_t n)
{
    mw_arena *arena = mw_arena_new(1 << 20);
    mw_err err = {0};
    mw_nhist *h = NULL;
    mw_buf out = {0};
    char *exact = malloc(n ? n : 1);
    memcpy(exact, bytes, n);
    int code = mw_nhist_decode((mw_str){exact, n}, arena, &h, &err);
    assert_int_equal(code, err.code);
    if (code) {
        assert_int_equal(code, MW_EPARSE);
        assert_string_equal(err.msg, "the bytes of a histogram are damaged");
    } else {
        mw_nhist_check(h, NULL);
        mw_nhist_json(h, &out);
        mw_nhist_text(h, &out);
        mw_nhist_encode(h, &out);
    }
    free(exact);
    mw_buf_deinit(&out);
    mw_arena_free(arena);
    return code;
}

static void damage_at_any_byte_is_refused_or_another_histogram(void **state)
{
    for (size_t i = 0; i < COUNT(samples); i++) {
        mw_buf b = {0};
        mw_nhist_encode(&samples[i], &b);
        for (size_t at = 0; at < b.n; at++) {
            char was = b.p[at];
            for (int with = 0; with < 256; with++) {
                b.p[at] = (char)with;
                try(b.p, b.n);
            }
            b.p[at] = was;
        }
        mw_buf_deinit(&b);
    }
}

static void a_histogram_cut_short_or_too_long_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT(samples); i++) {
        mw_buf b = {0};
        mw_nhist_encode(&samples[i], &b);
        for (size_t n = 0; n < b.n; n++) assert_int_equal(try(b.p, n), MW_EPARSE);
        mw_buf_byte(&b, 0);
        assert_int_equal(try(b.p, b.n), MW_EPARSE);
        mw_buf_deinit(&b);
    }
}

static void mutated_bytes_do_no_harm(void **state)
{
    mutator r = {99};
    for (int round = 0; round < 20000; round++) {
        mw_buf b = {0};
        size_t n;
        mw_nhist_encode(&samples[mutator_below(&r, COUNT(samples))], &b);
        char *bad = mutate(&r, b.p, b.n, &n);
        try(bad, n);
        free(bad);
        mw_buf_deinit(&b);
    }
}

static void numbers_of_things_that_cannot_be_there_take_no_memory(void **state)
{
    static const char head[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const char many[] = {(char)255, (char)255, 3}; /* 65535 */
    char bytes[64] = {0};
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, many, sizeof many); /* spans */
    assert_int_equal(try(bytes, sizeof bytes), MW_EPARSE);
    bytes[sizeof head] = 0;
    memcpy(bytes + sizeof head + 1, many, sizeof many); /* counts */
    assert_int_equal(try(bytes, sizeof bytes), MW_EPARSE);
}

static void a_full_arena_is_told_from_damage(void **state)
{
    mw_buf b = {0};
    mw_nhist *h = NULL;
    mw_err err = {0};
    mw_arena *arena = mw_arena_new(1);
    mw_nhist_encode(&samples[2], &b);
    assert_int_equal(mw_nhist_decode((mw_str){b.p, b.n}, arena, &h, &err), MW_ELIMIT);
    assert_string_equal(err.msg, "no room for a histogram");
    mw_arena_free(arena);
    mw_buf_deinit(&b);
}

/* -- checking ------------------------------------------------------------------------------- */

static const mw_hspan backwards[] = {{0, 1}, {-1, 1}}, wide[] = {{0, 70000}}, before[] = {{-1, 2}},
                      beyond[] = {{3, 2}}, none[] = {{0, 0}};
static const double minus[] = {1, -2}, nans[] = {1, NAN}, falling[] = {1, 1},
                    infinite[] = {1, INFINITY}, nan_bound[] = {NAN, 1}, low[] = {-INFINITY, 1};

static const struct refusal {
    const char *msg; /* NULL: valid */
    mw_nhist h;
} refusals[] = {
    {NULL, {.count = 3, .pos = SIDE(two, small)}},
    {NULL, {.count = 5, .sum = NAN, .pos = SIDE(two, small)}},
    {NULL, {.count = 1, .is_float = true, .pos = SIDE(two, small)}},
    {NULL,
     {.schema = MW_HIST_CUSTOM, .count = 3, .custom = low, .n_custom = 2, .pos = SIDE(two, small)}},
    {NULL,
     {.schema = MW_HIST_CUSTOM,
      .count = 10,
      .custom = bounds,
      .n_custom = 3,
      .pos = SIDE(all_custom, four)}},
    {"a histogram has schema 9, known are -4 to 8 and -53", {.schema = 9}},
    {"a histogram has schema -5, known are -4 to 8 and -53", {.schema = -5}},
    {"a histogram of an exponential schema must not have bounds of its own",
     {.custom = bounds, .n_custom = 3}},
    {"a histogram has a zero threshold that is no positive number", {.zero_threshold = -1}},
    {"a histogram has a zero threshold that is no positive number", {.zero_threshold = NAN}},
    {"a histogram has a zero threshold that is no positive number", {.zero_threshold = INFINITY}},
    {"a histogram has a negative zero count", {.zero_count = -1}},
    {"a histogram has a negative count", {.count = -1}},
    {"a histogram has a negative count", {.count = NAN}},
    {"a histogram has a span with a negative offset behind another one",
     {.count = 3, .pos = SIDE(backwards, small)}},
    {"a histogram has a span with a negative offset behind another one",
     {.count = 3, .neg = SIDE(backwards, small)}},
    {"a histogram has too many spans", {.pos = {NULL, NULL, 65537, 0}}},
    {"a histogram has too many buckets", {.pos = SIDE(wide, small)}},
    {"a histogram has too many buckets", {.neg = {two, small, 1, 65537}}},
    {"a histogram has spans that do not cover its buckets",
     {.count = 1, .pos = {two, small, 1, 1}}},
    {"a histogram has spans that do not cover its buckets",
     {.count = 3, .pos = {two, small, 0, 2}}},
    {"a histogram has spans that do not cover its buckets", {.count = 3, .neg = SIDE(none, small)}},
    {"a histogram has a bucket with a negative count", {.count = 3, .pos = SIDE(two, minus)}},
    {"a histogram has a bucket with a negative count", {.is_float = true, .neg = SIDE(two, nans)}},
    {"a histogram counts 4, its buckets 3", {.count = 4, .pos = SIDE(two, small)}},
    {"a histogram counts 2, its buckets 3", {.count = 2, .sum = NAN, .pos = SIDE(two, small)}},
    {"a histogram counts 7, its buckets 8",
     {.count = 7, .zero_count = 2, .pos = SIDE(two, small), .neg = SIDE(two, small)}},
    {"a histogram with bounds of its own must not have negative buckets",
     {.schema = MW_HIST_CUSTOM, .neg = SIDE(two, small)}},
    {"a histogram with bounds of its own must not have a zero bucket",
     {.schema = MW_HIST_CUSTOM, .zero_count = 1}},
    {"a histogram with bounds of its own must not have a zero bucket",
     {.schema = MW_HIST_CUSTOM, .zero_threshold = 1}},
    {"a histogram has too many bounds", {.schema = MW_HIST_CUSTOM, .n_custom = 65537}},
    {"a histogram has a bound that is no finite number",
     {.schema = MW_HIST_CUSTOM, .custom = infinite, .n_custom = 2}},
    {"a histogram has a bound that is no finite number",
     {.schema = MW_HIST_CUSTOM, .custom = nan_bound, .n_custom = 2}},
    {"a histogram has bounds that do not ascend",
     {.schema = MW_HIST_CUSTOM, .custom = falling, .n_custom = 2}},
    {"a histogram has buckets beyond its bounds",
     {.schema = MW_HIST_CUSTOM,
      .count = 3,
      .custom = bounds,
      .n_custom = 3,
      .pos = SIDE(beyond, small)}},
    {"a histogram has buckets before its bounds",
     {.schema = MW_HIST_CUSTOM,
      .count = 3,
      .custom = bounds,
      .n_custom = 3,
      .pos = SIDE(before, small)}},
};

static void what_makes_no_sense_is_refused_and_said(void **state)
{
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const struct refusal *r = &refusals[i];
        mw_err err = {0};
        int code = mw_nhist_check(&r->h, &err);
        if (r->msg)
            assert_string_equal(err.msg, r->msg);
        else if (code)
            fail_msg("row %zu: %s", i, err.msg);
        assert_int_equal(code, r->msg ? MW_EARG : MW_OK);
    }
}

static void what_is_valid_can_be_read_back(void **state)
{
    enum { MOST = 65536 };
    mw_hspan *spans = mw_array(MOST, sizeof *spans);
    double *counts = mw_array(MOST, sizeof *counts);
    for (int i = 0; i < MOST; i++) spans[i] = (mw_hspan){1, 1}, counts[i] = i % 3;
    mw_nhist h = {.schema = 8, .is_float = true, .pos = {spans, counts, MOST, MOST}};
    mw_buf b = {0};
    mw_arena *arena = mw_arena_new(0);
    assert_int_equal(mw_nhist_check(&h, NULL), MW_OK);
    mw_nhist_encode(&h, &b);
    assert_same(decoded((mw_str){b.p, b.n}, arena), &h);
    mw_arena_free(arena);
    mw_buf_deinit(&b);
    mw_free(spans);
    mw_free(counts);
}

static void a_stale_histogram_is_told_by_its_sum(void **state)
{
    mw_nhist h = {.sum = mw_stale()};
    assert_true(mw_nhist_is_stale(&h));
    h.sum = NAN;
    assert_false(mw_nhist_is_stale(&h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_histogram_comes_back),
        cmocka_unit_test(counts_that_are_not_whole_come_back_as_floats),
        cmocka_unit_test(whole_counts_take_little),
        cmocka_unit_test(any_valid_histogram_comes_back),
        cmocka_unit_test(damage_at_any_byte_is_refused_or_another_histogram),
        cmocka_unit_test(a_histogram_cut_short_or_too_long_is_refused),
        cmocka_unit_test(mutated_bytes_do_no_harm),
        cmocka_unit_test(numbers_of_things_that_cannot_be_there_take_no_memory),
        cmocka_unit_test(a_full_arena_is_told_from_damage),
        cmocka_unit_test(what_makes_no_sense_is_refused_and_said),
        cmocka_unit_test(what_is_valid_can_be_read_back),
        cmocka_unit_test(a_stale_histogram_is_told_by_its_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

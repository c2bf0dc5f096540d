/* test_nhist.c - native histograms: bytes and back, what is refused, and how they are shown.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/mem.h"
#include "model/nhist.h"
#include "model/sample.h"

static const mw_hspan two_spans[] = {{0, 2}, {3, 1}}, one_span[] = {{-1, 2}};
static const double three_counts[] = {1, 2, 4}, two_counts[] = {5, 6};
static const double bounds[] = {0.5, 1, 2.5};

static mw_nhist plain(void)
{
    return (mw_nhist){.schema = 0,
                      .count = 21,
                      .sum = 18.4,
                      .zero_threshold = 0.001,
                      .zero_count = 3,
                      .pos = {two_spans, three_counts, 2, 3},
                      .neg = {one_span, two_counts, 1, 2}};
}

static mw_nhist custom(void)
{
    return (mw_nhist){.schema = MW_HIST_CUSTOM,
                      .count = 7,
                      .sum = 9,
                      .pos = {two_spans, three_counts, 1, 2},
                      .custom = bounds,
                      .n_custom = 3};
}

static void same_side(const mw_hside *a, const mw_hside *b)
{
    assert_int_equal(a->n_spans, b->n_spans);
    assert_int_equal(a->n_counts, b->n_counts);
    assert_memory_equal(a->spans, b->spans, a->n_spans * sizeof *a->spans);
    assert_memory_equal(a->counts, b->counts, a->n_counts * sizeof *a->counts);
}

static void comes_back(const mw_nhist *h)
{
    mw_buf b = {0};
    mw_arena *arena = mw_arena_new(0);
    mw_nhist *got;
    mw_nhist_encode(h, &b);
    assert_int_equal(mw_nhist_decode((mw_str){b.p, b.n}, arena, &got, NULL), MW_OK);
    assert_int_equal(got->schema, h->schema);
    assert_int_equal(got->hint, h->hint);
    assert_int_equal(got->is_float, h->is_float);
    assert_memory_equal(&got->count, &h->count, 8);
    assert_memory_equal(&got->sum, &h->sum, 8);
    assert_memory_equal(&got->zero_threshold, &h->zero_threshold, 8);
    assert_memory_equal(&got->zero_count, &h->zero_count, 8);
    same_side(&got->pos, &h->pos);
    if (h->neg.n_spans) same_side(&got->neg, &h->neg);
    assert_int_equal(got->n_custom, h->n_custom);
    if (h->n_custom) assert_memory_equal(got->custom, h->custom, h->n_custom * 8);
    mw_arena_free(arena);
    mw_buf_deinit(&b);
}

static void every_kind_comes_back_to_the_bit(void **state)
{
    mw_nhist h = plain();
    comes_back(&h);
    for (h.hint = 0; h.hint < 4; h.hint++) comes_back(&h);
    h = plain();
    h.sum = mw_stale();
    assert_true(mw_nhist_is_stale(&h));
    comes_back(&h);
    h = plain();
    double halves[] = {0.5, 1e300, 0};
    h.is_float = true;
    h.count = NAN;
    h.pos.counts = halves;
    comes_back(&h);
    h = custom();
    comes_back(&h);
}

/* Every truncation and every flipped bit: another histogram or a refusal, nothing worse. */
static void damage_is_refused_or_harmless(void **state)
{
    mw_nhist all[] = {plain(), custom()};
    for (size_t k = 0; k < 2; k++) {
        mw_buf b = {0};
        mw_nhist *got;
        mw_nhist_encode(&all[k], &b);
        for (size_t n = 0; n < b.n; n++) {
            mw_arena *arena = mw_arena_new(1 << 20);
            char *cut = malloc(n + 1); /* its own block, so that a read behind it is seen */
            memcpy(cut, b.p, n);
            assert_int_equal(mw_nhist_decode((mw_str){cut, n}, arena, &got, NULL), MW_EPARSE);
            free(cut);
            mw_arena_free(arena);
        }
        for (size_t bit = 0; bit < b.n * 8; bit++) {
            mw_arena *arena = mw_arena_new(1 << 20);
            b.p[bit / 8] ^= (char)(1 << bit % 8);
            int code = mw_nhist_decode((mw_str){b.p, b.n}, arena, &got, NULL);
            assert_true(code == MW_OK || code == MW_EPARSE || code == MW_ELIMIT);
            if (code == MW_OK) {
                mw_buf text = {0};
                mw_nhist_check(got, NULL);
                mw_nhist_json(got, &text);
                mw_buf_deinit(&text);
            }
            b.p[bit / 8] ^= (char)(1 << bit % 8);
            mw_arena_free(arena);
        }
        mw_buf_deinit(&b);
    }
}

static void is_refused(const mw_nhist *h, const char *why)
{
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(mw_nhist_check(h, &err), MW_EARG);
    if (!strstr(err.msg, why)) fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

static void what_cannot_be_is_refused_with_the_reason(void **state)
{
    mw_nhist h = plain();
    assert_int_equal(mw_nhist_check(&h, NULL), MW_OK);
    h.schema = 9;
    is_refused(&h, "schema 9");
    h = plain();
    h.count = 20;
    is_refused(&h, "counts 20, its buckets 21");
    h = plain();
    h.pos.n_counts = 2;
    is_refused(&h, "do not cover");
    h = plain();
    static const mw_hspan back[] = {{0, 2}, {-1, 1}};
    h.pos.spans = back;
    is_refused(&h, "negative offset");
    h = plain();
    static const double negative[] = {1, -2, 8};
    h.pos.counts = negative;
    is_refused(&h, "negative count");
    h = plain();
    h.zero_threshold = NAN;
    is_refused(&h, "zero threshold");
    h = plain();
    h.sum = NAN; /* observations of NaN are counted, but are in no bucket */
    h.count = 30;
    assert_int_equal(mw_nhist_check(&h, NULL), MW_OK);
}

static void bounds_of_its_own_are_checked(void **state)
{
    mw_nhist h = custom();
    h.count = 3;
    assert_int_equal(mw_nhist_check(&h, NULL), MW_OK);
    static const double wild[] = {1, 1, 2};
    h.custom = wild;
    is_refused(&h, "ascend");
    h.custom = bounds;
    h.n_custom = 0;
    is_refused(&h, "beyond its bounds");
    h = custom();
    h.count = 3;
    h.zero_count = 1;
    is_refused(&h, "zero bucket");
    h = plain();
    h.custom = bounds;
    h.n_custom = 3;
    is_refused(&h, "exponential schema");
}

static void reads(const mw_nhist *h, void (*write)(const mw_nhist *, mw_buf *), const char *text)
{
    mw_buf b = {0};
    write(h, &b);
    assert_string_equal(b.p, text);
    mw_buf_deinit(&b);
}

static void it_reads_as_in_the_api_of_prometheus(void **state)
{
    mw_nhist h = plain();
    reads(&h, mw_nhist_json,
          "{\"count\":\"21\",\"sum\":\"18.4\",\"buckets\":["
          "[1,\"-1\",\"-0.5\",\"6\"],[1,\"-0.5\",\"-0.25\",\"5\"],[3,\"-0.001\",\"0.001\",\"3\"],"
          "[0,\"0.5\",\"1\",\"1\"],[0,\"1\",\"2\",\"2\"],[0,\"16\",\"32\",\"4\"]]}");
    reads(&h, mw_nhist_text,
          "{count:21, sum:18.4, [-1,-0.5):6, [-0.5,-0.25):5, [-0.001,0.001]:3, (0.5,1]:1, (1,2]:2, "
          "(16,32]:4}");
    h = (mw_nhist){0};
    reads(&h, mw_nhist_json, "{\"count\":\"0\",\"sum\":\"0\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_to_the_bit),
        cmocka_unit_test(damage_is_refused_or_harmless),
        cmocka_unit_test(what_cannot_be_is_refused_with_the_reason),
        cmocka_unit_test(bounds_of_its_own_are_checked),
        cmocka_unit_test(it_reads_as_in_the_api_of_prometheus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

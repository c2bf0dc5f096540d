/* test_nhist_math.c - promises of what is computed with native histograms.
 *
 * Properties are tried on histograms made by a generator with a fixed seed; known values are
 * written as test scripts write them.  SPDX-License-Identifier: MIT */
#include "test.h"

/* after test.h */
#include "../promql/histtext.h"

typedef struct world {
    mw_arena *arena;
    mw_nwork *work;
    uint64_t seed;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->arena = mw_arena_new(0);
    w->work = mw_nwork_new(w->arena);
    w->seed = 88172645463325252u;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    mw_arena_free(w->arena);
    free(w);
    return 0;
}

/* -- helpers -------------------------------------------------------------------------------- */

static uint64_t below(world *w, uint64_t n)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed % n;
}

/* Buckets from FIRST on. */
static void make_side(world *w, mw_hside *s, int32_t first, double *count)
{
    uint32_t n = 1 + (uint32_t)below(w, 3), at = 0;
    mw_hspan *spans = mw_arena_array(w->arena, n, sizeof *spans);
    double *counts = mw_arena_array(w->arena, n * 4u, sizeof *counts);
    for (uint32_t i = 0; i < n; i++) {
        spans[i].offset = (i ? 0 : first) + (int32_t)below(w, 3);
        spans[i].length = (uint32_t)below(w, first ? 5 : 2);
        for (uint32_t k = 0; k < spans[i].length; k++) *count += counts[at++] = (double)below(w, 9);
    }
    *s = (mw_hside){spans, counts, n, at};
}

static const mw_nhist *made(world *w)
{
    static const double thresholds[] = {0, 0, 0.25, 1, 4}; /* bounds at every resolution here */
    mw_nhist *h = mw_arena_zalloc(w->arena, sizeof *h);
    h->schema = (int8_t)(below(w, 5) - 1);
    h->zero_threshold = thresholds[below(w, 5)];
    h->count = h->zero_count = (double)below(w, 5);
    int32_t first = -6; /* that the zero bucket leaves alone */
    while (mw_nhist_bound(h, first - 1) < h->zero_threshold) first++;
    make_side(w, &h->pos, first, &h->count);
    make_side(w, &h->neg, first, &h->count);
    h->sum = (double)below(w, 100);
    return h;
}

static const mw_nhist *made_custom(world *w)
{
    mw_nhist *h = mw_arena_zalloc(w->arena, sizeof *h);
    uint32_t n = 9;
    double *bounds = mw_arena_array(w->arena, n, sizeof *bounds);
    for (uint32_t i = 0; i < n; i++) bounds[i] = (i ? bounds[i - 1] : 0) + 1 + (double)below(w, 2);
    h->schema = MW_HIST_CUSTOM;
    h->custom = bounds;
    h->n_custom = n;
    make_side(w, &h->pos, 0, &h->count);
    h->sum = (double)below(w, 100);
    return h;
}

static double in_buckets(const mw_nhist *h)
{
    double all = h->zero_count;
    for (uint32_t i = 0; i < h->pos.n_counts; i++) all += h->pos.counts[i];
    for (uint32_t i = 0; i < h->neg.n_counts; i++) all += h->neg.counts[i];
    return all;
}

static const mw_nhist *parsed(world *w, const char *text)
{
    const mw_nhist *h;
    bool hinted;
    if (!histtext_one(text, w->arena, &h, &hinted)) fail_msg("no histogram: %s", text);
    return h;
}

static void is(world *w, const mw_nhist *got, const char *want)
{
    mw_buf text = {0};
    if (histtext_equal(parsed(w, want), got, strstr(want, "hint") != NULL)) return;
    mw_nhist_text(got, &text);
    fail_msg("want %s, got %s", want, text.p);
}

static void near(double got, double want, double by)
{
    if (!(fabs(got - want) <= by)) fail_msg("want %.17g, got %.17g", want, got);
}

static const mw_nhist *sum_of(world *w, const mw_nhist *a, const mw_nhist *b)
{
    mw_nwork_set(w->work, a);
    assert_false(mw_nwork_add(w->work, b) & MW_NHIST_MIXED);
    return mw_nwork_take(w->work, w->arena, true);
}

static const mw_nhist *difference(world *w, const mw_nhist *a, const mw_nhist *b)
{
    mw_nwork_set(w->work, a);
    assert_false(mw_nwork_sub(w->work, b) & MW_NHIST_MIXED);
    return mw_nwork_take(w->work, w->arena, true);
}

static const mw_nhist *reduced(world *w, const mw_nhist *h, int schema)
{
    mw_nwork_set(w->work, h);
    mw_nwork_reduce(w->work, schema);
    return mw_nwork_take(w->work, w->arena, true);
}

/* -- properties ----------------------------------------------------------------------------- */

static void no_observation_is_lost_or_made_by_adding(void **state)
{
    world *w = *state;
    for (int i = 0; i < 4000; i++) {
        const mw_nhist *a = i & 1 ? made(w) : made_custom(w);
        const mw_nhist *b = i & 1 ? made(w) : made_custom(w), *s = sum_of(w, a, b);
        assert_true(s->count == a->count + b->count && s->sum == a->sum + b->sum);
        assert_true(in_buckets(s) == s->count);
        assert_true(s->schema == (a->schema < b->schema ? a->schema : b->schema));
        assert_true(s->zero_threshold >= a->zero_threshold);
        assert_true(s->zero_threshold >= b->zero_threshold);
        assert_int_equal(mw_nhist_check(s, NULL), MW_OK);
        assert_true(mw_nhist_equal(s, sum_of(w, b, a)));
    }
}

static void what_was_added_can_be_taken_away_again(void **state)
{
    world *w = *state;
    for (int i = 0; i < 4000; i++) {
        const mw_nhist *a = i & 1 ? made(w) : made_custom(w);
        const mw_nhist *b = i & 1 ? made(w) : made_custom(w), *s = sum_of(w, a, b);
        const mw_nhist *again = difference(w, s, b), *empty = difference(w, s, s);
        /* as A where it was not made coarser to be added */
        assert_true(mw_nhist_equal(again, difference(w, sum_of(w, a, empty), empty)));
        assert_true(empty->count == 0 && in_buckets(empty) == 0 && !empty->pos.n_counts);
    }
}

static void less_resolution_keeps_every_count(void **state)
{
    world *w = *state;
    for (int i = 0; i < 2000; i++) {
        const mw_nhist *h = made(w), *one = reduced(w, h, h->schema - 1);
        const mw_nhist *two = reduced(w, h, h->schema - 2);
        assert_true(one->count == h->count && in_buckets(one) == in_buckets(h));
        assert_true(mw_nhist_equal(two, reduced(w, one, h->schema - 2)));
    }
}

static void twice_a_histogram_is_it_added_to_itself(void **state)
{
    world *w = *state;
    for (int i = 0; i < 1000; i++) {
        const mw_nhist *h = made(w), *s = sum_of(w, h, h);
        mw_nwork_set(w->work, h);
        mw_nwork_scale(w->work, 2);
        assert_true(mw_nhist_equal(s, mw_nwork_take(w->work, w->arena, true)));
        mw_nwork_set(w->work, s);
        mw_nwork_divide(w->work, 2);
        assert_true(mw_nhist_equal(h, mw_nwork_take(w->work, w->arena, true)));
    }
}

static void a_counter_that_grew_was_not_reset_and_one_that_fell_was(void **state)
{
    world *w = *state;
    for (int i = 0; i < 4000; i++) {
        const mw_nhist *a = i & 1 ? made(w) : made_custom(w);
        const mw_nhist *b = i & 1 ? made(w) : made_custom(w), *s = sum_of(w, a, b);
        assert_false(mw_nhist_was_reset(s, a));
        assert_false(mw_nhist_was_reset(s, b));
        if (a->count > 0 && b->count > 0) assert_true(mw_nhist_was_reset(a, s));
    }
}

static void quantiles_never_fall_and_fractions_of_everything_are_one(void **state)
{
    world *w = *state;
    unsigned notes;
    for (int i = 0; i < 2000; i++) {
        const mw_nhist *h = i & 1 ? made(w) : made_custom(w);
        if (h->count == 0) continue;
        double last = -INFINITY;
        for (double q = 0; q <= 1; q += 0.125) {
            double v = mw_nhist_quantile(q, h, &notes);
            assert_true(v >= last - 1e-9 * fabs(v));
            assert_int_equal(notes, 0);
            last = v;
        }
        assert_true(mw_nhist_fraction(-INFINITY, INFINITY, h, &notes) == 1);
        double under = mw_nhist_fraction(-INFINITY, 1.5, h, &notes);
        double over = mw_nhist_fraction(1.5, INFINITY, h, &notes);
        assert_true(fabs(under + over - 1) < 1e-9);
        assert_true(isnan(mw_nhist_variance(h)) || mw_nhist_variance(h) >= 0);
    }
}

static void buckets_come_in_order_from_both_ends(void **state)
{
    world *w = *state;
    mw_nbuckets up, down;
    for (int i = 0; i < 1000; i++) {
        const mw_nhist *h = i & 1 ? made(w) : made_custom(w);
        double last = -INFINITY, lower, upper, all = 0;
        mw_nbuckets_init(&up, h, false);
        while (mw_nbuckets_next(&up)) {
            mw_nbuckets_bounds(&up, &lower, &upper);
            all += up.count;
            if (h->zero_threshold == 0) assert_true(lower >= last && upper >= lower);
            last = upper;
        }
        mw_nbuckets_init(&down, h, true);
        while (mw_nbuckets_next(&down)) all -= down.count;
        assert_true(all == 0);
    }
}

/* -- known values --------------------------------------------------------------------------- */

static void zero_buckets_of_different_width_become_one(void **state)
{
    world *w = *state;
    const mw_nhist *narrow = parsed(w, "{{count:9 sum:1 z_bucket:2 z_bucket_w:0.1 offset:-2 "
                                       "buckets:[3 0 4] n_buckets:[0]}}");
    const mw_nhist *wide = parsed(w, "{{count:5 sum:1 z_bucket:5 z_bucket_w:0.2}}");
    /* the bucket (0.125,0.25] is cut by 0.2: it goes into the zero bucket as a whole */
    is(w, sum_of(w, narrow, wide), "{{count:14 sum:2 z_bucket:10 z_bucket_w:0.25 buckets:[4]}}");
    is(w, sum_of(w, wide, narrow), "{{count:14 sum:2 z_bucket:10 z_bucket_w:0.25 buckets:[4]}}");
}

static void custom_bounds_that_differ_leave_those_of_both(void **state)
{
    world *w = *state;
    const mw_nhist *a = parsed(w, "{{schema:-53 count:10 sum:1 custom_values:[1 2 3] buckets:[1 2 "
                                  "3 4]}}");
    const mw_nhist *b = parsed(w, "{{schema:-53 count:3 sum:1 custom_values:[2 4] buckets:[1 1 "
                                  "1]}}");
    mw_nwork_set(w->work, a);
    assert_int_equal(mw_nwork_add(w->work, b), MW_NHIST_RECONCILED);
    is(w, mw_nwork_take(w->work, w->arena, true),
       "{{schema:-53 count:13 sum:2 custom_values:[2] buckets:[4 9]}}");
    mw_nwork_set(w->work, a);
    assert_int_equal(mw_nwork_add(w->work, parsed(w, "{{count:1}}")), MW_NHIST_MIXED);
    is(w, mw_nwork_take(w->work, w->arena, true),
       "{{schema:-53 count:10 sum:1 custom_values:[1 2 3] buckets:[1 2 3 4]}}");
}

static void hints_are_joined_and_contradictions_told(void **state)
{
    world *w = *state;
    static const struct {
        mw_reset_hint a, b, both;
        unsigned met;
    } rows[] = {
        {MW_RESET_NO, MW_RESET_NO, MW_RESET_NO, 0},
        {MW_RESET_NO, MW_RESET_UNKNOWN, MW_RESET_UNKNOWN, 0},
        {MW_RESET_UNKNOWN, MW_RESET_YES, MW_RESET_UNKNOWN, 0},
        {MW_RESET_YES, MW_RESET_GAUGE, MW_RESET_GAUGE, 0},
        {MW_RESET_GAUGE, MW_RESET_NO, MW_RESET_GAUGE, 0},
        {MW_RESET_YES, MW_RESET_NO, MW_RESET_UNKNOWN, MW_NHIST_COLLISION},
        {MW_RESET_NO, MW_RESET_YES, MW_RESET_UNKNOWN, MW_NHIST_COLLISION},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_nhist a = {.hint = (uint8_t)rows[i].a}, b = {.hint = (uint8_t)rows[i].b};
        mw_nwork_set(w->work, &a);
        assert_int_equal(mw_nwork_add(w->work, &b), rows[i].met);
        assert_int_equal(mw_nwork_take(w->work, w->arena, true)->hint, rows[i].both);
    }
    mw_nhist counter = {.hint = MW_RESET_NO, .count = 1};
    mw_nwork_set(w->work, &counter);
    mw_nwork_scale(w->work, -1);
    assert_int_equal(mw_nwork_take(w->work, w->arena, true)->hint, MW_RESET_GAUGE);
}

static void a_hint_answers_whether_a_counter_was_reset(void **state)
{
    (void)state;
    mw_nhist less = {.count = 1}, more = {.count = 2};
    assert_true(mw_nhist_was_reset(&less, &more));
    less.hint = MW_RESET_NO;
    assert_false(mw_nhist_was_reset(&less, &more));
    more.hint = MW_RESET_YES;
    assert_true(mw_nhist_was_reset(&more, &less));
}

static void sums_keep_what_rounding_loses(void **state)
{
    world *w = *state;
    mw_nhist h[4] = {{.sum = 5.3}, {.sum = 1e100}, {.sum = 1}, {.sum = -1e100}};
    mw_nwork_set(w->work, &h[0]);
    for (int i = 1; i < 4; i++) mw_nwork_sum(w->work, &h[i]);
    near(mw_nwork_take(w->work, w->arena, true)->sum, 6.3, 1e-12);
}

static void quantiles_are_interpolated_within_their_bucket(void **state)
{
    world *w = *state;
    unsigned notes;
    const mw_nhist *h = parsed(w, "{{count:12 sum:30 z_bucket:2 z_bucket_w:0.5 buckets:[4 4 2]}}");
    near(mw_nhist_quantile(0, h, &notes), 0, 0);
    near(mw_nhist_quantile(1. / 12, h, &notes), 0.25, 1e-12); /* evenly */
    near(mw_nhist_quantile(4. / 12, h, &notes), sqrt(0.5), 1e-12);
    near(mw_nhist_quantile(1, h, &notes), 4, 0);
    assert_true(mw_nhist_quantile(-0.1, h, &notes) == -INFINITY);
    assert_true(mw_nhist_quantile(1.1, h, &notes) == INFINITY);
    near(mw_nhist_fraction(0, 1, h, &notes), 0.5, 1e-12);
    h = parsed(w, "{{count:4 sum:NaN buckets:[3]}}");
    near(mw_nhist_quantile(0.25, h, &notes), exp2(-1 + 1. / 3), 1e-12);
    assert_int_equal(notes, MW_NHIST_NAN_SKEW);
    assert_true(isnan(mw_nhist_quantile(0.9, h, &notes)));
    assert_int_equal(notes, MW_NHIST_NAN_RESULT);
}

static void trimming_cuts_the_bucket_it_meets(void **state)
{
    world *w = *state;
    const mw_nhist *h = parsed(w, "{{schema:-53 count:6 sum:9 custom_values:[2 4] buckets:[2 2 "
                                  "2]}}");
    mw_nwork_set(w->work, h);
    assert_true(mw_nwork_trim(w->work, 3, true));
    is(w, mw_nwork_take(w->work, w->arena, true),
       "{{schema:-53 count:3 sum:4.5 custom_values:[2 4] buckets:[2 1]}}");
    mw_nwork_set(w->work, h);
    assert_true(mw_nwork_trim(w->work, 3, false));
    is(w, mw_nwork_take(w->work, w->arena, true),
       "{{schema:-53 count:3 sum:11.5 custom_values:[2 4] offset:1 buckets:[1 2]}}");
    mw_nwork_set(w->work, h);
    assert_false(mw_nwork_trim(w->work, INFINITY, true));
    is(w, mw_nwork_take(w->work, w->arena, true),
       "{{schema:-53 count:6 sum:9 custom_values:[2 4] buckets:[2 2 2]}}");
}

/* Spans and numbers as only bytes from outside can hold them. */
static const mw_nhist *hostile(world *w)
{
    static const double numbers[] = {0, 1, -3, 1e300, -1e300, INFINITY, NAN, 0x1p-1074};
    static const int32_t offsets[] = {0, 1, -1, 40, INT32_MAX, INT32_MIN, 1 << 20, -(1 << 20)};
    mw_nhist *h = mw_arena_zalloc(w->arena, sizeof *h);
    mw_hside *sides[] = {&h->pos, &h->neg};
    h->schema = (int8_t)(below(w, 4) ? (int)below(w, 13) - 4 : MW_HIST_CUSTOM);
    h->hint = (uint8_t)below(w, 4);
    h->count = numbers[below(w, 8)];
    h->sum = numbers[below(w, 8)];
    h->zero_count = numbers[below(w, 8)];
    h->zero_threshold = fabs(numbers[below(w, 6)]);
    for (size_t k = 0; k < 2; k++) {
        uint32_t n = (uint32_t)below(w, 4), at = 0;
        mw_hspan *spans = mw_arena_array(w->arena, n + 1, sizeof *spans);
        double *counts = mw_arena_array(w->arena, n * 3u + 1, sizeof *counts);
        for (uint32_t i = 0; i < n; i++) {
            spans[i] = (mw_hspan){offsets[below(w, 8)], (uint32_t)below(w, 4)};
            if (i && spans[i].offset < 0) spans[i].offset = 2;
            for (uint32_t b = 0; b < spans[i].length; b++) counts[at++] = numbers[below(w, 8)];
        }
        *sides[k] = (mw_hside){spans, counts, n, at};
    }
    h->n_custom = (uint32_t)below(w, 4);
    double *bounds = mw_arena_array(w->arena, 4, sizeof *bounds);
    for (uint32_t i = 0; i < h->n_custom; i++) bounds[i] = (double)i + numbers[below(w, 3)];
    h->custom = bounds;
    return h;
}

static void no_histogram_is_too_strange_to_be_computed_with(void **state)
{
    world *w = *state;
    unsigned notes;
    mw_nwork *copy = mw_nwork_new(w->arena);
    for (int i = 0; i < 20000; i++) {
        const mw_nhist *a = hostile(w), *b = hostile(w);
        mw_nwork_set(w->work, a);
        mw_nwork_copy(copy, w->work);
        mw_nwork_add(w->work, b);
        mw_nwork_sum(copy, b);
        mw_nwork_scale(copy, -0.5);
        mw_nwork_reduce(w->work, (int)below(w, 13) - 4);
        mw_nwork_trim(w->work, b->sum, i & 1);
        mw_nwork_divide(w->work, b->count);
        const mw_nhist *x = mw_nwork_take(w->work, w->arena, i & 2);
        const mw_nhist *y = mw_nwork_take(copy, w->arena, i & 1);
        assert_non_null(x);
        assert_non_null(y);
        mw_nhist_was_reset(a, b);
        mw_nhist_was_reset(x, y);
        mw_nhist_equal(x, y);
        mw_nhist_quantile((double)below(w, 101) / 100, y, &notes);
        mw_nhist_fraction(a->sum, b->sum, x, &notes);
        mw_nhist_variance(a);
    }
}

static void a_full_arena_gives_no_histogram(void **state)
{
    world *w = *state;
    mw_arena *small = mw_arena_new(1 << 16);
    mw_nwork *work = mw_nwork_new(small);
    const mw_nhist *h = parsed(w, "{{count:3 buckets:[1 2]}}"), *got = h;
    assert_non_null(work);
    for (int i = 0; i < 5000 && got; i++) {
        mw_nwork_set(work, h);
        mw_nwork_add(work, h);
        got = mw_nwork_take(work, small, true);
    }
    assert_null(got);
    mw_arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_observation_is_lost_or_made_by_adding, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_added_can_be_taken_away_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(less_resolution_keeps_every_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(twice_a_histogram_is_it_added_to_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_counter_that_grew_was_not_reset_and_one_that_fell_was,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(quantiles_never_fall_and_fractions_of_everything_are_one,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(buckets_come_in_order_from_both_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zero_buckets_of_different_width_become_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(custom_bounds_that_differ_leave_those_of_both, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(hints_are_joined_and_contradictions_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_hint_answers_whether_a_counter_was_reset, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sums_keep_what_rounding_loses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quantiles_are_interpolated_within_their_bucket, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(trimming_cuts_the_bucket_it_meets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_histogram_is_too_strange_to_be_computed_with, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_arena_gives_no_histogram, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

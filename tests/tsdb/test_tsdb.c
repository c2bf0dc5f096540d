/* test_tsdb.c - promises of the store: what goes in comes out, in order, until it may be forgotten.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "base/mem.h"
#include "tsdb/tsdb.h"

enum { MINUTE = 60000 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static mw_labels *labels(const char *metric, const char *name, const char *value)
{
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), mw_str_of(metric)},
                    {mw_str_of(name), mw_str_of(value)}};
    return mw_labels_new(l, name ? 2 : 1, NULL);
}

static mw_labels *numbered(const char *metric, unsigned number)
{
    char text[24];
    snprintf(text, sizeof text, "%u", number);
    return labels(metric, "n", text);
}

static mw_tsdb *open_with(mw_tsdb_options o)
{
    mw_err err;
    mw_err_init(&err);
    mw_tsdb *db = mw_tsdb_open(&o, &err);
    assert_non_null(db);
    return db;
}

static int add(mw_tsdb *db, const mw_labels *ls, int64_t t, double v)
{
    uint64_t ref = 0;
    mw_appender *a = mw_appender_new(db);
    int rc = mw_appender_add(a, ls, &ref, t, v);
    assert_int_equal(mw_appender_commit(a, NULL), MW_OK);
    mw_appender_free(a);
    return rc;
}

/* Samples of the series with __name__ METRIC and n NUMBER (no n when negative) in a range. */
static size_t read_series(mw_tsdb *db, const mw_labels *ls, int64_t min, int64_t max,
                          mw_sample *out, size_t room)
{
    mw_matcher m[8];
    mw_series_set *set;
    mw_series_view view;
    size_t n = 0;
    for (uint32_t i = 0; i < ls->n; i++)
        assert_int_equal(mw_matcher_init(&m[i], MW_MATCH_EQ, ls->l[i].name, ls->l[i].value, NULL),
                         MW_OK);
    mw_select sel = {.matchers = m, .n = ls->n, .min_t = min, .max_t = max};
    mw_source *source = mw_tsdb_source(db);
    assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
    while (set->next(set, &view, NULL) == 1) {
        if (!mw_labels_eq(view.labels, ls)) continue;
        assert_in_range(view.n, 1, room);
        for (n = 0; n < view.n; n++) {
            out[n].t = view.t[n];
            memcpy(&out[n].v, &view.v[n], sizeof(double));
        }
    }
    set->close(set);
    for (uint32_t i = 0; i < ls->n; i++) mw_matcher_deinit(&m[i]);
    return n;
}

static mw_tsdb_stats stats_of(mw_tsdb *db)
{
    mw_tsdb_stats st;
    mw_tsdb_stats_read(db, &st);
    return st;
}

/* -- one series ----------------------------------------------------------------------------- */

/* The room that samples of a series need is known before it is known that one is a histogram. */
static void floats_behind_a_histogram_find_room(void **state)
{
    enum { FLOATS = 100 };
    static const mw_hspan span = {0, 1};
    double count = 3;
    mw_nhist h = {.count = count, .sum = count, .pos = {&span, &count, 1, 1}};
    mw_sample out[FLOATS + 1];
    uint64_t ref = 0;
    mw_tsdb *db = open_with((mw_tsdb_options){0});
    mw_labels *ls = labels("both", NULL, NULL);
    mw_appender *a = mw_appender_new(db);
    assert_int_equal(mw_appender_add_histogram(a, ls, &ref, 1, &h), MW_OK);
    for (int t = 1; t <= FLOATS; t++)
        assert_int_equal(mw_appender_add(a, ls, &ref, t + 1, t), MW_OK);
    assert_int_equal(mw_appender_commit(a, NULL), MW_OK);
    mw_appender_free(a);
    assert_int_equal(read_series(db, ls, 0, 1000, out, FLOATS + 1), FLOATS + 1);
    for (int t = 1; t <= FLOATS; t++) assert_true(out[t].t == t + 1 && out[t].v == t);
    mw_free(ls);
    mw_tsdb_close(db);
}

static void a_stale_marker_comes_back_as_one(void **state)
{
    mw_tsdb *db = open_with((mw_tsdb_options){0});
    mw_labels *ls = labels("up", NULL, NULL);
    mw_sample out[4];
    assert_int_equal(add(db, ls, 1000, 1), MW_OK);
    assert_int_equal(add(db, ls, 2000, mw_stale()), MW_OK);
    assert_int_equal(read_series(db, ls, 0, 5000, out, 4), 2);
    assert_false(mw_is_stale(out[0].v));
    assert_true(mw_is_stale(out[1].v));
    mw_free(ls);
    mw_tsdb_close(db);
}

static void each_refusal_has_its_code(void **state)
{
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, 100 * MINUTE);
    mw_tsdb *db = open_with((mw_tsdb_options){.clock = &clock.clock,
                                              .retention_ms = 60 * MINUTE,
                                              .out_of_order_ms = 10 * MINUTE,
                                              .max_series = 1});
    mw_labels *ls = labels("m", NULL, NULL), *other = labels("other", NULL, NULL);
    assert_int_equal(add(db, ls, 100 * MINUTE, 1), MW_OK);
    assert_int_equal(add(db, ls, 100 * MINUTE, 1), MW_OK);
    assert_int_equal(add(db, ls, 100 * MINUTE, 2), MW_EDUP);
    assert_int_equal(add(db, ls, 90 * MINUTE, 1), MW_OK);
    assert_int_equal(add(db, ls, 90 * MINUTE, 1), MW_OK);
    assert_int_equal(add(db, ls, 90 * MINUTE, 2), MW_EDUP);
    assert_int_equal(add(db, ls, 90 * MINUTE - 1, 1), MW_EOLD);
    assert_int_equal(add(db, ls, 40 * MINUTE - 1, 1), MW_EOLD);
    assert_int_equal(add(db, other, 100 * MINUTE, 1), MW_ELIMIT);
    mw_tsdb_stats st = stats_of(db);
    assert_int_equal(st.series, 1);
    assert_int_equal(st.samples, 2);
    assert_int_equal(st.late, 1);
    assert_int_equal(st.out_of_order, 0);
    assert_int_equal(st.duplicates, 2);
    assert_int_equal(st.too_old, 2);
    assert_int_equal(st.refused_series, 1);
    assert_int_equal(st.min_t, 90 * MINUTE);
    assert_int_equal(st.max_t, 100 * MINUTE);
    mw_free(ls);
    mw_free(other);
    mw_tsdb_close(db);
}

static void a_window_of_any_takes_times_at_zero_and_before(void **state)
{
    mw_tsdb *db = open_with((mw_tsdb_options){.out_of_order_ms = -1});
    mw_labels *ls = labels("m", NULL, NULL);
    mw_sample out[2000];
    for (int i = 900; i >= -900; i--) assert_int_equal(add(db, ls, i, i), MW_OK);
    assert_int_equal(add(db, ls, INT64_MIN, -1), MW_OK);
    assert_int_equal(add(db, ls, INT64_MAX, 1), MW_OK);
    assert_int_equal(read_series(db, ls, INT64_MIN, INT64_MAX, out, 2000), 1803);
    assert_int_equal(read_series(db, ls, -900, 900, out, 2000), 1801);
    for (int i = 0; i < 1801; i++) {
        assert_int_equal(out[i].t, i - 900);
        assert_true(out[i].v == i - 900);
    }
    assert_int_equal(read_series(db, ls, 5, 4, out, 2000), 0);
    mw_free(ls);
    mw_tsdb_close(db);
}

static void a_reference_survives_its_series(void **state)
{
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, 0);
    mw_tsdb *db = open_with(
        (mw_tsdb_options){.clock = &clock.clock, .retention_ms = 60 * MINUTE, .shards = 1});
    mw_labels *a = labels("a", NULL, NULL), *b = labels("b", NULL, NULL);
    mw_sample out[4];
    uint64_t ref_a = 0, ref_b = 0;
    mw_appender *ap = mw_appender_new(db);
    assert_int_equal(mw_appender_add(ap, a, &ref_a, 1, 1), MW_OK);
    uint64_t first = ref_a;

    mw_clock_manual_set(&clock, 100 * MINUTE);
    mw_tsdb_tick(db);
    mw_appender_commit(ap, NULL);
    assert_int_equal(stats_of(db).series, 0);
    assert_int_equal(mw_appender_add(ap, b, &ref_b, 100 * MINUTE, 2), MW_OK);
    assert_int_equal((uint32_t)ref_b, (uint32_t)first); /* the slot of a */
    assert_int_equal(mw_appender_add(ap, a, &ref_a, 100 * MINUTE, 3), MW_OK);
    assert_int_not_equal(ref_a, first);
    assert_int_equal(read_series(db, a, 0, INT64_MAX, out, 4), 1);
    assert_true(out[0].v == 3);
    assert_int_equal(read_series(db, b, 0, INT64_MAX, out, 4), 1);
    assert_true(out[0].v == 2);
    mw_appender_free(ap);
    mw_free(a);
    mw_free(b);
    mw_tsdb_close(db);
}

/* -- against a plain map -------------------------------------------------------------------- */

enum { M_SERIES = 12, M_TIMES = 3000, M_STEPS = 60000, M_WINDOW = 400 };

typedef struct plain {
    bool has[M_SERIES][M_TIMES];
    double v[M_SERIES][M_TIMES];
    int newest[M_SERIES];
} plain;

static int plain_add(plain *p, int s, int t, double v)
{
    if (p->has[s][t]) {
        bool behind = p->newest[s] - t > M_WINDOW;
        return behind ? MW_EOLD : p->v[s][t] == v ? MW_OK : MW_EDUP;
    }
    if (p->newest[s] - t > M_WINDOW) return MW_EOLD;
    p->has[s][t] = true;
    p->v[s][t] = v;
    if (t > p->newest[s]) p->newest[s] = t;
    return MW_OK;
}

static void compare(mw_tsdb *db, const plain *p, int s, mw_labels *ls, int min, int max)
{
    static mw_sample out[M_TIMES];
    size_t n = read_series(db, ls, min, max, out, M_TIMES), k = 0;
    for (int t = min; t <= max; t++) {
        if (!p->has[s][t]) continue;
        assert_true(k < n);
        assert_int_equal(out[k].t, t);
        assert_true(out[k].v == p->v[s][t]);
        k++;
    }
    assert_int_equal(k, n);
}

static void the_store_agrees_with_a_plain_map(void **state)
{
    plain *p = mw_zalloc(sizeof *p);
    mw_labels *ls[M_SERIES];
    uint64_t ref[M_SERIES] = {0}, seed = 20261123;
    mw_tsdb *db = open_with((mw_tsdb_options){.out_of_order_ms = M_WINDOW, .shards = 4});
    mw_appender *a = mw_appender_new(db);
    for (unsigned s = 0; s < M_SERIES; s++) ls[s] = numbered("m", s);
    for (int s = 0; s < M_SERIES; s++) p->newest[s] = -1;
    for (int step = 0; step < M_STEPS; step++) {
        int s = (int)(next_random(&seed) % M_SERIES);
        int ahead = (int)(next_random(&seed) % 4);
        int back = next_random(&seed) % 3 == 0 ? (int)(next_random(&seed) % (M_WINDOW + 50)) : 0;
        int t = (p->newest[s] < 0 ? 0 : p->newest[s]) + ahead - back;
        if (t < 0 || t >= M_TIMES) continue;
        double v = (double)(next_random(&seed) % 3);
        int expected = plain_add(p, s, t, v);
        assert_int_equal(mw_appender_add(a, ls[s], &ref[s], t, v), expected);
        if (step % 97 == 0) {
            int min = (int)(next_random(&seed) % M_TIMES);
            int max = min + (int)(next_random(&seed) % (M_TIMES - min));
            compare(db, p, s, ls[s], min, max);
        }
        if (step % 5003 == 0) mw_tsdb_tick(db); /* closes everything: these times are long past */
    }
    uint64_t held = 0;
    for (int s = 0; s < M_SERIES; s++) {
        compare(db, p, s, ls[s], 0, M_TIMES - 1);
        for (int t = 0; t < M_TIMES; t++) held += p->has[s][t];
        mw_free(ls[s]);
    }
    assert_int_equal(stats_of(db).samples, held);
    mw_appender_free(a);
    mw_tsdb_close(db);
    mw_free(p);
}

/* -- matchers ------------------------------------------------------------------------------- */

enum { B_SERIES = 300 };

static mw_labels *random_labels(uint64_t *seed)
{
    static const char *const values[] = {"", "a", "b", "ab", "abc", "x.y", "10"};
    mw_label l[4] = {{MW_STR(MW_METRIC_NAME), mw_str_of(next_random(seed) % 2 ? "up" : "down")}};
    static const char *const names[] = {"job", "host", "zone"};
    for (int i = 0; i < 3; i++)
        l[i + 1] = (mw_label){mw_str_of(names[i]), mw_str_of(values[next_random(seed) % 7])};
    return mw_labels_new(l, 4, NULL);
}

static void random_matcher(uint64_t *seed, mw_matcher *m)
{
    static const char *const names[] = {"job", "host", "zone", "__name__", "missing"};
    static const char *const texts[] = {"", "a", "ab", "up", "nowhere", "x.y"};
    static const char *const regexes[] = {"", ".*", ".+", "a|b", "a.*", "|a", "[^a]*", "u.", "x.y"};
    mw_match_op op = (mw_match_op)(next_random(seed) % 4);
    const char *value = op == MW_MATCH_EQ || op == MW_MATCH_NE ? texts[next_random(seed) % 6]
                                                               : regexes[next_random(seed) % 9];
    mw_str name = mw_str_of(names[next_random(seed) % 5]);
    assert_int_equal(mw_matcher_init(m, op, name, mw_str_of(value), NULL), MW_OK);
}

static bool held_once(mw_labels *const *all, const bool *seen, size_t n, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (mw_labels_eq(all[k], all[i])) return false;
    return true;
}

static int count_name(void *arg, mw_str name)
{
    ++*(size_t *)arg;
    return 0;
}

static size_t values_of(mw_labels *const *all, size_t n, const mw_matcher *m, size_t n_m,
                        const char *name)
{
    size_t count = 0;
    mw_str seen[16];
    for (size_t i = 0; i < n; i++) {
        mw_str v = mw_labels_find(all[i], name);
        if (v.n == 0 || !mw_matchers_match(m, n_m, all[i])) continue;
        size_t k = 0;
        while (k < count && !mw_str_eq(seen[k], v)) k++;
        if (k == count) seen[count++] = v;
    }
    return count;
}

static void every_combination_of_conditions_selects_what_brute_force_does(void **state)
{
    uint64_t seed = 99;
    mw_labels *all[B_SERIES];
    bool seen[B_SERIES];
    mw_tsdb *db = open_with((mw_tsdb_options){0});
    mw_source *source = mw_tsdb_source(db);
    for (int i = 0; i < B_SERIES; i++) {
        all[i] = random_labels(&seed);
        assert_int_equal(add(db, all[i], 1000, 1), MW_OK);
    }
    for (int run = 0; run < 3000; run++) {
        mw_matcher m[3];
        size_t n = next_random(&seed) % 4, expected = 0, got = 0;
        for (size_t i = 0; i < n; i++) random_matcher(&seed, &m[i]);
        mw_select sel = {.matchers = m, .n = n, .min_t = 0, .max_t = 2000, .labels_only = run % 2};
        for (size_t i = 0; i < B_SERIES; i++)
            expected += mw_matchers_match(m, n, all[i]) && held_once(all, seen, B_SERIES, i);
        mw_series_set *set;
        mw_series_view view;
        assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
        while (set->next(set, &view, NULL) == 1) {
            assert_true(mw_matchers_match(m, n, view.labels));
            assert_int_equal(view.n, run % 2 ? 0 : 1);
            got++;
        }
        set->close(set);
        assert_int_equal(got, expected);
        size_t values = 0;
        assert_int_equal(source->label_values(source, "job", &sel, count_name, &values, NULL),
                         MW_OK);
        assert_int_equal(values, values_of(all, B_SERIES, m, n, "job"));
        for (size_t i = 0; i < n; i++) mw_matcher_deinit(&m[i]);
    }
    for (int i = 0; i < B_SERIES; i++) mw_free(all[i]);
    mw_tsdb_close(db);
}

static void names_are_those_of_the_matching_series(void **state)
{
    mw_tsdb *db = open_with((mw_tsdb_options){0});
    mw_source *source = mw_tsdb_source(db);
    mw_labels *a = labels("a", "x", "1"), *b = labels("b", "y", "2");
    add(db, a, 1, 1);
    add(db, b, 1, 1);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("__name__"), MW_STR("a"), NULL);
    size_t n = 0;
    mw_select sel = {.max_t = 10};
    source->label_names(source, &sel, count_name, &n, NULL);
    assert_int_equal(n, 3);
    sel.matchers = &m;
    sel.n = 1;
    n = 0;
    source->label_names(source, &sel, count_name, &n, NULL);
    assert_int_equal(n, 2);
    mw_matcher_deinit(&m);
    mw_free(a);
    mw_free(b);
    mw_tsdb_close(db);
}

static void a_range_between_two_samples_selects_nothing(void **state)
{
    mw_tsdb *db = open_with((mw_tsdb_options){0});
    mw_labels *ls = labels("m", NULL, NULL);
    add(db, ls, 1000, 1);
    add(db, ls, 2000, 1);
    mw_source *source = mw_tsdb_source(db);
    for (int labels_only = 0; labels_only < 2; labels_only++) {
        mw_select sel = {.min_t = 1001, .max_t = 1999, .labels_only = labels_only};
        mw_series_set *set;
        mw_series_view view;
        assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
        assert_int_equal(set->next(set, &view, NULL), 0);
        set->close(set);
    }
    mw_free(ls);
    mw_tsdb_close(db);
}

static void a_cancelled_query_says_so(void **state)
{
    mw_tsdb *db = open_with((mw_tsdb_options){0});
    mw_labels *ls = labels("m", NULL, NULL);
    add(db, ls, 1000, 1);
    volatile int cancel = 0;
    mw_select sel = {.max_t = 2000, .cancel = &cancel};
    mw_source *source = mw_tsdb_source(db);
    mw_series_set *set;
    mw_series_view view;
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(source->select(source, &sel, &set, &err), MW_OK);
    cancel = 1;
    assert_int_equal(set->next(set, &view, &err), MW_ECANCEL);
    set->close(set);
    mw_free(ls);
    mw_tsdb_close(db);
}

/* -- keeping house -------------------------------------------------------------------------- */

static void what_is_within_the_retention_stays_and_the_rest_goes(void **state)
{
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, 0);
    mw_tsdb *db = open_with((mw_tsdb_options){.clock = &clock.clock, .retention_ms = 60 * MINUTE});
    mw_labels *ls = labels("m", NULL, NULL);
    static mw_sample out[2000];
    for (int i = 0; i < 1000; i++) {
        mw_clock_manual_set(&clock, (int64_t)i * MINUTE);
        assert_int_equal(add(db, ls, (int64_t)i * MINUTE, i), MW_OK);
        mw_tsdb_tick(db);
        size_t n = read_series(db, ls, (int64_t)(i - 60) * MINUTE, INT64_MAX, out, 2000);
        assert_int_equal(n, i < 60 ? i + 1 : 61);
    }
    assert_in_range(stats_of(db).samples, 61, 61 + 120);
    mw_clock_manual_set(&clock, 5000LL * MINUTE);
    mw_tsdb_tick(db);
    mw_tsdb_stats st = stats_of(db);
    assert_int_equal(st.series, 0);
    assert_int_equal(st.samples, 0);
    assert_int_equal(st.chunks, 0);
    assert_int_equal(st.min_t, 0);
    mw_free(ls);
    mw_tsdb_close(db);
}

static void the_budget_is_kept_and_the_newest_samples_with_it(void **state)
{
    enum { SERIES = 50, SAMPLES = 6000 };
    size_t budget = 600000;
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, 0);
    mw_tsdb *db =
        open_with((mw_tsdb_options){.clock = &clock.clock, .max_bytes = budget, .shards = 4});
    mw_labels *ls[SERIES];
    uint64_t ref[SERIES] = {0}, seed = 5;
    mw_appender *a = mw_appender_new(db);
    for (unsigned s = 0; s < SERIES; s++) ls[s] = numbered("m", s);
    for (int i = 0; i < SAMPLES; i++) {
        mw_clock_manual_set(&clock, i * 15000LL);
        for (int s = 0; s < SERIES; s++)
            assert_int_equal(
                mw_appender_add(a, ls[s], &ref[s], i * 15000LL, (double)next_random(&seed)), MW_OK);
        if (i % 50 == 0) {
            mw_tsdb_tick(db);
            assert_true(stats_of(db).bytes <= budget);
        }
    }
    mw_tsdb_tick(db);
    static mw_sample out[SAMPLES];
    int64_t oldest = INT64_MAX, youngest = 0;
    for (int s = 0; s < SERIES; s++) {
        size_t n = read_series(db, ls[s], 0, INT64_MAX, out, SAMPLES);
        assert_true(n > 200);
        assert_int_equal(out[n - 1].t, (SAMPLES - 1) * 15000LL);
        if (out[0].t < oldest) oldest = out[0].t;
        if (out[0].t > youngest) youngest = out[0].t;
        mw_free(ls[s]);
    }
    /* the oldest leave first over all series: nobody is more than a few chunks ahead */
    assert_true(youngest - oldest <= 3 * 120 * 15000LL);
    assert_true(stats_of(db).dropped_chunks > 0);
    mw_appender_free(a);
    mw_tsdb_close(db);
}

static void new_series_are_refused_when_nothing_is_left_to_drop(void **state)
{
    size_t budget = 1 << 20;
    mw_tsdb *db = open_with((mw_tsdb_options){.max_bytes = budget, .out_of_order_ms = -1});
    int64_t now = mw_now_ms(&mw_clock_system);
    unsigned taken = 0;
    for (; taken < 100000; taken++) {
        mw_labels *ls = numbered("flood", taken);
        int rc = add(db, ls, now, 1);
        mw_free(ls);
        if (rc == MW_ELIMIT) break;
        assert_int_equal(rc, MW_OK);
    }
    assert_in_range(taken, 500, 20000);
    mw_labels *first = numbered("flood", 0);
    assert_int_equal(add(db, first, now + 1, 2), MW_OK); /* those who are in may go on */
    mw_tsdb_tick(db);
    assert_true(stats_of(db).bytes <= budget + budget / 8);
    assert_true(stats_of(db).refused_series > 0);
    mw_free(first);
    mw_tsdb_close(db);
}

static void everything_forgotten_leaves_the_bytes_of_an_empty_store(void **state)
{
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, 1000);
    mw_tsdb *db = open_with((mw_tsdb_options){
        .clock = &clock.clock, .retention_ms = MINUTE, .out_of_order_ms = -1, .shards = 1});
    uint64_t before = stats_of(db).bytes, seed = 3;
    for (int round = 0; round < 3; round++) {
        int64_t start = round * 100 * MINUTE + 1000;
        mw_clock_manual_set(&clock, start);
        for (unsigned i = 0; i < 5000; i++) {
            mw_labels *ls = numbered("m", (unsigned)(next_random(&seed) % 400));
            add(db, ls, start + (int64_t)(next_random(&seed) % 1000), 1);
            mw_free(ls);
        }
        mw_clock_manual_set(&clock, start + 50 * MINUTE);
        mw_tsdb_tick(db);
        mw_tsdb_stats st = stats_of(db);
        assert_int_equal(st.series + st.samples + st.chunks, 0);
        assert_true(st.bytes < before + 100000); /* tables stay wide, nothing else does */
    }
    mw_tsdb_close(db);
}

static void remember_top(void *arg, mw_str name, uint64_t count)
{
    mw_buf_printf(arg, "%.*s=%d ", MW_STR_ARG(name), (int)count);
}

static void the_largest_metrics_and_labels_are_told(void **state)
{
    mw_tsdb *db = open_with((mw_tsdb_options){0});
    for (unsigned i = 0; i < 6; i++) {
        mw_labels *ls = i < 4    ? numbered("big", i)
                        : i == 4 ? numbered("small", 4)
                                 : labels("small", "job", "x");
        add(db, ls, 1, 1);
        mw_free(ls);
    }
    mw_buf b;
    mw_buf_init(&b);
    mw_tsdb_top(db, "__name__", 10, remember_top, &b);
    assert_string_equal(b.p, "big=4 small=2 ");
    mw_buf_reset(&b);
    mw_tsdb_top(db, NULL, 2, remember_top, &b);
    assert_string_equal(b.p, "__name__=6 n=5 ");
    mw_buf_reset(&b);
    mw_tsdb_top_pairs(db, 2, remember_top, &b);
    assert_string_equal(b.p, "__name__=big=4 __name__=small=2 ");
    mw_buf_reset(&b);
    mw_tsdb_top_pairs(db, 0, remember_top, &b);
    assert_int_equal(b.n, 0);
    mw_buf_deinit(&b);
    mw_tsdb_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_behind_a_histogram_find_room),
        cmocka_unit_test(a_stale_marker_comes_back_as_one),
        cmocka_unit_test(each_refusal_has_its_code),
        cmocka_unit_test(a_window_of_any_takes_times_at_zero_and_before),
        cmocka_unit_test(a_reference_survives_its_series),
        cmocka_unit_test(the_store_agrees_with_a_plain_map),
        cmocka_unit_test(every_combination_of_conditions_selects_what_brute_force_does),
        cmocka_unit_test(names_are_those_of_the_matching_series),
        cmocka_unit_test(a_range_between_two_samples_selects_nothing),
        cmocka_unit_test(a_cancelled_query_says_so),
        cmocka_unit_test(what_is_within_the_retention_stays_and_the_rest_goes),
        cmocka_unit_test(the_budget_is_kept_and_the_newest_samples_with_it),
        cmocka_unit_test(new_series_are_refused_when_nothing_is_left_to_drop),
        cmocka_unit_test(everything_forgotten_leaves_the_bytes_of_an_empty_store),
        cmocka_unit_test(the_largest_metrics_and_labels_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

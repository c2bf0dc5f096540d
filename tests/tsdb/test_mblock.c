/* test_mblock.c - promises of blocks of metrics: what goes in comes out, found by its labels.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>

#include "tsdb/mblock_model.h"

static mw_mblock *written(model *m)
{
    mw_err err = {0};
    mw_mblock_meta meta;
    assert_int_equal(model_write(m, &meta, &err), MW_OK);
    mw_mblock *b = mw_mblock_open(m->path, &err);
    if (!b) fail_msg("%s", err.msg);
    assert_memory_equal(&meta, mw_mblock_meta_of(b), sizeof meta);
    return b;
}

/* -- series --------------------------------------------------------------------------------- */

static void assert_run(const mw_run_ref *got, const mw_run_ref *want)
{
    assert_int_equal(got->kind, want->kind);
    assert_int_equal(got->stats.n, want->stats.n);
    assert_int_equal(got->stats.min_t, want->stats.min_t);
    assert_int_equal(got->stats.max_t, want->stats.max_t);
    assert_int_equal(got->bytes.n, want->bytes.n);
    assert_memory_equal(got->bytes.p, want->bytes.p, want->bytes.n);
    if (want->kind == MW_RUN_HISTOGRAMS) return;
    assert_int_equal(got->stats.resets, want->stats.resets);
    assert_memory_equal(&got->stats.min, &want->stats.min, 4 * sizeof(double));
}

static void assert_runs(mw_mblock *b, const model *m, uint32_t i, int64_t min, int64_t max)
{
    mw_run_ref *runs = NULL;
    size_t n = 0, cap = 0, k = 0;
    assert_int_equal(mw_mblock_runs(b, i, min, max, &runs, &n, &cap, NULL), MW_OK);
    for (size_t r = 0; r < m->series[i].n; r++) {
        const mw_run_ref *want = &m->series[i].runs[r];
        if (want->stats.max_t < min || want->stats.min_t > max) continue;
        assert_true(k < n);
        assert_run(&runs[k++], want);
    }
    assert_int_equal(k, n);
    mw_free(runs);
}

static void assert_all_series(mw_mblock *b, const model *m)
{
    mw_arena *arena = mw_arena_new(0);
    assert_int_equal(mw_mblock_meta_of(b)->series, m->n);
    for (uint32_t i = 0; i < m->n; i++) {
        mw_labels *ls = mw_mblock_labels(b, i, arena);
        assert_non_null(ls);
        assert_true(mw_labels_eq(ls, m->series[i].labels));
        mw_key key = mw_mblock_key(b, i);
        assert_true(key.lo == m->series[i].key.lo && key.hi == m->series[i].key.hi);
        assert_int_equal(mw_mblock_find(b, key), i);
        assert_runs(b, m, i, INT64_MIN, INT64_MAX);
    }
    mw_arena_free(arena);
}

static void any_label_sets_come_back(void **state)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        model m;
        model_init(&m, "any", seed);
        model_fill_any(&m, seed * seed * 20);
        mw_mblock *b = written(&m);
        assert_all_series(b, &m);
        mw_mblock_release(b);
        model_deinit(&m);
    }
}

static void a_fleet_comes_back_whether_or_not_pods_settle_the_rest(void **state)
{
    for (size_t odd = 0; odd < 8; odd += 3) {
        model m;
        model_init(&m, "fleet", odd + 1);
        model_fill_fleet(&m, 60, 40, odd * odd * 40);
        mw_mblock *b = written(&m);
        assert_all_series(b, &m);
        mw_mblock_release(b);
        model_deinit(&m);
    }
}

static void one_series_without_labels_and_runs_is_a_block(void **state)
{
    model m;
    model_init(&m, "bare", 1);
    model_series s = {.labels = mw_labels_new(NULL, 0, NULL)};
    MW_PUSH(m.series, m.n, m.cap, s);
    mw_mblock *b = written(&m);
    assert_all_series(b, &m);
    assert_int_equal(mw_mblock_meta_of(b)->samples, 0);
    mw_mblock_release(b);
    model_deinit(&m);
}

static void a_block_without_series_is_refused(void **state)
{
    model m;
    mw_err err = {0};
    mw_mblock_meta meta;
    model_init(&m, "empty", 1);
    assert_int_equal(model_write(&m, &meta, &err), MW_EARG);
    assert_int_equal(access(m.path, F_OK), -1);
    mw_err_init(&err);
    assert_null(mw_mblock_open(m.path, &err));
    assert_int_equal(err.code, MW_ENOENT);
}

static void an_aborted_block_leaves_nothing(void **state)
{
    model m;
    model_init(&m, "abort", 1);
    model_fill_any(&m, 10);
    mw_mblock_writer *w = mw_mblock_create(&mw_io_system, m.path, NULL);
    mw_mblock_add(w, m.series[0].labels, m.series[0].key, m.series[0].runs, m.series[0].n);
    mw_mblock_abort(w);
    mw_mblock_abort(NULL);
    mw_mblock_release(NULL);
    assert_int_equal(access(m.path, F_OK), -1);
    model_deinit(&m);
}

static void the_counts_of_a_block_are_those_of_its_runs(void **state)
{
    model m;
    model_init(&m, "counts", 3);
    model_fill_any(&m, 200);
    mw_mblock *b = written(&m);
    uint64_t samples = 0;
    int64_t min_t = INT64_MAX, max_t = INT64_MIN;
    for (size_t i = 0; i < m.n; i++) {
        for (size_t r = 0; r < m.series[i].n; r++) {
            const mw_run_stats *s = &m.series[i].runs[r].stats;
            samples += s->n;
            if (s->min_t < min_t) min_t = s->min_t;
            if (s->max_t > max_t) max_t = s->max_t;
        }
    }
    assert_int_equal(mw_mblock_meta_of(b)->samples, samples);
    assert_int_equal(mw_mblock_meta_of(b)->min_t, min_t);
    assert_int_equal(mw_mblock_meta_of(b)->max_t, max_t);
    assert_int_equal(mw_mblock_meta_of(b)->bytes, mw_block_bytes(mw_mblock_file(b)));
    mw_mblock_release(b);
    model_deinit(&m);
}

static void only_runs_that_may_hold_samples_of_the_range_come(void **state)
{
    model m;
    model_init(&m, "range", 1);
    mw_label l = {MW_STR("a"), MW_STR("b")};
    model_add(&m, &l, 1);
    for (int i = 0; i < 200; i++)
        model_add_run(&m.random, &m.series[0], 1700000000000 + i * 3600000);
    mw_mblock *b = written(&m);
    for (int i = -5; i < 210; i++) {
        int64_t t = 1700000000000 + i * 3600000;
        assert_runs(b, &m, 0, t, t);
        assert_runs(b, &m, 0, t + 1800000, t + 9000000);
        assert_runs(b, &m, 0, INT64_MIN, t);
        assert_runs(b, &m, 0, t, INT64_MAX);
    }
    mw_mblock_release(b);
    model_deinit(&m);
}

static void times_at_both_ends_of_time_are_kept(void **state)
{
    model m;
    model_init(&m, "ends", 1);
    mw_label l = {MW_STR("a"), MW_STR("b")};
    model_add(&m, &l, 1);
    while (m.series[0].n < 2) model_add_run(&m.random, &m.series[0], 0);
    mw_run_ref *runs = m.series[0].runs;
    runs[0].stats.min_t = INT64_MIN;
    runs[0].stats.max_t = INT64_MIN + 5;
    runs[m.series[0].n - 1].stats.min_t = runs[m.series[0].n - 1].stats.max_t = INT64_MAX;
    mw_mblock *b = written(&m);
    assert_all_series(b, &m);
    mw_mblock_release(b);
    model_deinit(&m);
}

static void a_key_that_no_series_has_is_not_found(void **state)
{
    model m;
    model_init(&m, "keys", 1);
    model_fill_any(&m, 100);
    m.series[3].key = m.series[2].key;
    m.series[3].key.hi++;
    mw_mblock *b = written(&m);
    assert_int_equal(mw_mblock_find(b, m.series[3].key), 3);
    assert_int_equal(mw_mblock_find(b, m.series[2].key), 2);
    mw_key other = m.series[2].key;
    other.hi += 2;
    assert_int_equal(mw_mblock_find(b, other), UINT32_MAX);
    mw_mblock_release(b);
    model_deinit(&m);
}

/* -- select --------------------------------------------------------------------------------- */

static void assert_select(mw_mblock *b, const model *m, const mw_matcher *matchers, size_t n)
{
    mw_select sel = {.matchers = matchers, .n = n};
    mw_ids ids = {0};
    size_t k = 0;
    assert_int_equal(mw_mblock_select(b, &sel, &ids, NULL), MW_OK);
    for (uint32_t i = 0; i < m->n; i++) {
        if (!mw_matchers_match(matchers, n, m->series[i].labels)) continue;
        if (k >= ids.n || ids.v[k] != i) fail_msg("series %u is not selected", i);
        k++;
    }
    assert_int_equal(k, ids.n);
    mw_ids_deinit(&ids);
}

static const char *const patterns[] = {
    "",           ".*",  ".+",           "v1|v2",   "v.?", "job-1",  "job-1.*", "10\\.0\\.0.*",
    "node-[0-1]", "c1|", "metric_[0-3]", "/path/3", "200", "nothing"};

/* A matcher of any kind on a label of some series, or on one that none has. */
static void random_matcher(const model *m, mutator *r, mw_matcher *out)
{
    const mw_labels *ls = m->series[mutator_below(r, m->n)].labels;
    mw_match_op op = (mw_match_op)mutator_below(r, 4);
    mw_str name = MW_STR("no_such"), value = mw_str_of(patterns[mutator_below(r, 14)]);
    if (ls->n && mutator_below(r, 20)) {
        const mw_label *l = &ls->l[mutator_below(r, ls->n)];
        name = l->name;
        if (op <= MW_MATCH_NE && mutator_below(r, 4)) value = l->value;
    }
    assert_int_equal(mw_matcher_init(out, op, name, value, NULL), MW_OK);
}

static void select_at_random(mw_mblock *b, model *m, int rounds)
{
    assert_select(b, m, NULL, 0);
    for (int i = 0; i < rounds; i++) {
        mw_matcher matchers[4];
        size_t n = 1 + mutator_below(&m->random, 4);
        for (size_t k = 0; k < n; k++) random_matcher(m, &m->random, &matchers[k]);
        assert_select(b, m, matchers, n);
        for (size_t k = 0; k < n; k++) mw_matcher_deinit(&matchers[k]);
    }
}

static void matchers_find_what_trying_every_series_finds(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        model m;
        model_init(&m, "select", seed);
        model_fill_any(&m, seed * seed * 40);
        mw_mblock *b = written(&m);
        select_at_random(b, &m, 400);
        mw_mblock_release(b);
        model_deinit(&m);
    }
}

static void matchers_find_series_through_the_label_that_leads(void **state)
{
    for (size_t odd = 0; odd < 8; odd += 3) {
        model m;
        model_init(&m, "lead", odd + 1);
        model_fill_fleet(&m, 120, 40, odd * odd * 40);
        mw_mblock *b = written(&m);
        select_at_random(b, &m, 300);
        mw_mblock_release(b);
        model_deinit(&m);
    }
}

static void a_cancelled_select_says_so(void **state)
{
    model m;
    mw_matcher re;
    volatile int cancel = 1;
    model_init(&m, "cancel", 1);
    model_fill_fleet(&m, 20, 10, 0);
    mw_mblock *b = written(&m);
    assert_int_equal(mw_matcher_init(&re, MW_MATCH_RE, MW_STR("pod"), MW_STR("pod.*"), NULL), 0);
    mw_select sel = {.matchers = &re, .n = 1, .cancel = &cancel};
    mw_ids ids = {0};
    mw_err err = {0};
    assert_int_equal(mw_mblock_select(b, &sel, &ids, &err), MW_ECANCEL);
    assert_int_equal(err.code, MW_ECANCEL);
    cancel = 0;
    assert_int_equal(mw_mblock_select(b, &sel, &ids, NULL), MW_OK);
    assert_int_equal(ids.n, m.n);
    mw_ids_deinit(&ids);
    mw_matcher_deinit(&re);
    mw_mblock_release(b);
    model_deinit(&m);
}

/* -- names and values ----------------------------------------------------------------------- */

typedef struct seen {
    mw_str v[4000];
    size_t n, stop_at;
} seen;

static int see(void *arg, mw_str name)
{
    seen *s = arg;
    assert_true(s->n < 4000);
    for (size_t i = 0; i < s->n; i++) assert_false(mw_str_eq(s->v[i], name));
    s->v[s->n++] = name;
    return s->n == s->stop_at;
}

static bool has_seen(const seen *s, mw_str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (mw_str_eq(s->v[i], name)) return true;
    return false;
}

/* Of the series AMONG (all when NULL), what SEE must have got; each once was checked there. */
static void assert_seen(const model *m, const mw_ids *among, mw_str name, const seen *s)
{
    seen want = {0};
    for (size_t i = 0; i < (among ? among->n : m->n); i++) {
        const mw_labels *ls = m->series[among ? among->v[i] : i].labels;
        for (uint32_t k = 0; k < ls->n; k++) {
            mw_str text = name.p ? ls->l[k].value : ls->l[k].name;
            if (name.p && !mw_str_eq(ls->l[k].name, name)) continue;
            if (has_seen(&want, text)) continue;
            want.v[want.n++] = text;
            assert_true(has_seen(s, text));
        }
    }
    assert_int_equal(want.n, s->n);
}

static void assert_names_and_values(mw_mblock *b, const model *m, const mw_ids *among)
{
    seen names = {0};
    assert_int_equal(mw_mblock_names(b, among, see, &names), MW_OK);
    assert_seen(m, among, (mw_str){0}, &names);
    for (size_t i = 0; i < names.n; i++) {
        seen values = {0};
        assert_int_equal(mw_mblock_values(b, names.v[i], among, see, &values), MW_OK);
        assert_seen(m, among, names.v[i], &values);
    }
}

static void names_and_values_are_those_of_the_series_asked_for(void **state)
{
    for (int fleet = 0; fleet < 2; fleet++) {
        model m;
        model_init(&m, "names", 1);
        if (fleet)
            model_fill_fleet(&m, 30, 20, 77);
        else
            model_fill_any(&m, 300);
        mw_mblock *b = written(&m);
        mw_ids none = {0}, some = {0}, all = {0};
        for (uint32_t i = 0; i < m.n; i++) {
            if (mutator_below(&m.random, 20) == 0) mw_ids_append(&some, &i, 1);
            mw_ids_append(&all, &i, 1);
        }
        assert_names_and_values(b, &m, NULL);
        assert_names_and_values(b, &m, &none);
        assert_names_and_values(b, &m, &some);
        assert_names_and_values(b, &m, &all);
        mw_ids_deinit(&some);
        mw_ids_deinit(&all);
        mw_mblock_release(b);
        model_deinit(&m);
    }
}

static void a_visit_can_stop(void **state)
{
    model m;
    model_init(&m, "stop", 1);
    model_fill_fleet(&m, 10, 10, 0);
    mw_mblock *b = written(&m);
    seen names = {.stop_at = 2}, values = {.stop_at = 3}, nothing = {0};
    assert_int_equal(mw_mblock_names(b, NULL, see, &names), MW_OK);
    assert_int_equal(names.n, 2);
    assert_int_equal(mw_mblock_values(b, MW_STR("pod"), NULL, see, &values), MW_OK);
    assert_int_equal(values.n, 3);
    assert_int_equal(mw_mblock_values(b, MW_STR("no_such"), NULL, see, &nothing), MW_OK);
    assert_int_equal(nothing.n, 0);
    mw_mblock_release(b);
    model_deinit(&m);
}

/* -- threads -------------------------------------------------------------------------------- */

typedef struct shared {
    mw_mblock *b;
    const model *m;
} shared;

static void *read_everything(void *arg)
{
    shared *s = arg;
    mw_mblock *b = mw_mblock_retain(s->b);
    mw_arena *arena = mw_arena_new(0);
    size_t wrong = 0;
    for (uint32_t i = 0; i < s->m->n; i++) {
        mw_run_ref *runs = NULL;
        size_t n = 0, cap = 0;
        wrong += mw_mblock_find(b, s->m->series[i].key) != i;
        wrong += !mw_labels_eq(mw_mblock_labels(b, i, arena), s->m->series[i].labels);
        wrong += mw_mblock_runs(b, i, INT64_MIN, INT64_MAX, &runs, &n, &cap, NULL) != MW_OK;
        wrong += n != s->m->series[i].n;
        mw_free(runs);
    }
    mw_arena_free(arena);
    mw_mblock_release(b);
    return (void *)wrong;
}

static void many_threads_read_one_block(void **state)
{
    model m;
    pthread_t threads[4];
    model_init(&m, "threads", 1);
    model_fill_fleet(&m, 30, 20, 0);
    shared s = {written(&m), &m};
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, read_everything, &s);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    mw_mblock_release(s.b);
    model_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_label_sets_come_back),
        cmocka_unit_test(a_fleet_comes_back_whether_or_not_pods_settle_the_rest),
        cmocka_unit_test(one_series_without_labels_and_runs_is_a_block),
        cmocka_unit_test(a_block_without_series_is_refused),
        cmocka_unit_test(an_aborted_block_leaves_nothing),
        cmocka_unit_test(the_counts_of_a_block_are_those_of_its_runs),
        cmocka_unit_test(only_runs_that_may_hold_samples_of_the_range_come),
        cmocka_unit_test(times_at_both_ends_of_time_are_kept),
        cmocka_unit_test(a_key_that_no_series_has_is_not_found),
        cmocka_unit_test(matchers_find_what_trying_every_series_finds),
        cmocka_unit_test(matchers_find_series_through_the_label_that_leads),
        cmocka_unit_test(a_cancelled_select_says_so),
        cmocka_unit_test(names_and_values_are_those_of_the_series_asked_for),
        cmocka_unit_test(a_visit_can_stop),
        cmocka_unit_test(many_threads_read_one_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

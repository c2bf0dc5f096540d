/* test_gone.c - whatever leaves the disk is told: how much, of what time, and why.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/log.h"
#include "base/mem.h"
#include "diskworld.h"

enum { MOST = 100 };

struct heard {
    mw_tsdb_gone row[MOST];
    size_t n;
};

static void hear(void *arg, const mw_tsdb_gone *g)
{
    struct heard *h = arg;
    assert_in_range(h->n, 0, MOST - 1);
    h->row[h->n++] = *g;
}

static world *listening(int seed, struct heard *h)
{
    world *w = new_world((unsigned)seed);
    close_store(w);
    w->opt.gone = hear;
    w->opt.gone_arg = h;
    return w;
}

static void fill(world *w, int times)
{
    for (int t = 0; t < times; t++)
        for (int s = 0; s < 4; s++) put(w, s, t, t);
    commit(w);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
}

static void a_block_that_leaves_by_age_is_told_as_a_whole(void **state)
{
    struct heard h = {.n = 0};
    world *w = listening(31, &h);
    w->opt.retention_ms = 200LL * STEP;
    open_store(w);
    fill(w, 100);
    mw_clock_manual_set(&w->clock, 250LL * STEP);
    mw_tsdb_tick(w->db);
    assert_int_equal(h.n, 0);
    mw_clock_manual_set(&w->clock, 1000LL * STEP);
    mw_tsdb_tick(w->db);
    assert_int_equal(h.n, 1);
    assert_string_equal(h.row[0].why, "age");
    assert_int_equal(h.row[0].samples, 400);
    assert_int_equal(h.row[0].min_t, 0);
    assert_int_equal(h.row[0].max_t, 99LL * STEP);
    assert_int_equal(h.row[0].by_class, -1);
    assert_true(h.row[0].bytes > 0);
    free_world(w);
}

static void what_is_cut_out_of_a_block_is_told_by_its_class(void **state)
{
    struct heard h = {.n = 0};
    world *w = listening(32, &h);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_RE, MW_STR(MW_METRIC_NAME), MW_STR("od.*"), NULL);
    mw_keep_class odd = {&m, 1, 200LL * STEP};
    w->opt.retention_ms = 3000LL * STEP;
    w->opt.classes = &odd;
    w->opt.n_classes = 1;
    open_store(w);
    fill(w, 900);
    mw_clock_manual_set(&w->clock, 900LL * STEP);
    mw_tsdb_tick(w->db);
    assert_int_equal(h.n, 1);
    assert_int_equal(h.row[0].by_class, 0);
    assert_int_equal(h.row[0].samples, 2 * 700);
    assert_int_equal(h.row[0].max_t, 699LL * STEP);
    assert_int_equal(h.row[0].bytes, 0);
    mw_clock_manual_set(&w->clock, 1300LL * STEP);
    mw_tsdb_tick(w->db);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.row[1].samples, 2 * 200);
    free_world(w);
    mw_matcher_deinit(&m);
}

static void blocks_over_the_budget_are_told(void **state)
{
    struct heard h = {.n = 0};
    world *w = listening(33, &h);
    mw_tsdb_stats st;
    w->opt.max_disk = 20000;
    open_store(w);
    for (int k = 0; k < 12; k++) {
        for (int t = k * 50; t < k * 50 + 50; t++)
            for (int s = 0; s < SERIES; s++) put(w, s, t, (double)next_random(&w->seed) / 3);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        mw_tsdb_tick(w->db);
    }
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(h.n, st.dropped_blocks);
    uint64_t samples = 0;
    for (size_t i = 0; i < h.n; i++) {
        assert_string_equal(h.row[i].why, "bytes");
        samples += h.row[i].samples;
    }
    assert_int_equal(samples + st.block_samples, 12 * 50 * SERIES);
    free_world(w);
}

static void what_somebody_wanted_gone_is_told(void **state)
{
    struct heard h = {.n = 0};
    world *w = listening(34, &h);
    open_store(w);
    fill(w, 100);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_RE, MW_STR(MW_METRIC_NAME), MW_STR("od.*"), NULL);
    mw_select sel = {.matchers = &m, .n = 1, .min_t = 10LL * STEP, .max_t = 19LL * STEP};
    assert_int_equal(mw_tsdb_delete(w->db, &sel, NULL), MW_OK);
    assert_int_equal(h.n, 1);
    assert_string_equal(h.row[0].why, "wish");
    assert_int_equal(h.row[0].samples, 2 * 10);
    assert_int_equal(h.row[0].min_t, 10LL * STEP);
    assert_int_equal(h.row[0].max_t, 19LL * STEP);
    mw_matcher_deinit(&m);
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_that_leaves_by_age_is_told_as_a_whole),
        cmocka_unit_test(what_is_cut_out_of_a_block_is_told_by_its_class),
        cmocka_unit_test(blocks_over_the_budget_are_told),
        cmocka_unit_test(what_somebody_wanted_gone_is_told),
    };
    mw_log_setup(MW_FATAL, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

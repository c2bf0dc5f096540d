/* test_disk.c - promises of a store with a folder: whatever happens to the program, samples stay.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "tsdb/diskworld.h"

/* -- the random life of a store ------------------------------------------------------------- */

static void append_batch(world *w)
{
    int n = 1 + (int)(next_random(&w->seed) % 30);
    for (int i = 0; i < n; i++) {
        int s = (int)(next_random(&w->seed) % SERIES);
        int back = next_random(&w->seed) % 4 ? 0 : (int)(next_random(&w->seed) % 200);
        int t = w->newest + (int)(next_random(&w->seed) % 3) - back;
        if (t < 0 || t >= TIMES) continue;
        put(w, s, t, (double)(next_random(&w->seed) % 5));
    }
    commit(w);
}

static void delete_at_random(world *w)
{
    int min = (int)(next_random(&w->seed) % (unsigned)(w->newest + 1));
    int max = min + (int)(next_random(&w->seed) % 100);
    delete_some(w, (int)(next_random(&w->seed) % SERIES), min, max < TIMES ? max : TIMES - 1);
}

static void compare_at_random(world *w)
{
    int min = (int)(next_random(&w->seed) % TIMES);
    compare(w, min, min + (int)(next_random(&w->seed) % (unsigned)(TIMES - min)));
}

static void live(uint64_t seed)
{
    world *w = new_world(seed);
    for (int step = 0; step < 2500; step++) {
        unsigned dice = (unsigned)(next_random(&w->seed) % 100);
        if (dice < 85) {
            append_batch(w);
        } else if (dice < 88) {
            delete_at_random(w);
        } else if (dice < 92) {
            assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        } else if (dice < 95) {
            mw_tsdb_tick(w->db);
        } else if (dice < 96) {
            close_store(w);
            open_store(w);
        } else if (dice < 97) {
            die_and_start_again(w);
        } else {
            compare_at_random(w);
        }
    }
    compare(w, 0, TIMES - 1);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_true(st.blocks < 30); /* merged as they come */
    free_world(w);
}

static void a_store_agrees_with_a_plain_map_whatever_happens_to_it(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) live(seed * 20261125);
}

/* -- ends of the program -------------------------------------------------------------------- */

static void an_orderly_end_leaves_nothing_to_replay(void **state)
{
    world *w = new_world(7);
    for (int t = 0; t < 300; t++)
        for (int s = 0; s < SERIES; s++) put(w, s, t, t);
    commit(w);
    close_store(w);
    open_store(w);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.replayed_frames, 0);
    assert_int_equal(st.series, 0);
    assert_int_equal(st.block_samples, 300 * SERIES);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static void after_a_crash_only_what_came_since_the_last_seal_is_replayed(void **state)
{
    world *w = new_world(8);
    for (int t = 0; t < 300; t++)
        for (int s = 0; s < SERIES; s++) put(w, s, t, t);
    commit(w);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    for (int s = 0; s < SERIES; s++) put(w, s, 300, 1);
    commit(w);
    die_and_start_again(w);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.samples, SERIES);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static void count_hour(void *arg, int64_t hour_ms)
{
    size_t *n = arg;
    assert_true(hour_ms == 0 || hour_ms == 3600000);
    ++*n;
}

static size_t late_hours(world *w)
{
    size_t n = 0;
    mw_hours_take(mw_tsdb_late(w->db), mw_now_ms(&w->clock.clock), count_hour, &n);
    return n;
}

static void hours_that_got_something_late_are_known_also_after_a_crash(void **state)
{
    world *w = new_world(12);
    mw_clock_manual_set(&w->clock, 3 * 3600000);
    put(w, 0, 701, 1);
    commit(w);
    assert_int_equal(late_hours(w), 0); /* less than five minutes before now */
    put(w, 1, 240, 1);
    put(w, 1, 239, 1);
    put(w, 1, 239, 1); /* known already */
    commit(w);
    assert_int_equal(late_hours(w), 2);
    assert_int_equal(late_hours(w), 0);
    die_and_start_again(w);
    assert_int_equal(late_hours(w), 2);
    free_world(w);
}

static void what_was_not_committed_may_be_lost_and_nothing_else(void **state)
{
    world *w = new_world(9);
    put(w, 0, 1, 1);
    commit(w);
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add(w->a, w->ls[1], &ref, STEP, 1), MW_OK);
    die_and_start_again(w);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static void another_appender_may_commit_a_series_before_the_one_that_made_it(void **state)
{
    world *w = new_world(10);
    mw_appender *other = mw_appender_new(w->db);
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add(other, w->ls[0], &ref, STEP, 1), MW_OK);
    put(w, 0, 2, 2);
    commit(w);
    mw_appender_free(other);
    w->io.crash_at = w->io.ops + 1;
    close_store(w);
    fakeio_deinit(&w->io);
    fakeio_init(&w->io, w->dir);
    open_store(w);
    compare(w, 2, TIMES - 1);
    free_world(w);
}

/* -- what Prometheus answers ---------------------------------------------------------------- */

static void duplicates_are_known_after_a_restart_too(void **state)
{
    world *w = new_world(11);
    for (int t = 0; t < 50; t++) put(w, 0, t, t);
    commit(w);
    close_store(w);
    open_store(w);
    assert_int_equal(mw_appender_add(w->a, w->ls[0], &w->ref[0], 49 * STEP, 49), MW_OK);
    assert_int_equal(mw_appender_add(w->a, w->ls[0], &w->ref[0], 49 * STEP, 50), MW_EDUP);
    assert_int_equal(mw_appender_add(w->a, w->ls[0], &w->ref[0], 10 * STEP, 10), MW_OK);
    assert_int_equal(mw_appender_add(w->a, w->ls[0], &w->ref[0], 10 * STEP, 11), MW_EDUP);
    commit(w);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static void histograms_are_known_again_in_memory_and_in_blocks(void **state)
{
    world *w = new_world(25);
    mw_tsdb_stats st;
    for (int round = 0; round < 3; round++) {
        for (int t = 10; t < 14; t++) assert_int_equal(add_histogram(w, 0, t, t), MW_OK);
        assert_int_equal(add_histogram(w, 0, 3, 1), MW_OK); /* late */
        assert_int_equal(add_histogram(w, 0, 3, 2), MW_EDUP);
        assert_int_equal(add_histogram(w, 0, 11, 2), MW_EDUP);
        assert_int_equal(add_histogram(w, 0, 13, 2), MW_EDUP);
        commit(w);
        mw_tsdb_stats_read(w->db, &st);
        assert_int_equal(st.samples + st.block_samples, 5);
        if (round == 0) assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        if (round == 1) {
            close_store(w);
            open_store(w);
        }
    }
    free_world(w);
}

static void the_window_counts_from_the_newest_sample_wherever_it_lies(void **state)
{
    world *w = new_world(12);
    close_store(w);
    w->opt.out_of_order_ms = 10 * STEP;
    open_store(w);
    put(w, 0, 100, 1);
    commit(w);
    close_store(w);
    open_store(w);
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add(w->a, w->ls[0], &ref, 89 * STEP, 1), MW_EOLD);
    put(w, 0, 90, 1);
    commit(w);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

/* -- retention ------------------------------------------------------------------------------ */

static void what_is_too_late_is_so_even_if_it_is_known(void **state)
{
    world *w = new_world(29);
    uint64_t ref = 0;
    for (int t = 0; t <= 20; t += 10) put(w, 0, t, t);
    commit(w);
    close_store(w);
    w->opt.out_of_order_ms = 5 * STEP;
    open_store(w);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(mw_appender_add(w->a, w->ls[0], &ref, 20 * STEP, 20), MW_OK);
        assert_int_equal(mw_appender_add(w->a, w->ls[0], &ref, 10 * STEP, 10), MW_EOLD);
        assert_int_equal(mw_appender_add(w->a, w->ls[0], &ref, 21 * STEP, 21), MW_OK);
        assert_int_equal(mw_appender_add(w->a, w->ls[0], &ref, 20 * STEP, 20), MW_OK);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    }
    free_world(w);
}

static void blocks_leave_when_all_of_them_is_too_old(void **state)
{
    world *w = new_world(13);
    close_store(w);
    w->opt.retention_ms = 100 * STEP;
    open_store(w);
    for (int t = 0; t < 50; t++) put(w, 0, t, 1);
    commit(w);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    mw_clock_manual_set(&w->clock, 149 * STEP + 1);
    mw_tsdb_tick(w->db);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.blocks, 0);
    assert_int_equal(st.dropped_blocks, 1);
    char *blocks = folder_path(w->dir, "blocks");
    assert_int_equal(folder_count(blocks), 0);
    free(blocks);
    free_world(w);
}

static void a_class_is_kept_as_long_as_it_says_and_the_rest_longer(void **state)
{
    world *w = new_world(14);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_RE, MW_STR(MW_METRIC_NAME), MW_STR("od.*"), NULL);
    mw_keep_class odd = {&m, 1, 200LL * STEP};
    close_store(w);
    w->opt.retention_ms = 3000LL * STEP;
    w->opt.classes = &odd;
    w->opt.n_classes = 1;
    open_store(w);
    for (int t = 0; t < 900; t++)
        for (int s = 0; s < 4; s++) put(w, s, t, t % 7);
    commit(w);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    mw_clock_manual_set(&w->clock, 900LL * STEP);
    mw_tsdb_tick(w->db);
    for (int t = 0; t < 700; t++) w->has[1][t] = w->has[3][t] = false;
    compare(w, 0, TIMES - 1);
    mw_clock_manual_set(&w->clock, 1300LL * STEP);
    mw_tsdb_tick(w->db);
    for (int t = 0; t < 900; t++) w->has[1][t] = w->has[3][t] = false;
    compare(w, 0, TIMES - 1);
    free_world(w);
    mw_matcher_deinit(&m);
}

static void a_class_that_is_kept_longer_outlives_the_rest(void **state)
{
    world *w = new_world(15);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR(MW_METRIC_NAME), MW_STR("even"), NULL);
    mw_keep_class even = {&m, 1, 3000LL * STEP};
    close_store(w);
    w->opt.retention_ms = 200LL * STEP;
    w->opt.classes = &even;
    w->opt.n_classes = 1;
    open_store(w);
    for (int t = 0; t < 100; t++)
        for (int s = 0; s < 4; s++) put(w, s, t, t);
    commit(w);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    mw_clock_manual_set(&w->clock, 1000LL * STEP);
    mw_tsdb_tick(w->db);
    for (int t = 0; t < 100; t++) w->has[1][t] = w->has[3][t] = false;
    compare(w, 0, TIMES - 1);
    free_world(w);
    mw_matcher_deinit(&m);
}

static void the_oldest_blocks_leave_over_the_budget_of_bytes(void **state)
{
    world *w = new_world(16);
    close_store(w);
    w->opt.max_disk = 20000;
    open_store(w);
    for (int k = 0; k < 12; k++) {
        for (int t = k * 50; t < k * 50 + 50; t++)
            for (int s = 0; s < SERIES; s++) put(w, s, t, (double)next_random(&w->seed) / 3);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        mw_tsdb_tick(w->db);
    }
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_true(st.block_bytes <= 20000);
    assert_true(st.dropped_blocks > 0);
    assert_int_equal(st.max_t, 599LL * STEP);
    free_world(w);
}

/* -- leaving memory ------------------------------------------------------------------------- */

static void a_series_that_is_idle_leaves_memory_and_comes_back(void **state)
{
    world *w = new_world(17);
    mw_tsdb_stats st;
    for (int k = 0; k < 4; k++) {
        put(w, 0, k, k);
        if (k == 0) put(w, 1, k, k);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    }
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.series, 1);
    assert_int_equal(st.samples, 0);
    put(w, 1, 9, 9);
    commit(w);
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.series, 2);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static void a_reader_keeps_what_it_began_with_while_it_is_sealed(void **state)
{
    world *w = new_world(18);
    for (int t = 0; t < 100; t++)
        for (int s = 0; s < SERIES; s++) put(w, s, t, t);
    commit(w);
    mw_series_set *set;
    mw_series_view view;
    mw_select sel = {.min_t = 0, .max_t = INT64_MAX};
    mw_source *source = mw_tsdb_source(w->db);
    assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    size_t n = 0;
    while (set->next(set, &view, NULL) == 1) {
        assert_int_equal(view.n, 100);
        n++;
    }
    assert_int_equal(n, SERIES);
    set->close(set);
    mw_tsdb_tick(w->db);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.samples, 0);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

/* -- snapshots ------------------------------------------------------------------------------ */

static void a_snapshot_is_a_folder_that_can_be_opened(void **state)
{
    world *w = new_world(19);
    for (int t = 0; t < 100; t++)
        for (int s = 0; s < SERIES; s++) put(w, s, t, t);
    commit(w);
    char *copy = folder_path(w->dir, "copy");
    assert_int_equal(mw_tsdb_snapshot(w->db, copy, true, NULL), MW_OK);
    world *c = mw_zalloc(sizeof *c);
    memcpy(c->has, w->has, sizeof c->has);
    memcpy(c->v, w->v, sizeof c->v);
    memcpy(c->ls, w->ls, sizeof c->ls);
    c->dir = copy;
    c->opt = w->opt;
    mw_clock_manual_init(&c->clock, 1000);
    fakeio_init(&c->io, copy);
    for (int s = 0; s < SERIES; s++) put(w, s, 101, 1); /* not in the copy */
    commit(w);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    open_store(c);
    compare(c, 0, TIMES - 1);
    close_store(c);
    fakeio_deinit(&c->io);
    mw_free(c);
    free(copy);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_agrees_with_a_plain_map_whatever_happens_to_it),
        cmocka_unit_test(an_orderly_end_leaves_nothing_to_replay),
        cmocka_unit_test(after_a_crash_only_what_came_since_the_last_seal_is_replayed),
        cmocka_unit_test(hours_that_got_something_late_are_known_also_after_a_crash),
        cmocka_unit_test(what_was_not_committed_may_be_lost_and_nothing_else),
        cmocka_unit_test(another_appender_may_commit_a_series_before_the_one_that_made_it),
        cmocka_unit_test(duplicates_are_known_after_a_restart_too),
        cmocka_unit_test(histograms_are_known_again_in_memory_and_in_blocks),
        cmocka_unit_test(the_window_counts_from_the_newest_sample_wherever_it_lies),
        cmocka_unit_test(what_is_too_late_is_so_even_if_it_is_known),
        cmocka_unit_test(blocks_leave_when_all_of_them_is_too_old),
        cmocka_unit_test(a_class_is_kept_as_long_as_it_says_and_the_rest_longer),
        cmocka_unit_test(a_class_that_is_kept_longer_outlives_the_rest),
        cmocka_unit_test(the_oldest_blocks_leave_over_the_budget_of_bytes),
        cmocka_unit_test(a_series_that_is_idle_leaves_memory_and_comes_back),
        cmocka_unit_test(a_reader_keeps_what_it_began_with_while_it_is_sealed),
        cmocka_unit_test(a_snapshot_is_a_folder_that_can_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

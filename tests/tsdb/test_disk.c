/* test_disk.c - promises of a store with a folder: whatever happens to the program, samples stay.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/log.h"
#include "base/mem.h"
#include "store/fakeio.h"
#include "tsdb/tsdb.h"

enum { SERIES = 12, TIMES = 4000, STEP = 15000 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* -- a store and a plain map beside it ------------------------------------------------------ */

typedef struct world {
    char *dir;
    fakeio io;
    mw_clock_manual clock;
    mw_tsdb_options opt;
    mw_tsdb *db;
    mw_appender *a;
    mw_labels *ls[SERIES];
    uint64_t ref[SERIES], seed;
    int newest;
    bool has[SERIES][TIMES];
    double v[SERIES][TIMES];
} world;

static mw_labels *numbered(unsigned number)
{
    char text[24];
    snprintf(text, sizeof text, "%u", number);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), number % 2 ? MW_STR("odd") : MW_STR("even")},
                    {MW_STR("n"), mw_str_of(text)}};
    return mw_labels_new(l, 2, NULL);
}

static void open_store(world *w)
{
    mw_err err;
    mw_err_init(&err);
    memset(w->ref, 0, sizeof w->ref);
    w->opt.dir = w->dir;
    w->opt.io = &w->io.io;
    w->opt.clock = &w->clock.clock;
    w->db = mw_tsdb_open(&w->opt, &err);
    assert_non_null(w->db);
    assert_int_equal(mw_tsdb_recover(w->db, &err), MW_OK);
    w->a = mw_appender_new(w->db);
}

static void close_store(world *w)
{
    mw_appender_free(w->a);
    mw_tsdb_close(w->db);
}

static world *new_world(uint64_t seed)
{
    world *w = mw_zalloc(sizeof *w);
    mw_log_setup(MW_LEVELS, false);
    w->dir = folder_new();
    fakeio_init(&w->io, w->dir);
    mw_clock_manual_init(&w->clock, 1000);
    w->opt = (mw_tsdb_options){.out_of_order_ms = -1, .sync_ms = 1000, .shards = 2};
    w->seed = seed;
    for (unsigned i = 0; i < SERIES; i++) w->ls[i] = numbered(i);
    open_store(w);
    return w;
}

static void free_world(world *w)
{
    close_store(w);
    for (unsigned i = 0; i < SERIES; i++) mw_free(w->ls[i]);
    fakeio_deinit(&w->io);
    folder_free(w->dir);
    mw_free(w);
}

/* The program dies: nothing that it does from now on reaches the folder. */
static void die_and_start_again(world *w)
{
    w->io.crash_at = w->io.ops + 1;
    close_store(w);
    fakeio_deinit(&w->io);
    fakeio_init(&w->io, w->dir);
    open_store(w);
}

static void put(world *w, int s, int t, double v)
{
    int code = mw_appender_add(w->a, w->ls[s], &w->ref[s], (int64_t)t * STEP, v);
    if (w->has[s][t]) {
        assert_int_equal(code, w->v[s][t] == v ? MW_OK : MW_EDUP);
        return;
    }
    assert_int_equal(code, MW_OK);
    w->has[s][t] = true;
    w->v[s][t] = v;
    if (t > w->newest) w->newest = t;
}

static void commit(world *w) { assert_int_equal(mw_appender_commit(w->a, NULL), MW_OK); }

static size_t count_in(const world *w, int s, int min, int max)
{
    size_t n = 0;
    for (int t = min; t <= max; t++) n += w->has[s][t];
    return n;
}

static int number_of(const mw_labels *ls) { return atoi(mw_labels_find(ls, "n").p); }

/* Every series in MIN..MAX is what the map says. */
static void compare(world *w, int min, int max)
{
    mw_series_set *set;
    mw_series_view view;
    size_t found = 0, expected = 0;
    mw_select sel = {.min_t = (int64_t)min * STEP, .max_t = (int64_t)max * STEP};
    mw_source *source = mw_tsdb_source(w->db);
    assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
    while (set->next(set, &view, NULL) == 1) {
        int s = number_of(view.labels);
        found++;
        assert_true(mw_labels_eq(view.labels, w->ls[s]));
        assert_int_equal(view.n, count_in(w, s, min, max));
        for (size_t i = 0; i < view.n; i++) {
            int t = (int)(view.t[i] / STEP);
            assert_true(w->has[s][t]);
            assert_true(view.v[i] == w->v[s][t]);
            assert_true(i == 0 || view.t[i] > view.t[i - 1]);
        }
    }
    set->close(set);
    for (int s = 0; s < SERIES; s++) expected += count_in(w, s, min, max) > 0;
    assert_int_equal(found, expected);
}

static void delete_some(world *w, int s, int min, int max)
{
    char text[24];
    snprintf(text, sizeof text, "%d", s);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("n"), mw_str_of(text), NULL);
    mw_select sel = {
        .matchers = &m, .n = 1, .min_t = (int64_t)min * STEP, .max_t = (int64_t)max * STEP};
    assert_int_equal(mw_tsdb_delete(w->db, &sel, NULL), MW_OK);
    mw_matcher_deinit(&m);
    for (int t = min; t <= max; t++) w->has[s][t] = false;
}

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

static int add_histogram(world *w, int t, double count)
{
    static const mw_hspan span = {0, 1};
    mw_nhist h = {.count = count, .sum = count, .pos = {&span, &count, 1, 1}};
    uint64_t ref = 0;
    return mw_appender_add_histogram(w->a, w->ls[0], &ref, (int64_t)t * STEP, &h);
}

static void histograms_are_known_again_in_memory_and_in_blocks(void **state)
{
    world *w = new_world(25);
    mw_tsdb_stats st;
    for (int round = 0; round < 3; round++) {
        for (int t = 10; t < 14; t++) assert_int_equal(add_histogram(w, t, t), MW_OK);
        assert_int_equal(add_histogram(w, 3, 1), MW_OK); /* late */
        assert_int_equal(add_histogram(w, 3, 2), MW_EDUP);
        assert_int_equal(add_histogram(w, 11, 2), MW_EDUP);
        assert_int_equal(add_histogram(w, 13, 2), MW_EDUP);
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

/* -- trouble -------------------------------------------------------------------------------- */

static void a_full_disk_refuses_writes_answers_reads_and_recovers(void **state)
{
    world *w = new_world(20);
    for (int t = 0; t < 50; t++) put(w, 0, t, t);
    commit(w);
    w->io.full_from = w->io.ops + 1;
    w->io.full_to = UINT64_MAX;
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add(w->a, w->ls[1], &ref, STEP, 1), MW_OK);
    assert_int_equal(mw_appender_commit(w->a, NULL), MW_EFULL);
    ref = 0;
    assert_int_equal(mw_appender_add(w->a, w->ls[2], &ref, STEP, 1), MW_EFULL);
    assert_int_equal(mw_appender_commit(w->a, NULL), MW_EFULL);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.read_only, 1);
    assert_true(st.write_failures > 0);
    w->has[1][1] = true; /* refused, but it may be seen: the sender will say it again */
    w->v[1][1] = 1;
    compare(w, 0, TIMES - 1);
    mw_tsdb_tick(w->db);
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.read_only, 1);
    w->io.full_to = 0;
    mw_tsdb_tick(w->db);
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.read_only, 0);
    put(w, 1, 2, 2);
    put(w, 2, 2, 2);
    commit(w);
    w->has[1][1] = false;
    die_and_start_again(w);
    compare(w, 2, TIMES - 1);
    free_world(w);
}

static void a_clock_that_steps_back_and_forth_loses_nothing_within_the_retention(void **state)
{
    world *w = new_world(23);
    close_store(w);
    w->opt.retention_ms = 2000LL * STEP;
    open_store(w);
    static const int clock[] = {100, 1500, 40, 1900, 700, 0, 1999};
    for (int k = 0; k < 7; k++) {
        mw_clock_manual_set(&w->clock, (int64_t)clock[k] * STEP);
        for (int t = clock[k]; t < clock[k] + 20 && t < TIMES; t++) put(w, k % 3, t, k);
        commit(w);
        mw_tsdb_tick(w->db);
        if (k % 2) assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    }
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static void
over_the_budget_of_memory_samples_go_to_the_disk_and_new_series_are_refused_last(void **state)
{
    world *w = new_world(24);
    close_store(w);
    w->opt.max_bytes = 200000;
    open_store(w);
    mw_tsdb_stats st;
    for (int t = 0; t < 3000; t++) {
        for (int s = 0; s < SERIES; s++) put(w, s, t, (double)next_random(&w->seed) / 3);
        commit(w);
        if (t % 50 == 0) mw_tsdb_tick(w->db);
    }
    mw_tsdb_tick(w->db);
    mw_tsdb_stats_read(w->db, &st);
    assert_true(st.seals > 0);
    assert_true(st.bytes <= w->opt.max_bytes);
    assert_int_equal(st.refused_series, 0);
    compare(w, 0, TIMES - 1);
    unsigned taken = 0;
    for (; taken < 20000; taken++) { /* series that stay cannot be sealed away */
        mw_labels *ls = numbered(1000 + taken);
        uint64_t ref = 0;
        int code = mw_appender_add(w->a, ls, &ref, 3001LL * STEP, 1);
        mw_free(ls);
        if (code == MW_ELIMIT) break;
        assert_int_equal(code, MW_OK);
    }
    assert_in_range(taken, 100, 10000);
    commit(w);
    mw_tsdb_stats_read(w->db, &st);
    assert_true(st.bytes <= w->opt.max_bytes * 3 / 2);
    put(w, 0, 3001, 1); /* those who are in may go on */
    commit(w);
    free_world(w);
}

static void flip(const char *path, size_t at)
{
    size_t n;
    char *bytes = folder_read(path, &n);
    bytes[at % n] ^= 0x40;
    folder_write(path, bytes, n);
    free(bytes);
}

static char *only_block(const world *w, uint64_t id)
{
    char name[64];
    snprintf(name, sizeof name, "blocks/%016llx.blk", (unsigned long long)id);
    return folder_path(w->dir, name);
}

static void a_damaged_block_is_set_aside_and_the_rest_serves(void **state)
{
    size_t size = 1;
    for (size_t at = 0; at < size; at += 7) {
        world *w = new_world(21);
        for (int t = 0; t < 40; t++) put(w, 0, t, t);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        for (int t = 40; t < 80; t++) put(w, 0, t, t);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        close_store(w);
        char *path = only_block(w, 1);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        size = (size_t)st.st_size;
        flip(path, at);
        free(path);
        open_store(w);
        mw_tsdb_tick(w->db); /* looks the pages over */
        mw_tsdb_tick(w->db); /* and sets aside */
        mw_tsdb_stats stats;
        mw_tsdb_stats_read(w->db, &stats);
        assert_int_equal(stats.quarantined_blocks, 1);
        assert_int_equal(stats.blocks, 1);
        for (int t = 0; t < 40; t++) w->has[0][t] = false;
        compare(w, 0, TIMES - 1);
        free_world(w);
    }
}

static void a_missing_list_of_blocks_is_made_again(void **state)
{
    world *w = new_world(22);
    for (int t = 0; t < 40; t++) put(w, 0, t, t);
    commit(w);
    close_store(w);
    char *path = folder_path(w->dir, "MANIFEST");
    assert_int_equal(unlink(path), 0);
    open_store(w);
    compare(w, 0, TIMES - 1);
    close_store(w);
    flip(path, 5);
    open_store(w);
    compare(w, 0, TIMES - 1);
    free(path);
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_agrees_with_a_plain_map_whatever_happens_to_it),
        cmocka_unit_test(an_orderly_end_leaves_nothing_to_replay),
        cmocka_unit_test(after_a_crash_only_what_came_since_the_last_seal_is_replayed),
        cmocka_unit_test(what_was_not_committed_may_be_lost_and_nothing_else),
        cmocka_unit_test(another_appender_may_commit_a_series_before_the_one_that_made_it),
        cmocka_unit_test(duplicates_are_known_after_a_restart_too),
        cmocka_unit_test(histograms_are_known_again_in_memory_and_in_blocks),
        cmocka_unit_test(the_window_counts_from_the_newest_sample_wherever_it_lies),
        cmocka_unit_test(blocks_leave_when_all_of_them_is_too_old),
        cmocka_unit_test(a_class_is_kept_as_long_as_it_says_and_the_rest_longer),
        cmocka_unit_test(a_class_that_is_kept_longer_outlives_the_rest),
        cmocka_unit_test(the_oldest_blocks_leave_over_the_budget_of_bytes),
        cmocka_unit_test(a_series_that_is_idle_leaves_memory_and_comes_back),
        cmocka_unit_test(a_reader_keeps_what_it_began_with_while_it_is_sealed),
        cmocka_unit_test(a_snapshot_is_a_folder_that_can_be_opened),
        cmocka_unit_test(a_full_disk_refuses_writes_answers_reads_and_recovers),
        cmocka_unit_test(a_clock_that_steps_back_and_forth_loses_nothing_within_the_retention),
        cmocka_unit_test(
            over_the_budget_of_memory_samples_go_to_the_disk_and_new_series_are_refused_last),
        cmocka_unit_test(a_damaged_block_is_set_aside_and_the_rest_serves),
        cmocka_unit_test(a_missing_list_of_blocks_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

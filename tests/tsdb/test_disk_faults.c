/* test_disk_faults.c - promises of a store whose writes fail at an unlucky moment, or which is
 * asked for something while it is in the middle of something else.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>

#include "tsdb/diskworld.h"

/* -- a file system with moods --------------------------------------------------------------- */

/* What the tests of this file do beside fakeio: until the next start of the store. */
static const char *unsyncable;      /* this folder cannot be synced */
static bool no_blocks;              /* no block can be begun: the disk is full */
static void (*on_block)(void *arg); /* called once, when a block is begun */
static void *on_block_arg;

static int moody_sync_dir(const mw_io *io, const char *path)
{
    return unsyncable && !strcmp(path, unsyncable) ? -EIO : fakeio_sync_dir(io, path);
}

static int moody_open(const mw_io *io, const char *path, int flags)
{
    if (strstr(path, ".blk.tmp")) {
        void (*call)(void *) = on_block;
        on_block = NULL;
        if (call) call(on_block_arg);
        if (no_blocks) return -ENOSPC;
    }
    return fakeio_open(io, path, flags);
}

static void make_moody(world *w)
{
    unsyncable = NULL;
    no_blocks = false;
    on_block = NULL;
    w->io.io.sync_dir = moody_sync_dir;
    w->io.io.open = moody_open;
}

/* -- the list of blocks --------------------------------------------------------------------- */

static world *world_with_blocks(int blocks)
{
    world *w = new_world(30);
    make_moody(w);
    for (int k = 0; k < blocks; k++) {
        for (int t = k * 20; t < k * 20 + 20; t++)
            for (int s = 0; s < 3; s++) put(w, s, t, t);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    }
    return w;
}

/* The new list has taken the old one's name when the sync of its folder fails, so after a crash it
 * is the new one that is read. */
static void a_seal_that_fails_behind_the_new_list_of_blocks_loses_nothing(void **state)
{
    world *w = world_with_blocks(2);
    for (int t = 40; t < 60; t++) put(w, 0, t, t);
    commit(w);
    unsyncable = w->dir;
    assert_int_not_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    put(w, 1, 60, 1);
    commit(w);
    compare(w, 0, TIMES - 1);
    die_and_start_again(w);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static void a_merge_that_fails_behind_the_new_list_of_blocks_loses_nothing(void **state)
{
    world *w = world_with_blocks(4);
    mw_tsdb_stats st;
    unsyncable = w->dir;
    mw_tsdb_tick(w->db);
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.compactions, 0);
    compare(w, 0, TIMES - 1);
    die_and_start_again(w);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

/* The block that the new list names must not be written over by the next one. */
static void a_merge_that_failed_leaves_its_block_alone(void **state)
{
    for (uint64_t op = 1; op < 20; op++) {
        world *w = world_with_blocks(4);
        unsyncable = w->dir;
        mw_tsdb_tick(w->db);
        unsyncable = NULL;
        put(w, 0, 100, 1);
        commit(w);
        w->io.crash_at = w->io.ops + op;
        mw_tsdb_seal(w->db, NULL);
        die_and_start_again(w);
        compare(w, 0, TIMES - 1);
        free_world(w);
    }
}

/* -- batches -------------------------------------------------------------------------------- */

enum { MANY = 150000 }; /* samples of a batch that is written in pieces */

static int append_many(world *w, bool by_rows)
{
    int code = MW_OK;
    uint64_t ref = 0, seed = 1;
    for (int i = 0; i < MANY; i++) {
        double v = (double)next_random(&seed) / 3;
        if (by_rows && ref) {
            mw_row row = {.ref = ref, .t = i, .v = v};
            mw_appender_rows(w->a, &row, 1);
        } else {
            int rc = mw_appender_add(w->a, w->ls[0], &ref, i, v);
            if (rc) code = rc;
        }
    }
    return code;
}

static void *tick(void *db)
{
    mw_tsdb_tick(db);
    return NULL;
}

/* A piece of the batch was refused; that the disk is well again when the batch ends is no reason to
 * acknowledge it. */
static void a_batch_of_which_a_piece_was_refused_is_refused(void **state)
{
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        world *w = new_world(31);
        mw_tsdb_stats st;
        w->io.full_from = w->io.ops + 1;
        w->io.full_to = UINT64_MAX;
        append_many(w, by_rows);
        w->io.full_to = 0;
        pthread_t keeper;
        assert_int_equal(pthread_create(&keeper, NULL, tick, w->db), 0);
        pthread_join(keeper, NULL);
        mw_tsdb_stats_read(w->db, &st);
        assert_int_equal(st.read_only, 0);
        assert_int_equal(mw_appender_commit(w->a, NULL), MW_EFULL);
        assert_int_equal(append_many(w, by_rows), MW_OK);
        commit(w);
        die_and_start_again(w);
        mw_tsdb_stats_read(w->db, &st);
        assert_int_equal(st.samples, MANY);
        free_world(w);
    }
}

/* A sender that says the same again for ever. */
static void a_journal_of_nothing_new_is_given_back_too(void **state)
{
    world *w = new_world(32);
    mw_tsdb_stats st;
    for (int round = 0; round < 3; round++) {
        put(w, 0, 5, 1);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        mw_tsdb_stats_read(w->db, &st);
        assert_int_equal(st.journal_segments, 0);
        assert_int_equal(st.block_samples, 1);
    }
    compare(w, 0, TIMES - 1);
    free_world(w);
}

/* -- exemplars ------------------------------------------------------------------------------ */

static void add_exemplar(world *w, int t)
{
    mw_exemplar e = {.labels = w->ls[3], .v = 1, .t = (int64_t)t * STEP};
    assert_int_equal(mw_appender_add_exemplar(w->a, w->ls[0], &e), MW_OK);
}

static uint64_t exemplars_after_a_crash_at(uint64_t op, bool deleted)
{
    world *w = new_world(33);
    mw_tsdb_stats st;
    put(w, 0, 1, 1);
    if (deleted) {
        add_exemplar(w, 1);
        commit(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        delete_some(w, 0, 0, 10);
    }
    put(w, 0, 20, 1);
    if (!deleted) add_exemplar(w, 1);
    commit(w);
    w->io.crash_at = w->io.ops + op;
    mw_tsdb_seal(w->db, NULL);
    die_and_start_again(w);
    mw_tsdb_stats_read(w->db, &st);
    compare(w, 0, TIMES - 1);
    free_world(w);
    return st.exemplars;
}

static void exemplars_are_there_or_gone_wherever_a_seal_is_stopped(void **state)
{
    for (uint64_t op = 1; op < 30; op++) {
        assert_int_equal(exemplars_after_a_crash_at(op, false), 1);
        assert_int_equal(exemplars_after_a_crash_at(op, true), 0);
    }
}

/* -- damage --------------------------------------------------------------------------------- */

static void flip_first_block(const world *w)
{
    size_t n;
    char *path = folder_path(w->dir, "blocks/0000000000000001.blk");
    char *bytes = folder_read(path, &n);
    bytes[100] ^= 0x40;
    folder_write(path, bytes, n);
    free(bytes);
    free(path);
}

static void a_damaged_block_is_not_removed_when_there_is_no_room_to_set_it_aside(void **state)
{
    world *w = world_with_blocks(2);
    close_store(w);
    flip_first_block(w);
    w->io.full_from = 1;
    w->io.full_to = UINT64_MAX;
    open_store(w);
    for (int i = 0; i < 3; i++) mw_tsdb_tick(w->db);
    close_store(w);
    w->io.full_to = 0;
    open_store(w);
    char *blocks = folder_path(w->dir, "blocks"), *aside = folder_path(w->dir, "quarantine");
    size_t files = folder_count(blocks);
    if (access(aside, F_OK) == 0) files += folder_count(aside);
    assert_int_equal(files, 2);
    free(blocks);
    free(aside);
    free_world(w);
}

/* Who cannot be read at the moment is not somebody else. */
static void an_identity_that_cannot_be_read_is_not_replaced(void **state)
{
    world *w = world_with_blocks(1);
    close_store(w);
    char *path = folder_path(w->dir, "identity"), *away = folder_path(w->dir, "away");
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(symlink("identity", path), 0); /* to itself */
    mw_tsdb *db = mw_tsdb_open(&w->opt, NULL);
    assert_int_equal(mw_tsdb_recover(db, NULL), MW_EIO);
    mw_tsdb_close(db);
    assert_int_equal(rename(away, path), 0);
    open_store(w);
    put(w, 0, 50, 1);
    commit(w);
    compare(w, 0, TIMES - 1);
    free(path);
    free(away);
    free_world(w);
}

static void a_block_that_cannot_be_opened_at_the_moment_is_not_given_up(void **state)
{
    world *w = world_with_blocks(1);
    close_store(w);
    char *path = folder_path(w->dir, "blocks/0000000000000001.blk");
    char *away = folder_path(w->dir, "away");
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(symlink(path, path), 0); /* to itself */
    mw_tsdb *db = mw_tsdb_open(&w->opt, NULL);
    assert_int_equal(mw_tsdb_recover(db, NULL), MW_EIO);
    mw_tsdb_close(db);
    assert_int_equal(rename(away, path), 0);
    open_store(w);
    compare(w, 0, TIMES - 1);
    free(path);
    free(away);
    free_world(w);
}

/* -- deletions ------------------------------------------------------------------------------ */

static void a_deletion_that_is_done_asks_nothing_of_the_disk_at_the_next_start(void **state)
{
    world *w = world_with_blocks(2);
    delete_some(w, 0, 5, 30);
    put(w, 0, 50, 1);
    commit(w);
    w->io.crash_at = w->io.ops + 1;
    close_store(w);
    fakeio_revive(&w->io);
    w->io.full_from = 1;
    w->io.full_to = UINT64_MAX;
    open_store(w);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static void append_late(void *arg)
{
    world *w = arg;
    put(w, 0, 3, 3);
    commit(w);
}

/* The series comes to memory while its newest sample is still in a block that is being written
 * again without it. */
static void what_was_deleted_may_be_sent_again_by_a_series_that_came_meanwhile(void **state)
{
    world *w = new_world(34);
    put(w, 0, 100, 1);
    put(w, 1, 100, 1);
    commit(w);
    close_store(w);
    open_store(w);
    make_moody(w);
    on_block = append_late;
    on_block_arg = w;
    delete_some(w, 0, 50, 150);
    assert_null(on_block);
    compare(w, 0, TIMES - 1);
    put(w, 0, 100, 1);
    commit(w);
    compare(w, 0, TIMES - 1);
    die_and_start_again(w);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

/* The wish stands in the journal and is carried out at the next start, but what is acknowledged
 * after it has failed stays. */
static void what_is_sent_again_after_a_deletion_that_failed_stays(void **state)
{
    world *w = world_with_blocks(1);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("n"), MW_STR("0"), NULL);
    mw_select sel = {.matchers = &m, .n = 1, .min_t = 0, .max_t = 10LL * STEP};
    no_blocks = true;
    assert_int_equal(mw_tsdb_delete(w->db, &sel, NULL), MW_EFULL);
    mw_matcher_deinit(&m);
    put(w, 0, 5, 5);
    commit(w);
    compare(w, 0, TIMES - 1);
    die_and_start_again(w);
    for (int t = 0; t <= 10; t++) w->has[0][t] = t == 5;
    compare(w, 0, TIMES - 1);
    free_world(w);
}

/* -- histograms ----------------------------------------------------------------------------- */

static void large_histograms_can_be_read_when_they_are_sealed(void **state)
{
    enum { BUCKETS = 50000, HOW_MANY = 60 };
    world *w = new_world(35);
    static double counts[BUCKETS];
    static const mw_hspan span = {0, BUCKETS};
    for (int i = 0; i < BUCKETS; i++) counts[i] = 1.5;
    mw_nhist h = {.is_float = true, .count = BUCKETS * 1.5, .pos = {&span, counts, 1, BUCKETS}};
    uint64_t ref = 0;
    for (int t = 0; t < HOW_MANY; t++)
        assert_int_equal(mw_appender_add_histogram(w->a, w->ls[0], &ref, t, &h), MW_OK);
    commit(w);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    mw_series_set *set;
    mw_series_view view;
    mw_select sel = {.min_t = 0, .max_t = HOW_MANY};
    mw_source *source = mw_tsdb_source(w->db);
    assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
    assert_int_equal(set->next(set, &view, NULL), 1);
    assert_int_equal(view.n, HOW_MANY);
    set->close(set);
    free_world(w);
}

/* -- odd samples ---------------------------------------------------------------------------- */

/* One sample of the far future in a block must not keep all others in it for ever. */
static void what_has_expired_leaves_a_block_that_does_not_end(void **state)
{
    world *w = new_world(36);
    mw_tsdb_stats st;
    close_store(w);
    w->opt.retention_ms = 100LL * STEP;
    open_store(w);
    for (int t = 0; t < 50; t++) put(w, 0, t, 1);
    put(w, 1, TIMES - 1, 1);
    commit(w);
    assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
    mw_clock_manual_set(&w->clock, 160LL * STEP);
    mw_tsdb_tick(w->db);
    compare(w, 60, TIMES - 1);
    mw_clock_manual_set(&w->clock, 300LL * STEP);
    mw_tsdb_tick(w->db);
    for (int t = 0; t < 50; t++) w->has[0][t] = false;
    compare(w, 0, TIMES - 1);
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.block_samples, 1);
    free_world(w);
}

static void a_histogram_that_is_too_large_leaves_nothing_behind(void **state)
{
    enum { BUCKETS = 65536 };
    world *w = new_world(37);
    mw_tsdb_stats st;
    static double counts[BUCKETS];
    static const mw_hspan span = {0, BUCKETS};
    for (int i = 0; i < BUCKETS; i++) counts[i] = 1.5;
    mw_nhist h = {.is_float = true, .count = BUCKETS * 1.5, .pos = {&span, counts, 1, BUCKETS}};
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add_histogram(w->a, w->ls[0], &ref, STEP, &h), MW_ETOOBIG);
    commit(w);
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.chunks, 0);
    put(w, 0, 1, 1);
    commit(w);
    compare(w, 0, TIMES - 1);
    free_world(w);
}

static size_t count_all(world *w)
{
    mw_series_set *set;
    mw_series_view view;
    size_t n = 0;
    mw_select sel = {.min_t = INT64_MIN, .max_t = INT64_MAX};
    mw_source *source = mw_tsdb_source(w->db);
    assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
    while (set->next(set, &view, NULL) == 1) n += view.n;
    set->close(set);
    return n;
}

static void the_ends_of_time_are_times_like_others(void **state)
{
    static const int64_t times[] = {INT64_MIN, INT64_MAX, 0,  INT64_MIN + 1, INT64_MAX - 1,
                                    -1,        1,         -7, INT64_MIN / 2, INT64_MAX / 2};
    enum { N = sizeof times / sizeof *times };
    world *w = new_world(38);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < N; i++) {
            int s = (i + round) % 5;
            uint64_t ref = 0;
            assert_int_equal(mw_appender_add(w->a, w->ls[s], &ref, times[i], i), MW_OK);
        }
        commit(w);
        if (round % 2) die_and_start_again(w);
        assert_int_equal(mw_tsdb_seal(w->db, NULL), MW_OK);
        mw_tsdb_tick(w->db);
        mw_tsdb_tick(w->db);
    }
    assert_int_equal(count_all(w), 5 * N);
    mw_select sel = {.min_t = INT64_MAX - 1, .max_t = INT64_MAX};
    assert_int_equal(mw_tsdb_delete(w->db, &sel, NULL), MW_OK);
    assert_int_equal(count_all(w), 5 * (N - 2));
    sel = (mw_select){.min_t = INT64_MIN, .max_t = INT64_MIN};
    assert_int_equal(mw_tsdb_delete(w->db, &sel, NULL), MW_OK);
    die_and_start_again(w);
    assert_int_equal(count_all(w), 5 * (N - 3));
    free_world(w);
}

/* -- snapshots ------------------------------------------------------------------------------ */

static void a_snapshot_survives_a_loss_of_power(void **state)
{
    world *w = world_with_blocks(2);
    char *copy = folder_path(w->dir, "copy"), *blocks = folder_path(copy, "blocks");
    assert_int_equal(mw_tsdb_snapshot(w->db, copy, true, NULL), MW_OK);
    w->io.crash_at = w->io.ops + 1;
    close_store(w);
    fakeio_lose_power(&w->io, NULL);
    assert_int_equal(folder_count(blocks), 2);
    fakeio_deinit(&w->io);
    fakeio_init(&w->io, w->dir);
    open_store(w);
    compare(w, 0, TIMES - 1);
    free(blocks);
    free(copy);
    free_world(w);
}

/* Links to blocks that have left would keep their space. */
static void a_snapshot_that_fails_leaves_no_blocks_behind(void **state)
{
    world *w = world_with_blocks(2);
    char *copy = folder_path(w->dir, "copy"), *blocks = folder_path(copy, "blocks");
    unsyncable = copy;
    assert_int_not_equal(mw_tsdb_snapshot(w->db, copy, true, NULL), MW_OK);
    assert_int_equal(folder_count(blocks), 0);
    compare(w, 0, TIMES - 1);
    free(blocks);
    free(copy);
    free_world(w);
}

/* -- memory only ---------------------------------------------------------------------------- */

static void *delete_nothing(void *arg)
{
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("n"), MW_STR("none"), NULL);
    mw_select sel = {.matchers = &m, .n = 1, .min_t = 0, .max_t = 1000};
    assert_int_equal(mw_tsdb_delete(arg, &sel, NULL), MW_OK);
    mw_matcher_deinit(&m);
    return NULL;
}

/* Appending in the middle of a batch makes room, while a deletion waits for the batch to end. */
static void making_room_does_not_wait_for_whoever_waits_for_the_batch(void **state)
{
    mw_tsdb_options o = {.max_bytes = 200000, .shards = 2, .out_of_order_ms = -1};
    mw_tsdb *db = mw_tsdb_open(&o, NULL);
    mw_appender *a = mw_appender_new(db);
    pthread_t deleter;
    uint64_t ref = 0, seed = 1;
    mw_labels *ls = numbered(0);
    for (int t = 0; t < 50000; t++)
        assert_int_equal(mw_appender_add(a, ls, &ref, t, (double)next_random(&seed) / 3), MW_OK);
    mw_free(ls);
    alarm(60);
    assert_int_equal(pthread_create(&deleter, NULL, delete_nothing, db), 0);
    usleep(100000);
    for (unsigned i = 1; i < 200; i++) {
        ls = numbered(i);
        ref = 0;
        int code = mw_appender_add(a, ls, &ref, i, i);
        assert_true(code == MW_OK || code == MW_ELIMIT);
        mw_free(ls);
    }
    mw_appender_free(a);
    pthread_join(deleter, NULL);
    alarm(0);
    mw_tsdb_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seal_that_fails_behind_the_new_list_of_blocks_loses_nothing),
        cmocka_unit_test(a_merge_that_fails_behind_the_new_list_of_blocks_loses_nothing),
        cmocka_unit_test(a_merge_that_failed_leaves_its_block_alone),
        cmocka_unit_test(a_batch_of_which_a_piece_was_refused_is_refused),
        cmocka_unit_test(a_journal_of_nothing_new_is_given_back_too),
        cmocka_unit_test(exemplars_are_there_or_gone_wherever_a_seal_is_stopped),
        cmocka_unit_test(a_damaged_block_is_not_removed_when_there_is_no_room_to_set_it_aside),
        cmocka_unit_test(an_identity_that_cannot_be_read_is_not_replaced),
        cmocka_unit_test(a_block_that_cannot_be_opened_at_the_moment_is_not_given_up),
        cmocka_unit_test(a_deletion_that_is_done_asks_nothing_of_the_disk_at_the_next_start),
        cmocka_unit_test(what_was_deleted_may_be_sent_again_by_a_series_that_came_meanwhile),
        cmocka_unit_test(what_is_sent_again_after_a_deletion_that_failed_stays),
        cmocka_unit_test(large_histograms_can_be_read_when_they_are_sealed),
        cmocka_unit_test(what_has_expired_leaves_a_block_that_does_not_end),
        cmocka_unit_test(a_histogram_that_is_too_large_leaves_nothing_behind),
        cmocka_unit_test(the_ends_of_time_are_times_like_others),
        cmocka_unit_test(a_snapshot_survives_a_loss_of_power),
        cmocka_unit_test(a_snapshot_that_fails_leaves_no_blocks_behind),
        cmocka_unit_test(making_room_does_not_wait_for_whoever_waits_for_the_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

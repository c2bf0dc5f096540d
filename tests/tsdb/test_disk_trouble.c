/* test_disk_trouble.c - a store on a disk that is full, beside a clock that jumps, over its budget,
 * and with damaged files.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "tsdb/diskworld.h"

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

static int count_metadata(void *arg, const mw_metadata *m) { return ++*(int *)arg, 0; }

/* What was refused stands in memory.  Sent again it is the same sample, and must still get into the
 * journal, or its acknowledgement would mean nothing. */
static void what_a_full_disk_refused_is_kept_once_it_was_sent_again(void **state)
{
    world *w = new_world(26);
    mw_exemplar e = {.labels = w->ls[3], .v = 1, .t = STEP};
    mw_str name = MW_STR("odd"), type = MW_STR("counter"), none = {"", 0};
    put(w, 0, 0, 0);
    commit(w);
    for (int round = 0; round < 2; round++) {
        if (round == 0) {
            w->io.full_from = w->io.ops + 1;
            w->io.full_to = UINT64_MAX;
        }
        put(w, 1, 5, 1);
        put(w, 1, 4, 1); /* late */
        assert_int_equal(add_histogram(w, 2, 5, 1), MW_OK);
        assert_int_equal(mw_appender_add_exemplar(w->a, w->ls[1], &e), MW_OK);
        mw_appender_set_metadata(w->a, name, type, none, none);
        assert_int_equal(mw_appender_commit(w->a, NULL), round == 0 ? MW_EFULL : MW_OK);
        w->io.full_to = 0;
        mw_tsdb_tick(w->db);
    }
    die_and_start_again(w);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.samples, 4);
    assert_int_equal(st.exemplars, 1);
    int told = 0;
    mw_tsdb_metadata(w->db, name, count_metadata, &told);
    assert_int_equal(told, 1);
    delete_some(w, 2, 0, TIMES - 1); /* the histogram, of which the map knows nothing */
    compare(w, 0, TIMES - 1);
    free_world(w);
}

/* More than a frame of the journal takes. */
static void one_batch_may_bring_any_number_of_the_longest_labels(void **state)
{
    enum { LONG = 4000, LABELS = 60, MANY = 300 };
    static char text[LABELS][LONG + 1], names[LABELS][8];
    world *w = new_world(28);
    mw_label l[LABELS];
    for (int i = 0; i < MANY; i++) {
        uint64_t ref = 0;
        for (int k = 0; k < LABELS; k++) {
            snprintf(names[k], sizeof names[k], "l%d", k);
            memset(text[k], 'a' + k % 26, LONG);
            snprintf(text[k], 16, "%d", i * LABELS + k);
            text[k][strlen(text[k])] = '.';
            l[k] = (mw_label){mw_str_of(names[k]), {text[k], LONG}};
        }
        mw_labels *ls = mw_labels_new(l, LABELS, NULL);
        assert_int_equal(mw_appender_add(w->a, ls, &ref, STEP, i), MW_OK);
        mw_free(ls);
    }
    commit(w);
    die_and_start_again(w);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(w->db, &st);
    assert_int_equal(st.series, MANY);
    assert_int_equal(st.samples, MANY);
    free_world(w);
}

static void what_another_sender_has_not_committed_is_committed_by_who_says_it_again(void **state)
{
    world *w = new_world(27);
    mw_appender *other = mw_appender_new(w->db);
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add(other, w->ls[0], &ref, STEP, 1), MW_OK);
    put(w, 0, 1, 1);
    commit(w);
    w->io.crash_at = w->io.ops + 1;
    mw_appender_free(other);
    die_and_start_again(w);
    compare(w, 0, TIMES - 1);
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
    unsigned taken = 0, told_to_wait = 0;
    for (int code = MW_OK; code != MW_ELIMIT && taken < 20000;) { /* their names stay */
        mw_labels *ls = numbered(1000 + taken);
        uint64_t ref = 0;
        code = mw_appender_add(w->a, ls, &ref, 3001LL * STEP, 1);
        mw_free(ls);
        taken += code == MW_OK;
        told_to_wait += code == MW_EBUSY;
        if (code == MW_OK) continue;
        commit(w);
        mw_tsdb_tick(w->db);
    }
    assert_true(taken >= 100);
    assert_true(taken == 20000 || told_to_wait > 0); /* or the disk kept up with all of them */
    commit(w);
    mw_tsdb_stats_read(w->db, &st);
    assert_true(st.bytes <= w->opt.max_bytes * 3 / 2);
    mw_labels *last = numbered(1000 + taken - 1); /* those who are in may go on */
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add(w->a, last, &ref, 3002LL * STEP, 1), MW_OK);
    mw_free(last);
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
        cmocka_unit_test(a_full_disk_refuses_writes_answers_reads_and_recovers),
        cmocka_unit_test(what_a_full_disk_refused_is_kept_once_it_was_sent_again),
        cmocka_unit_test(one_batch_may_bring_any_number_of_the_longest_labels),
        cmocka_unit_test(what_another_sender_has_not_committed_is_committed_by_who_says_it_again),
        cmocka_unit_test(a_clock_that_steps_back_and_forth_loses_nothing_within_the_retention),
        cmocka_unit_test(
            over_the_budget_of_memory_samples_go_to_the_disk_and_new_series_are_refused_last),
        cmocka_unit_test(a_damaged_block_is_set_aside_and_the_rest_serves),
        cmocka_unit_test(a_missing_list_of_blocks_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

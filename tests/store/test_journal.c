/* test_journal.c - promises of the journal while nothing breaks, and its refusals.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "mutate.h"
#include "store/fakeio.h"
#include "store/frames.h"

struct world {
    char *root, *dir;
    mw_io io;
    struct found found;
};

static void open_world(struct world *w)
{
    *w = (struct world){.root = folder_new(), .io = fakeio_quick()};
    w->dir = folder_path(w->root, "journal");
}

static void close_world(struct world *w)
{
    folder_free(w->root);
    free(w->dir);
    free(w->found.number);
}

static void append(mw_journal *j, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        assert_int_equal(frame_append(j, i, frame_size(i), NULL), MW_OK);
}

static void expect(const struct found *f, uint64_t first, uint64_t last)
{
    assert_int_equal(f->n, last + 1 - first);
    for (size_t i = 0; i < f->n; i++) assert_int_equal(f->number[i], first + i);
}

/* -- the plain way -------------------------------------------------------------------------- */

static void frames_come_back_in_order_over_segments_and_lives(void **state)
{
    for (int sync_ms = 0; sync_ms <= 5; sync_ms += 5) {
        struct world w;
        open_world(&w);
        for (uint64_t life = 0; life < 5; life++) {
            mw_journal *j = frames_open(NULL, w.dir, sync_ms, 500);
            append(j, life * 20 + 1, life * 20 + 20);
            mw_journal_close(j);
            assert_int_equal(frames_read(w.dir, 0, &w.found), 0);
            expect(&w.found, 1, life * 20 + 20);
            assert_true(w.found.done > 0.99);
        }
        close_world(&w);
    }
}

static void an_empty_journal_has_nothing_and_leaves_nothing(void **state)
{
    struct world w;
    open_world(&w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(frames_read(w.dir, 0, &w.found), 0);
        assert_int_equal(w.found.n, 0);
    }
    assert_int_equal(folder_count(w.dir), 0);
    mw_journal_close(NULL);
    close_world(&w);
}

static void frames_of_every_size_are_taken_up_to_the_limit(void **state)
{
    static const size_t sizes[] = {8, 9, 499, 500, 501, 1 << 20, (1 << 20) + 1, MW_FRAME_MAX, 8};
    struct world w;
    mw_err err = {0};
    open_world(&w);
    mw_journal *j = frames_open(&w.io, w.dir, 50, 500);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(frame_append(j, i, sizes[i], NULL), MW_OK);
    char *huge = calloc(1, MW_FRAME_MAX + 1);
    assert_int_equal(mw_journal_append(j, (mw_str){huge, MW_FRAME_MAX + 1}, &err), MW_ETOOBIG);
    free(huge);
    mw_journal_close(j);
    assert_int_equal(frames_read(w.dir, 0, &w.found), 0);
    expect(&w.found, 0, sizeof sizes / sizeof *sizes - 1);
    close_world(&w);
}

static int count_empty(void *arg, mw_str frame, double done, mw_err *err)
{
    assert_int_equal(frame.n, 0);
    return ++*(int *)arg == 3 ? MW_ECANCEL : MW_OK;
}

static void an_empty_frame_is_a_frame_and_a_visit_may_stop(void **state)
{
    struct world w;
    int seen = 0;
    open_world(&w);
    mw_journal *j = frames_open(&w.io, w.dir, 0, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(mw_journal_append(j, (mw_str){NULL, 0}, NULL), MW_OK);
    mw_journal_close(j);
    j = frames_open(&w.io, w.dir, 0, 0);
    assert_int_equal(mw_journal_replay(j, 0, count_empty, &seen, NULL), MW_ECANCEL);
    assert_int_equal(seen, 3);
    mw_journal_close(j);
    close_world(&w);
}

static void a_folder_that_cannot_be_is_refused_with_its_name(void **state)
{
    mw_err err = {0};
    mw_journal_options o = {.dir = "/proc/nowhere/journal"};
    assert_null(mw_journal_open(&o, &err));
    assert_int_equal(err.code, MW_EIO);
    assert_non_null(strstr(err.msg, "/proc/nowhere/journal: No such file or directory"));
}

static void files_of_others_are_left_alone(void **state)
{
    static const char *const names[] = {"README",
                                        "0000000000000001.seg.bak",
                                        "1.seg",
                                        "000000000000000G.seg",
                                        "ffffffffffffffff.seg",
                                        "0000000000000000.seg"};
    struct world w;
    open_world(&w);
    mkdir(w.dir, 0755);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = folder_path(w.dir, names[i]);
        folder_write(path, "mine", 4);
        free(path);
    }
    mw_journal *j = frames_open(&w.io, w.dir, 0, 0);
    append(j, 1, 2);
    mw_journal_close(j);
    assert_int_equal(frames_read(w.dir, 0, &w.found), 0);
    expect(&w.found, 1, 2);
    assert_int_equal(folder_count(w.dir), sizeof names / sizeof *names + 1);
    close_world(&w);
}

/* -- cut and drop --------------------------------------------------------------------------- */

static void after_a_cut_frames_are_in_the_segment_it_named(void **state)
{
    struct world w;
    uint64_t from, again;
    open_world(&w);
    mw_journal *j = frames_open(&w.io, w.dir, 0, 500);
    append(j, 1, 30);
    assert_int_equal(mw_journal_cut(j, &from, NULL), MW_OK);
    assert_int_equal(mw_journal_cut(j, &again, NULL), MW_OK);
    assert_int_equal(from, again);
    append(j, 31, 60);
    mw_journal_close(j);
    frames_read(w.dir, from, &w.found);
    expect(&w.found, 31, 60);
    frames_read(w.dir, 0, &w.found);
    expect(&w.found, 1, 60);
    close_world(&w);
}

/* All frames are sealed and dropped, and nothing is left to show the number that the cut gave. */
static void numbers_go_on_from_the_cut_though_no_segment_is_left(void **state)
{
    struct world w;
    uint64_t from;
    open_world(&w);
    mw_journal *j = frames_open(&w.io, w.dir, 0, 500);
    append(j, 1, 30);
    mw_journal_cut(j, &from, NULL);
    mw_journal_drop(j, from);
    mw_journal_close(j);
    folder_clear(w.dir);
    j = frames_open(&w.io, w.dir, 0, 500);
    assert_int_equal(mw_journal_replay(j, from, frame_found, &w.found, NULL), MW_OK);
    append(j, 31, 33);
    mw_journal_close(j);
    frames_read(w.dir, from, &w.found);
    expect(&w.found, 31, 33);
    close_world(&w);
}

static void recycled_segments_never_show_old_frames(void **state)
{
    struct world w;
    uint64_t from;
    open_world(&w);
    mw_journal *j = frames_open(&w.io, w.dir, 0, 2000);
    append(j, 1, 100);
    for (uint64_t round = 2; round < 12; round++) {
        mw_journal_cut(j, &from, NULL);
        mw_journal_drop(j, from);
        /* Frames of one size: the old ones stand exactly where new ones could. */
        for (uint64_t i = 0; i < round; i++)
            assert_int_equal(frame_append(j, round * 1000 + i, 40, NULL), MW_OK);
        assert_in_range(folder_count(w.dir), 1, 3);
        /* As a crash would leave it: the folder is read while the journal is open. */
        char *copy = folder_path(w.root, "copy");
        folder_copy(w.dir, copy);
        assert_int_equal(frames_read(copy, from, &w.found), 0);
        expect(&w.found, round * 1000, round * 1000 + round - 1);
        folder_remove(NULL, copy);
        free(copy);
    }
    mw_journal_close(j);
    close_world(&w);
}

static void figures_are_told(void **state)
{
    struct world w;
    mw_journal_stats st;
    uint64_t from;
    open_world(&w);
    mw_journal *j = frames_open(&w.io, w.dir, 0, 500);
    append(j, 1, 30);
    mw_journal_stats_read(j, &st);
    assert_int_equal(st.frames, 30);
    assert_true(st.segments > 3 && st.bytes > 30 * 8 && st.syncs >= 30);
    assert_true(st.last_sync_ns > 0 && st.slowest_sync_ns >= st.last_sync_ns);
    assert_int_equal(st.failures + st.damaged, 0);
    mw_journal_cut(j, &from, NULL);
    mw_journal_drop(j, from);
    mw_journal_stats_read(j, &st);
    assert_int_equal(st.segments + st.bytes, 0);
    mw_journal_close(j);
    close_world(&w);
}

/* -- disks that say no ---------------------------------------------------------------------- */

static void a_full_disk_refuses_frames_until_there_is_room(void **state)
{
    for (uint64_t full_from = 1; full_from < 60; full_from++) {
        struct world w;
        fakeio f;
        uint64_t taken[60];
        size_t n = 0, refused = 0;
        open_world(&w);
        mkdir(w.dir, 0755);
        fakeio_init(&f, w.root);
        mw_journal *j = frames_open(&f.io, w.dir, 3600000, 400);
        f.full_from = f.ops + full_from;
        f.full_to = f.full_from + 7;
        for (uint64_t i = 0; i < 60; i++) {
            mw_err err = {0};
            int code = frame_append(j, i, frame_size(i), &err);
            if (code) {
                assert_int_equal(code, MW_EFULL);
                assert_non_null(strstr(err.msg, "No space left on device"));
                refused++;
            } else {
                taken[n++] = i;
            }
        }
        assert_int_equal(mw_journal_sync(j, NULL), MW_OK);
        mw_journal_close(j);
        fakeio_deinit(&f);
        assert_true(refused > 0 && n > 0);
        assert_int_equal(frames_read(w.dir, 0, &w.found), 0);
        assert_int_equal(w.found.n, n);
        assert_memory_equal(w.found.number, taken, n * sizeof *taken);
        close_world(&w);
    }
}

static void after_a_failed_sync_frames_wait_for_a_fresh_segment(void **state)
{
    struct world w;
    fakeio f;
    mw_err err = {0};
    mw_journal_stats st;
    open_world(&w);
    mkdir(w.dir, 0755);
    fakeio_init(&f, w.root);
    mw_journal *j = frames_open(&f.io, w.dir, 0, 0);
    append(j, 1, 3);
    fakeio_set_fail_sync(&f, true);
    for (uint64_t i = 4; i < 8; i++) {
        mw_err_init(&err);
        assert_int_equal(frame_append(j, i, 20, &err), MW_EIO);
        assert_non_null(strstr(err.msg, "cannot sync"));
    }
    assert_int_equal(mw_journal_sync(j, NULL), MW_EIO);
    fakeio_set_fail_sync(&f, false);
    append(j, 8, 10);
    assert_int_equal(mw_journal_sync(j, NULL), MW_OK);
    mw_journal_stats_read(j, &st);
    assert_true(st.failures >= 4);
    f.crash_at = 1;
    mw_journal_close(j);
    fakeio_lose_power(&f, NULL);
    fakeio_deinit(&f);
    frames_read(w.dir, 0, &w.found);
    static const uint64_t kept[] = {1, 2, 3, 8, 9, 10};
    assert_int_equal(w.found.n, 6);
    assert_memory_equal(w.found.number, kept, sizeof kept);
    close_world(&w);
}

static void a_sync_that_failed_behind_the_back_is_told_once(void **state)
{
    struct world w;
    fakeio f;
    mw_journal_stats st;
    open_world(&w);
    mkdir(w.dir, 0755);
    fakeio_init(&f, w.root);
    mw_journal *j = frames_open(&f.io, w.dir, 1, 0);
    append(j, 1, 1);
    assert_int_equal(mw_journal_sync(j, NULL), MW_OK);
    fakeio_set_fail_sync(&f, true);
    append(j, 2, 2);
    do mw_journal_stats_read(j, &st);
    while (!st.failures);
    fakeio_set_fail_sync(&f, false);
    append(j, 3, 3);
    assert_int_equal(mw_journal_sync(j, NULL), MW_EIO);
    assert_int_equal(mw_journal_sync(j, NULL), MW_OK);
    mw_journal_close(j);
    fakeio_deinit(&f);
    close_world(&w);
}

/* -- against a list ------------------------------------------------------------------------- */

/* FROM stands in a manifest: it is written down before segments are dropped. */
struct model {
    mw_journal *j;
    mutator m;
    uint64_t next, first; /* frames FIRST .. NEXT-1 must be found from FROM on */
    uint64_t from, cut, cut_first;
};

static void reopen(struct world *w, struct model *k)
{
    mw_journal_close(k->j);
    k->j = frames_open(&w->io, w->dir, (int)mutator_below(&k->m, 2) * 10, 1500);
    w->found.n = 0;
    w->found.done = 0;
    assert_int_equal(mw_journal_replay(k->j, k->from, frame_found, &w->found, NULL), MW_OK);
    expect(&w->found, k->first, k->next - 1);
}

static void step(struct world *w, struct model *k)
{
    size_t dice = mutator_below(&k->m, 100);
    if (dice < 85) {
        append(k->j, k->next, k->next);
        k->next++;
    } else if (dice < 90) {
        mw_journal_cut(k->j, &k->cut, NULL);
        k->cut_first = k->next;
    } else if (dice < 94) {
        k->from = k->cut;
        k->first = k->cut_first;
        mw_journal_drop(k->j, k->from);
    } else if (dice < 97) {
        assert_int_equal(mw_journal_sync(k->j, NULL), MW_OK);
    } else {
        reopen(w, k);
    }
}

static void any_order_of_calls_agrees_with_a_list(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world w;
        struct model k = {.m = {seed * 7919}, .next = 1, .first = 1, .cut_first = 1};
        open_world(&w);
        reopen(&w, &k);
        for (int i = 0; i < 1500; i++) step(&w, &k);
        reopen(&w, &k);
        mw_journal_close(k.j);
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back_in_order_over_segments_and_lives),
        cmocka_unit_test(an_empty_journal_has_nothing_and_leaves_nothing),
        cmocka_unit_test(frames_of_every_size_are_taken_up_to_the_limit),
        cmocka_unit_test(an_empty_frame_is_a_frame_and_a_visit_may_stop),
        cmocka_unit_test(a_folder_that_cannot_be_is_refused_with_its_name),
        cmocka_unit_test(files_of_others_are_left_alone),
        cmocka_unit_test(after_a_cut_frames_are_in_the_segment_it_named),
        cmocka_unit_test(numbers_go_on_from_the_cut_though_no_segment_is_left),
        cmocka_unit_test(recycled_segments_never_show_old_frames),
        cmocka_unit_test(figures_are_told),
        cmocka_unit_test(a_full_disk_refuses_frames_until_there_is_room),
        cmocka_unit_test(after_a_failed_sync_frames_wait_for_a_fresh_segment),
        cmocka_unit_test(a_sync_that_failed_behind_the_back_is_told_once),
        cmocka_unit_test(any_order_of_calls_agrees_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

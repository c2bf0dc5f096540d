/* test_retention.c - which blocks leave, where damaged ones go, and what is swept away.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "store/fakeio.h"
#include "store/manifest.h"

/* -- by age and by bytes -------------------------------------------------------------------- */

enum { BLOCKS = 5 };

/* Not in the order of their age: ids 1..5 end at 30, 10, 50, 20, 40 and have 100 bytes each. */
static const mw_manifest_block blocks[BLOCKS] = {
    {1, 21, 30, 100, 0}, {2, 0, 10, 100, 0},  {3, 41, 50, 100, 0},
    {4, 11, 20, 100, 0}, {5, 31, 40, 100, 0},
};

/* LEAVE: the ids that must leave. */
static void expect_pick(const mw_manifest_block *b, size_t n, int64_t floor, uint64_t max_bytes,
                        const char *leave)
{
    bool leaves[BLOCKS] = {false};
    char got[BLOCKS + 1] = "";
    const mw_manifest m = {.block = (mw_manifest_block *)b, .n = n};
    size_t count = mw_retention_pick(&m, floor, max_bytes, leaves);
    for (size_t i = 0, at = 0; i < n; i++)
        if (leaves[i]) got[at++] = (char)('0' + b[i].id);
    assert_string_equal(got, leave);
    assert_int_equal(count, strlen(leave));
}

static void blocks_before_the_floor_leave(void **state)
{
    expect_pick(blocks, BLOCKS, INT64_MIN, 0, "");
    expect_pick(blocks, BLOCKS, 10, 0, "");
    expect_pick(blocks, BLOCKS, 11, 0, "2");
    expect_pick(blocks, BLOCKS, 31, 0, "124");
    expect_pick(blocks, BLOCKS, INT64_MAX, 0, "12345");
    expect_pick(NULL, 0, 5, 5, "");
}

static void the_oldest_leave_until_the_rest_is_within_the_budget(void **state)
{
    expect_pick(blocks, BLOCKS, INT64_MIN, 500, "");
    expect_pick(blocks, BLOCKS, INT64_MIN, 499, "2");
    expect_pick(blocks, BLOCKS, INT64_MIN, 250, "124");
    expect_pick(blocks, BLOCKS, INT64_MIN, 99, "12345");
    expect_pick(blocks, BLOCKS, 21, 400, "24");
    expect_pick(blocks, BLOCKS, 11, 200, "124");
}

static void sizes_that_do_not_fit_a_sum_are_beyond_any_budget(void **state)
{
    const mw_manifest_block huge[] = {
        {1, 0, 1, 7, 0}, {2, 0, 2, UINT64_MAX, 0}, {3, 0, 3, 9, 0}, {4, 0, 3, 9, 0}};
    expect_pick(huge, 4, INT64_MIN, 100, "12");
    expect_pick(huge, 4, INT64_MIN, UINT64_MAX - 1, "12");
    expect_pick(huge, 4, INT64_MIN, 17, "123"); /* of one age the first that was written */
}

/* -- setting aside -------------------------------------------------------------------------- */

struct world {
    char *dir, *blocks;
    mw_io io;
};

static void open_world(struct world *w)
{
    *w = (struct world){.dir = folder_new_quick(), .io = fakeio_quick()};
    w->blocks = folder_path(w->dir, "blocks");
    mkdir(w->blocks, 0755);
}

static void close_world(struct world *w)
{
    folder_free(w->dir);
    free(w->blocks);
}

static void put(const char *dir, const char *name)
{
    char *path = folder_path(dir, name);
    folder_write(path, name, strlen(name));
    free(path);
}

static bool is_there(const char *dir, const char *name)
{
    char *path = folder_path(dir, name);
    bool there = !access(path, F_OK);
    free(path);
    return there;
}

static void a_damaged_block_is_moved_and_not_copied(void **state)
{
    struct world w;
    mw_err err = {0};
    open_world(&w);
    put(w.blocks, "000000000000002a.blk");
    put(w.blocks, "000000000000002b.blk");
    assert_int_equal(mw_quarantine(&w.io, w.dir, 42, NULL), MW_OK);
    assert_true(is_there(w.dir, "quarantine/000000000000002a.blk"));
    assert_false(is_there(w.dir, "blocks/000000000000002a.blk"));
    assert_true(is_there(w.dir, "blocks/000000000000002b.blk"));
    assert_int_equal(mw_quarantine(&w.io, w.dir, 42, &err), MW_EIO);
    assert_non_null(strstr(err.msg, "000000000000002a.blk: No such file or directory"));
    assert_int_equal(mw_quarantine(NULL, w.dir, 43, NULL), MW_OK);
    assert_int_equal(folder_count(w.blocks), 0);
    close_world(&w);
}

/* With power lost at any operation the block is in one place or in the other, or in both. */
static void a_damaged_block_is_never_lost_on_the_way(void **state)
{
    bool whole = false;
    for (uint64_t op = 1; !whole; op++) {
        struct world w;
        fakeio f;
        open_world(&w);
        put(w.blocks, "000000000000002a.blk");
        fakeio_init(&f, w.dir);
        f.crash_at = op;
        int code = mw_quarantine(&f.io, w.dir, 42, NULL);
        whole = f.ops < op;
        fakeio_lose_power(&f, NULL);
        fakeio_deinit(&f);
        bool moved = is_there(w.dir, "quarantine/000000000000002a.blk");
        assert_true(moved || is_there(w.dir, "blocks/000000000000002a.blk"));
        if (!code) assert_true(moved && whole);
        close_world(&w);
    }
}

/* -- listing and sweeping ------------------------------------------------------------------- */

static const char *const strangers[] = {
    "README",
    "notes.blk",
    ".blk",
    "1.blk",
    "00000000000000AA.blk",
    "00000000000000aa.blk.bak",
    "00000000000000aa.tmp",
    "00000000000000000aa.blk",
    "ffffffffffffffff.blk",
    "7fffffffffffffff.blk",
};
enum { STRANGERS = sizeof strangers / sizeof *strangers };

static void the_blocks_of_a_folder_are_listed_in_order(void **state)
{
    static const char *const names[] = {"0000000000000010.blk", "00000000000000ff.blk",
                                        "0000000000000009.blk", "7ffffffffffffffe.blk",
                                        "0000000000000000.blk", "000000000000000a.blk.tmp"};
    static const uint64_t ids[] = {0, 9, 16, 255, INT64_MAX - 1};
    struct world w;
    size_t n;
    open_world(&w);
    uint64_t *found = mw_manifest_list(w.dir, &n);
    assert_int_equal(n, 0);
    mw_free(found);
    for (size_t i = 0; i < STRANGERS; i++) put(w.blocks, strangers[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) put(w.blocks, names[i]);
    found = mw_manifest_list(w.dir, &n);
    assert_int_equal(n, 5);
    assert_memory_equal(found, ids, sizeof ids);
    mw_free(found);
    found = mw_manifest_list("/proc/nowhere", &n);
    assert_int_equal(n, 0);
    mw_free(found);
    close_world(&w);
}

static void only_blocks_that_no_list_names_are_swept_away(void **state)
{
    mw_manifest_block kept[] = {{.id = 16}, {.id = 9}};
    const mw_manifest m = {.next_id = 17, .block = kept, .n = 2};
    struct world w;
    open_world(&w);
    for (size_t i = 0; i < STRANGERS; i++) put(w.blocks, strangers[i]);
    put(w.blocks, "0000000000000009.blk");
    put(w.blocks, "0000000000000010.blk");
    put(w.blocks, "0000000000000010.blk.tmp");
    put(w.blocks, "0000000000000008.blk");
    put(w.blocks, "00000000000000aa.blk");
    put(w.blocks, "00000000000000aa.blk.tmp");
    mw_manifest_sweep(&m, &w.io, w.dir);
    for (size_t i = 0; i < STRANGERS; i++) assert_true(is_there(w.blocks, strangers[i]));
    assert_true(is_there(w.blocks, "0000000000000009.blk"));
    assert_true(is_there(w.blocks, "0000000000000010.blk"));
    assert_int_equal(folder_count(w.blocks), STRANGERS + 2);
    mw_manifest_sweep(&m, &w.io, "/proc/nowhere");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_before_the_floor_leave),
        cmocka_unit_test(the_oldest_leave_until_the_rest_is_within_the_budget),
        cmocka_unit_test(sizes_that_do_not_fit_a_sum_are_beyond_any_budget),
        cmocka_unit_test(a_damaged_block_is_moved_and_not_copied),
        cmocka_unit_test(a_damaged_block_is_never_lost_on_the_way),
        cmocka_unit_test(the_blocks_of_a_folder_are_listed_in_order),
        cmocka_unit_test(only_blocks_that_no_list_names_are_swept_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

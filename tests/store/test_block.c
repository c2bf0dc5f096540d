/* test_block.c - promises of blocks.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mutate.h"
#include "store/block.h"
#include "store/folder.h"

enum { KIND = 0x4b494e44, PAGE = 64 << 10 };

struct world {
    char *dir, *path;
};

static void open_world(struct world *w)
{
    w->dir = folder_new();
    w->path = folder_path(w->dir, "a.blk");
}

static void close_world(struct world *w)
{
    folder_free(w->dir);
    free(w->path);
}

static uint8_t byte_at(uint32_t type, uint64_t i)
{
    return (uint8_t)((i * 2654435761u + type * 40503u) >> 13);
}

static void put_section(mw_block_writer *w, uint32_t type, size_t n, size_t step)
{
    uint8_t *bytes = malloc(n ? n : 1);
    for (size_t i = 0; i < n; i++) bytes[i] = byte_at(type, i);
    mw_block_begin(w, type);
    for (size_t at = 0; at < n; at += step) {
        assert_int_equal(mw_block_offset(w), at);
        mw_block_write(w, bytes + at, step < n - at ? step : n - at);
    }
    assert_int_equal(mw_block_offset(w), n);
    free(bytes);
}

static uint64_t put_block(const char *path, const size_t *length, size_t n, size_t step)
{
    mw_err err = {0};
    uint64_t bytes;
    mw_block_writer *w = mw_block_create(NULL, path, KIND, &err);
    assert_non_null(w);
    for (size_t i = 0; i < n; i++) put_section(w, (uint32_t)i + 1, length[i], step);
    assert_int_equal(mw_block_finish(w, &bytes, &err), MW_OK);
    return bytes;
}

/* The number of sections that are there, agree with their checksums and hold what was written; all
 * bytes that agree must be what was written. */
static size_t sections_that_hold(const char *path, const size_t *length, size_t n)
{
    size_t hold = 0;
    mw_block *b = mw_block_open(path, KIND, NULL);
    for (size_t i = 0; b && i < n; i++) {
        mw_str s = mw_block_section(b, (uint32_t)i + 1);
        if (mw_block_check(b, s.p, s.n, NULL)) continue;
        assert_non_null(s.p);
        assert_int_equal(s.n, length[i]);
        for (size_t at = 0; at < s.n; at++)
            assert_int_equal((uint8_t)s.p[at], byte_at((uint32_t)i + 1, at));
        hold++;
    }
    mw_block_release(b);
    return hold;
}

/* -- whole blocks --------------------------------------------------------------------------- */

static void sections_of_every_size_come_back(void **state)
{
    static const size_t sizes[][4] = {
        {0, 0, 0, 0},
        {1, 7, 8, 9},
        {PAGE - 16, 3, PAGE, 1},
        {4 * PAGE - 16, 5, 0, 2},
        {PAGE * 9 + 1, 100, PAGE - 1, PAGE + 1},
    };
    struct world w;
    open_world(&w);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t step = 1; step < 1 << 20; step = step * 37 + 1) {
            uint64_t bytes = put_block(w.path, sizes[i], 4, step);
            struct stat st;
            assert_int_equal(stat(w.path, &st), 0);
            assert_int_equal(st.st_size, bytes);
            assert_int_equal(sections_that_hold(w.path, sizes[i], 4), 4);
        }
    close_world(&w);
}

static void a_section_that_is_not_there_is_null_and_an_empty_one_is_not(void **state)
{
    struct world w;
    size_t length[] = {0};
    open_world(&w);
    put_block(w.path, length, 1, 1);
    mw_block *b = mw_block_open(w.path, KIND, NULL);
    assert_non_null(mw_block_section(b, 1).p);
    assert_int_equal(mw_block_section(b, 1).n, 0);
    assert_null(mw_block_section(b, 2).p);
    assert_string_equal(mw_block_path(b), w.path);
    mw_block_release(b);
    close_world(&w);
}

static void a_block_lives_until_its_last_user_lets_go(void **state)
{
    struct world w;
    size_t length[] = {1000};
    open_world(&w);
    put_block(w.path, length, 1, 1000);
    mw_block *b = mw_block_open(w.path, KIND, NULL);
    mw_block_retain(b);
    mw_block_release(b);
    assert_int_equal(unlink(w.path), 0);
    mw_str s = mw_block_section(b, 1);
    assert_int_equal(mw_block_check(b, s.p, s.n, NULL), MW_OK);
    assert_int_equal((uint8_t)s.p[999], byte_at(1, 999));
    mw_block_release(b);
    mw_block_release(NULL);
    close_world(&w);
}

/* -- refusals ------------------------------------------------------------------------------- */

static void what_is_no_block_is_refused_and_says_why(void **state)
{
    struct world w;
    mw_err err = {0};
    size_t length[] = {10};
    open_world(&w);
    assert_null(mw_block_open(w.path, KIND, &err));
    assert_int_equal(err.code, MW_ENOENT);
    mw_err_init(&err);
    assert_null(mw_block_open(w.dir, KIND, &err));
    assert_int_equal(err.code, MW_ECORRUPT);
    put_block(w.path, length, 1, 10);
    mw_err_init(&err);
    assert_null(mw_block_open(w.path, KIND + 1, &err));
    assert_int_equal(err.code, MW_ECORRUPT);
    assert_non_null(strstr(err.msg, "of another kind"));
    folder_write(w.path, "short", 5);
    mw_err_init(&err);
    assert_null(mw_block_open(w.path, KIND, &err));
    assert_non_null(strstr(err.msg, "a.blk is damaged: it is too short"));
    close_world(&w);
}

static void an_aborted_block_leaves_nothing(void **state)
{
    struct world w;
    open_world(&w);
    mw_block_writer *b = mw_block_create(NULL, w.path, KIND, NULL);
    put_section(b, 1, 3 << 20, 4096);
    mw_block_abort(b);
    mw_block_abort(NULL);
    assert_int_equal(folder_count(w.dir), 0);
    mw_err err = {0};
    char *nowhere = folder_path(w.dir, "nowhere/a.blk");
    assert_null(mw_block_create(NULL, nowhere, KIND, &err));
    assert_int_equal(err.code, MW_EIO);
    free(nowhere);
    close_world(&w);
}

/* -- damage --------------------------------------------------------------------------------- */

static void a_block_that_was_cut_anywhere_is_refused(void **state)
{
    struct world w;
    size_t length[] = {100, 33}, n;
    open_world(&w);
    put_block(w.path, length, 2, 100);
    char *bytes = folder_read(w.path, &n);
    for (size_t cut = 0; cut < n; cut++) {
        mw_err err = {0};
        folder_write(w.path, bytes, cut);
        assert_null(mw_block_open(w.path, KIND, &err));
        assert_int_equal(err.code, MW_ECORRUPT);
    }
    free(bytes);
    close_world(&w);
}

static void a_changed_byte_anywhere_is_noticed(void **state)
{
    struct world w;
    size_t length[] = {300, 13, 0, 5}, n;
    open_world(&w);
    put_block(w.path, length, 4, 100);
    char *bytes = folder_read(w.path, &n);
    for (size_t at = 0; at < n; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (char)(1 << bit);
            folder_write(w.path, bytes, n);
            /* One page: no section holds, whichever byte it is, but the empty one has nothing. */
            mw_block *b = mw_block_open(w.path, KIND, NULL);
            assert_int_equal(sections_that_hold(w.path, length, 4), b ? 1 : 0);
            mw_block_release(b);
            bytes[at] ^= (char)(1 << bit);
        }
    free(bytes);
    close_world(&w);
}

static void damage_spoils_its_page_and_no_other(void **state)
{
    struct world w;
    size_t length[] = {5 * PAGE}, n;
    open_world(&w);
    put_block(w.path, length, 1, 100);
    char *bytes = folder_read(w.path, &n);
    bytes[2 * PAGE + 5] ^= 1;
    folder_write(w.path, bytes, n);
    mw_block *b = mw_block_open(w.path, KIND, NULL);
    const char *file = mw_block_section(b, 1).p - 16;
    mw_err err = {0};
    assert_int_equal(mw_block_check(b, file + 16, 2 * PAGE - 16, NULL), MW_OK);
    assert_int_equal(mw_block_check(b, file + 3 * PAGE, PAGE, NULL), MW_OK);
    assert_false(mw_block_is_damaged(b));
    for (int twice = 0; twice < 2; twice++) {
        mw_err_init(&err);
        assert_int_equal(mw_block_check(b, file + 3 * PAGE - 1, 2, &err), MW_ECORRUPT);
        assert_non_null(strstr(err.msg, "a.blk is damaged: the page at 131072 does not match"));
    }
    assert_int_equal(mw_block_check(b, file + 2 * PAGE, 0, NULL), MW_OK);
    assert_true(mw_block_is_damaged(b));
    mw_block_release(b);
    free(bytes);
    close_world(&w);
}

static void hostile_files_are_survived(void **state)
{
    struct world w;
    mutator m = {99};
    size_t length[] = {300, 13, 70000, 5}, n, bad_n;
    open_world(&w);
    put_block(w.path, length, 4, 1000);
    char *bytes = folder_read(w.path, &n);
    for (int i = 0; i < 500; i++) {
        char *bad = mutate(&m, bytes, n, &bad_n);
        folder_write(w.path, bad, bad_n);
        sections_that_hold(w.path, length, 4);
        free(bad);
    }
    free(bytes);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_of_every_size_come_back),
        cmocka_unit_test(a_section_that_is_not_there_is_null_and_an_empty_one_is_not),
        cmocka_unit_test(a_block_lives_until_its_last_user_lets_go),
        cmocka_unit_test(what_is_no_block_is_refused_and_says_why),
        cmocka_unit_test(an_aborted_block_leaves_nothing),
        cmocka_unit_test(a_block_that_was_cut_anywhere_is_refused),
        cmocka_unit_test(a_changed_byte_anywhere_is_noticed),
        cmocka_unit_test(damage_spoils_its_page_and_no_other),
        cmocka_unit_test(hostile_files_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

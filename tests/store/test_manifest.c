/* test_manifest.c - the list of blocks: always an old one or the new one, never a wrong one.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "mutate.h"
#include "store/fakeio.h"
#include "store/le.h"
#include "store/manifest.h"

struct world {
    char *dir, *file;
    mw_io io;
};

static void open_world(struct world *w)
{
    *w = (struct world){.dir = folder_new_quick(), .io = fakeio_quick()};
    w->file = folder_path(w->dir, "MANIFEST");
}

static void close_world(struct world *w)
{
    folder_free(w->dir);
    free(w->file);
}

/* N blocks whose figures follow from N, and lists of the same N are alike. */
static mw_manifest make_list(size_t n)
{
    mw_manifest m = {.next_id = 100 + n, .journal_from = 7 * n};
    for (size_t i = 0; i < n; i++) {
        mw_manifest_block b = {.id = 100 + i,
                               .min_t = (int64_t)i * 1000 - 5000,
                               .max_t = (int64_t)i * 1000 - 4000,
                               .bytes = (uint64_t)1 << (i % 64),
                               .level = (uint32_t)(i % 5)};
        MW_PUSH(m.block, m.n, m.cap, b);
    }
    return m;
}

static bool is_same(const mw_manifest *a, const mw_manifest *b)
{
    bool same = a->next_id == b->next_id && a->journal_from == b->journal_from && a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) {
        const mw_manifest_block *x = &a->block[i], *y = &b->block[i];
        same = x->id == y->id && x->min_t == y->min_t && x->max_t == y->max_t &&
               x->bytes == y->bytes && x->level == y->level;
    }
    return same;
}

static void save(const struct world *w, size_t n)
{
    mw_manifest m = make_list(n);
    assert_int_equal(mw_manifest_save(&m, &w->io, w->dir, NULL), MW_OK);
    mw_manifest_deinit(&m);
}

/* How many blocks the list has, which must be one that make_list makes. */
static size_t load(const char *dir)
{
    mw_manifest m;
    assert_int_equal(mw_manifest_load(&m, dir, NULL), MW_OK);
    mw_manifest want = make_list(m.n);
    assert_true(is_same(&m, &want));
    size_t n = m.n;
    mw_manifest_deinit(&want);
    mw_manifest_deinit(&m);
    return n;
}

static void expect_refused(const char *dir, int code, const char *why)
{
    mw_manifest m;
    mw_err err = {0};
    assert_int_equal(mw_manifest_load(&m, dir, &err), code);
    if (!strstr(err.msg, why)) fail_msg("\"%s\" does not say: %s", err.msg, why);
    assert_null(m.block);
    assert_int_equal(m.n, 0);
}

/* -- round trip and damage ------------------------------------------------------------------ */

static void a_list_comes_back_as_it_was_saved(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 100, 3000, 5};
    struct world w;
    open_world(&w);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        save(&w, sizes[i]);
        assert_int_equal(load(w.dir), sizes[i]);
        assert_int_equal(folder_count(w.dir), 1);
    }
    close_world(&w);
}

static void a_folder_without_a_list_says_so(void **state)
{
    struct world w;
    open_world(&w);
    expect_refused(w.dir, MW_ENOENT, "there is no");
    mkdir(w.file, 0755);
    expect_refused(w.dir, MW_ECORRUPT, "it is not a file");
    close_world(&w);
}

static void a_changed_byte_anywhere_is_noticed(void **state)
{
    struct world w;
    size_t n;
    open_world(&w);
    save(&w, 4);
    char *bytes = folder_read(w.file, &n);
    for (size_t i = 0; i < n; i++)
        for (unsigned change = 1; change < 256; change = change * 2 + 1) {
            bytes[i] ^= (char)change;
            folder_write(w.file, bytes, n);
            expect_refused(w.dir, MW_ECORRUPT, "MANIFEST is damaged");
            bytes[i] ^= (char)change;
        }
    free(bytes);
    close_world(&w);
}

static void a_list_that_was_cut_or_grew_is_refused(void **state)
{
    struct world w;
    size_t n;
    open_world(&w);
    save(&w, 4);
    char *bytes = folder_read(w.file, &n);
    for (size_t i = 0; i < n; i++) {
        folder_write(w.file, bytes, i);
        expect_refused(w.dir, MW_ECORRUPT, "MANIFEST is damaged");
    }
    bytes = realloc(bytes, n + 9);
    for (size_t more = 1; more < 9; more++) {
        bytes[n + more - 1] = 0;
        folder_write(w.file, bytes, n + more);
        expect_refused(w.dir, MW_ECORRUPT, "MANIFEST is damaged");
    }
    free(bytes);
    close_world(&w);
}

/* The checksum holds, so only what the rows say can be refused. */
static void a_list_that_cannot_be_is_refused_though_its_checksum_holds(void **state)
{
    enum { HEAD = 24, ROW = 40 };
    static const struct {
        size_t at;
        uint64_t value;
        size_t size;
        const char *why;
    } changes[] = {
        {0, 2, 4, "its version is not known"},
        {4, 3, 4, "it has not as many blocks as it says"},
        {4, UINT32_MAX, 4, "it has not as many blocks as it says"},
        {4, 1, 4, "it has not as many blocks as it says"},
        {8, 101, 8, "a block in it cannot be"},            /* next_id is that of a block */
        {HEAD + 8, 1000000, 8, "a block in it cannot be"}, /* min_t is after max_t */
        {HEAD + ROW, 102, 8, "a block in it cannot be"},
        {HEAD + ROW, 100, 8, "it has a block twice"},
        {HEAD + 36, 1, 4, "a block in it cannot be"},
    };
    struct world w;
    open_world(&w);
    save(&w, 2);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        mw_buf b;
        mw_buf_init(&b);
        assert_int_equal(mw_statefile_load(w.dir, "MANIFEST", 1000, &b, NULL), MW_OK);
        assert_int_equal(b.n, HEAD + 2 * ROW);
        if (changes[i].size == 4)
            mw_le32_put(b.p + changes[i].at, (uint32_t)changes[i].value);
        else
            mw_le64_put(b.p + changes[i].at, changes[i].value);
        char *copy = folder_path(w.dir, "changed");
        mkdir(copy, 0755);
        mw_str bytes = {b.p, b.n};
        assert_int_equal(mw_statefile_save(&w.io, copy, "MANIFEST", bytes, NULL), MW_OK);
        expect_refused(copy, MW_ECORRUPT, changes[i].why);
        bytes.n = HEAD - 1;
        assert_int_equal(mw_statefile_save(&w.io, copy, "MANIFEST", bytes, NULL), MW_OK);
        expect_refused(copy, MW_ECORRUPT, "it is too short");
        free(copy);
        mw_buf_deinit(&b);
    }
    close_world(&w);
}

static void hostile_files_are_survived(void **state)
{
    struct world w;
    mutator mu = {77};
    size_t n, m_n;
    open_world(&w);
    save(&w, 6);
    char *bytes = folder_read(w.file, &n);
    for (int i = 0; i < 2000; i++) {
        mw_manifest m;
        char *bad = mutate(&mu, bytes, n, &m_n);
        bool same = m_n == n && !memcmp(bad, bytes, n);
        folder_write(w.file, bad, m_n);
        assert_int_equal(mw_manifest_load(&m, w.dir, NULL), same ? MW_OK : MW_ECORRUPT);
        mw_manifest_deinit(&m);
        free(bad);
    }
    free(bytes);
    close_world(&w);
}

/* -- state files ---------------------------------------------------------------------------- */

static void a_state_file_of_another_name_or_beyond_the_limit_is_refused(void **state)
{
    struct world w;
    mw_buf b;
    mw_err err = {0};
    open_world(&w);
    mw_buf_init(&b);
    assert_int_equal(mw_statefile_save(&w.io, w.dir, "one", MW_STR("some bytes"), NULL), MW_OK);
    assert_int_equal(mw_statefile_load(w.dir, "one", 10, &b, NULL), MW_OK);
    assert_true(mw_str_eq((mw_str){b.p, b.n}, MW_STR("some bytes")));
    assert_int_equal(mw_statefile_load(w.dir, "one", 9, &b, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.msg, "it is too long"));
    char *one = folder_path(w.dir, "one"), *two = folder_path(w.dir, "two");
    assert_int_equal(rename(one, two), 0);
    mw_err_init(&err);
    assert_int_equal(mw_statefile_load(w.dir, "two", 10, &b, &err), MW_ECORRUPT);
    assert_non_null(strstr(err.msg, "it does not match its checksum"));
    assert_int_equal(mw_statefile_load(w.dir, "one", 10, &b, NULL), MW_ENOENT);
    assert_int_equal(b.n, 10);
    free(one);
    free(two);
    mw_buf_deinit(&b);
    close_world(&w);
}

static void an_empty_state_file_is_one(void **state)
{
    struct world w;
    mw_buf b;
    open_world(&w);
    mw_buf_init(&b);
    assert_int_equal(mw_statefile_save(&w.io, w.dir, "none", (mw_str){NULL, 0}, NULL), MW_OK);
    assert_int_equal(mw_statefile_load(w.dir, "none", 0, &b, NULL), MW_OK);
    assert_int_equal(b.n, 0);
    mw_buf_deinit(&b);
    close_world(&w);
}

/* -- deaths --------------------------------------------------------------------------------- */

enum ending { CRASH, POWER, POWER_MIXED, FULL, ENDINGS };

static void end_as(fakeio *f, enum ending how, uint64_t op)
{
    mutator m = {op * 2654435761u + 1};
    if (how == CRASH || how == FULL) return;
    fakeio_lose_power(f, how == POWER ? NULL : &m);
}

/* Lists of 3, then of 9, then of 2 blocks.  Whether all was saved before operation OP. */
static bool save_and_die(enum ending how, bool torn, uint64_t op)
{
    static const size_t sizes[] = {3, 9, 2};
    struct world w;
    fakeio f;
    size_t done = 0;
    open_world(&w);
    save(&w, 3);
    fakeio_init(&f, w.dir);
    if (how == FULL) {
        f.full_from = op;
        f.full_to = op + 3;
    } else {
        f.crash_at = op;
        f.torn = torn;
    }
    for (int code = MW_OK; !code && done < 2; done += !code) {
        mw_manifest m = make_list(sizes[done + 1]);
        code = mw_manifest_save(&m, &f.io, w.dir, NULL);
        if (code) assert_int_equal(code, how == FULL ? MW_EFULL : MW_EIO);
        mw_manifest_deinit(&m);
    }
    bool whole = f.ops < op;
    end_as(&f, how, op);
    fakeio_deinit(&f);
    size_t n = load(w.dir);
    if (n != sizes[done] && (how == FULL || done == 2 || n != sizes[done + 1]))
        fail_msg("op %d: found %zu blocks after %zu saves", (int)op, n, done);
    save(&w, 20); /* what is left lying about is in nobody's way */
    assert_int_equal(load(w.dir), 20);
    assert_int_equal(folder_count(w.dir), 1);
    close_world(&w);
    return whole;
}

static void a_death_at_any_operation_leaves_the_old_list_or_the_new_one(void **state)
{
    for (enum ending how = CRASH; how < ENDINGS; how++)
        for (int torn = 0; torn < 2; torn++) {
            uint64_t op = 1;
            while (!save_and_die(how, torn, op)) op++;
            assert_true(op > 8);
        }
}

static void a_failed_sync_is_told_and_the_old_list_stays(void **state)
{
    struct world w;
    fakeio f;
    mw_err err = {0};
    open_world(&w);
    save(&w, 3);
    fakeio_init(&f, w.dir);
    f.fail_sync = true;
    mw_manifest m = make_list(5);
    assert_int_equal(mw_manifest_save(&m, &f.io, w.dir, &err), MW_EIO);
    assert_non_null(strstr(err.msg, "cannot sync"));
    mw_manifest_deinit(&m);
    fakeio_deinit(&f);
    assert_int_equal(load(w.dir), 3);
    assert_int_equal(folder_count(w.dir), 1);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_comes_back_as_it_was_saved),
        cmocka_unit_test(a_folder_without_a_list_says_so),
        cmocka_unit_test(a_changed_byte_anywhere_is_noticed),
        cmocka_unit_test(a_list_that_was_cut_or_grew_is_refused),
        cmocka_unit_test(a_list_that_cannot_be_is_refused_though_its_checksum_holds),
        cmocka_unit_test(hostile_files_are_survived),
        cmocka_unit_test(a_state_file_of_another_name_or_beyond_the_limit_is_refused),
        cmocka_unit_test(an_empty_state_file_is_one),
        cmocka_unit_test(a_death_at_any_operation_leaves_the_old_list_or_the_new_one),
        cmocka_unit_test(a_failed_sync_is_told_and_the_old_list_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_mblock_format.c - the bytes of the example in docs/format/metrics.md.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "tsdb/mblock_inside.h"

static void add(mw_mblock_writer *w, const char *name, const char *job)
{
    mw_label pairs[] = {{MW_STR("__name__"), mw_str_of(name)}, {MW_STR("job"), mw_str_of(job)}};
    mw_labels *ls = mw_labels_new(pairs, 2, NULL);
    mw_run_ref run = {.stats = {.n = 20, .min_t = 1700000000000, .max_t = 1700000285000},
                      .bytes = MW_STR("samples")};
    mw_run_ref longer = run;
    longer.stats.n = 30;
    longer.stats.max_t++;
    bool first = !strcmp(name, "down"); /* the others vote for what is usual */
    mw_mblock_add(w, ls, (mw_key){ls->hash, 7}, first ? &run : &longer, 1);
    mw_free(ls);
}

#define BYTES(text)           \
    {                         \
        text, sizeof text - 1 \
    }

static void a_block_is_as_it_is_drawn(void **state)
{
    static const mw_str want[MW_MB_SECTIONS] = {
        [MW_MB_NAMES] = BYTES("\x02\x08__name__\x02\x03job\x03"),
        [MW_MB_VALUES] = BYTES("\x04"
                               "down\x04\0\x02up\x0d\x01\x02\x01"
                               "a\x09\0\x01\x01"
                               "b\x04"
                               "\x02\x03"
                               "bcd\x04\x03"),
        [MW_MB_VALUE_INDEX] = BYTES("\0\0\0\0\x07\0\0\0\x0d\0\0\0\x12\0\0\0\x16\0\0\0"),
        [MW_MB_SHAPES] = BYTES("\x01\x04\0\0"),
        [MW_MB_LEAD] = BYTES("\0"),
        [MW_MB_SERIES] = BYTES("\0\0\0\0\x01\0\0\x01\x01\0\x01\x02"),
        [MW_MB_SERIES_INDEX] = BYTES("\0\0\0\0"),
        [MW_MB_FIGURES] =
            BYTES("\0\x58\x07\0\x14\xc8\xb2\x11\0\x40\x07\0\0\x40\x07\0\0\x40\x07\0\0"),
        [MW_MB_FIGURE_INDEX] = BYTES("\0\0\0\0"),
    };
    char path[64];
    mw_err err = {0};
    snprintf(path, sizeof path, "/tmp/mw-mblock-format-%d.blk", (int)getpid());
    mw_mblock_writer *w = mw_mblock_create(&mw_io_system, path, &err);
    add(w, "down", "a");
    add(w, "up", "a");
    add(w, "up", "b");
    add(w, "up", "bcd");
    assert_int_equal(mw_mblock_finish(w, NULL, &err), MW_OK);
    mw_mblock *b = mw_mblock_open(path, &err);
    assert_non_null(b);
    for (int type = MW_MB_NAMES; type < MW_MB_KEYS; type++) {
        assert_int_equal(b->section[type].n, want[type].n);
        assert_memory_equal(b->section[type].p, want[type].p, want[type].n);
    }
    mw_mblock_release(b);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_block_is_as_it_is_drawn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

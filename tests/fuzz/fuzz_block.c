/* fuzz_block.c - a block of any bytes is opened; what does not begin as one is put into one.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/disk.h"
#include "store/block.h"
#include "store/block_layout.h"

enum { KIND = 7, TYPES = 16 };

/* -- any bytes as a file -------------------------------------------------------------------- */

static void check_section(mw_block *b, uint32_t type)
{
    mw_str s = mw_block_section(b, type);
    mw_err err;
    mw_err_init(&err);
    if (!s.n) return;
    volatile char touched = (char)(s.p[0] ^ s.p[s.n - 1]);
    (void)touched;
    if (mw_block_check(b, s.p + s.n / 2, s.n - s.n / 2, &err) != MW_OK)
        MW_ASSERT(err.code == MW_ECORRUPT && mw_block_is_damaged(b));
    mw_block_check(b, s.p, s.n, NULL);
    mw_block_check(b, s.p, 0, NULL);
}

static void open_bytes(const char *path, const uint8_t *data, size_t n)
{
    mw_err err;
    mw_err_init(&err);
    fuzz_put(path, data, n);
    mw_block *b = mw_block_open(path, KIND, &err);
    if (!b) {
        MW_ASSERT(err.code == MW_ECORRUPT && strstr(err.msg, path));
        return;
    }
    MW_ASSERT(mw_block_bytes(b) == n && !strcmp(mw_block_path(b), path));
    mw_block_release(mw_block_retain(b));
    for (uint32_t type = 0; type < TYPES; type++) check_section(b, type);
    mw_block_release(b);
}

/* -- any bytes as sections ------------------------------------------------------------------- */

/* Section I begins where the one before it ends and has as many bytes as its first one says. */
static mw_str section(const uint8_t *data, size_t n, size_t *at)
{
    size_t len = *at < n ? data[*at] : 0;
    if (len > n - *at) len = n - *at;
    mw_str s = {(const char *)data + *at, len};
    *at += len;
    return s;
}

static void write_and_read(const char *path, const uint8_t *data, size_t n)
{
    size_t at = 0;
    uint64_t bytes = 0;
    mw_block_writer *w = mw_block_create(&fuzz_io, path, KIND, NULL);
    for (uint32_t type = 0; type < TYPES; type++) {
        mw_str s = section(data, n, &at);
        mw_block_begin(w, type);
        mw_block_write(w, s.p, s.n);
        MW_ASSERT(mw_block_offset(w) == s.n);
    }
    MW_ASSERT(mw_block_finish(w, &bytes, NULL) == MW_OK);
    mw_block *b = mw_block_open(path, KIND, NULL);
    MW_ASSERT(b && mw_block_bytes(b) == bytes);
    at = 0;
    for (uint32_t type = 0; type < TYPES; type++) {
        mw_str want = section(data, n, &at), got = mw_block_section(b, type);
        MW_ASSERT(mw_str_eq(want, got) && mw_block_check(b, got.p, got.n, NULL) == MW_OK);
    }
    mw_block_release(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[320];
    fuzz_path(path, "b");
    if (n && data[0] == MW_BLOCK_MAGIC[0])
        open_bytes(path, data, n);
    else
        write_and_read(path, data, n);
    unlink(path);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static void write_seeds(void)
{
    char path[320], name[16];
    fuzz_path(path, "b");
    for (uint32_t sections = 0; sections < 4; sections++) {
        mw_block_writer *w = mw_block_create(&fuzz_io, path, KIND, NULL);
        for (uint32_t type = 0; type < sections; type++) {
            mw_block_begin(w, type * type);
            mw_block_write(w, "some bytes, more bytes", 3 + 7 * type);
        }
        MW_ASSERT(mw_block_finish(w, NULL, NULL) == MW_OK);
        snprintf(name, sizeof name, "sections%u", sections);
        fuzz_seed_file(name, path);
    }
    unlink(path);
}

FUZZ_INITIALIZE(fuzz_disk_start, write_seeds)

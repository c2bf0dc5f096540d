/* fuzz_journal.c - any bytes as the only segment of a journal: what is read from it once is read
 * from it for ever, and the journal can be written on.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <string.h>

#include "base/hash.h"
#include "fuzz/disk.h"
#include "store/journal.h"

enum { SEGMENT_BYTES = 4096 };

static char segment[320]; /* path of the first segment, as the journal names it */

/* -- the folder ----------------------------------------------------------------------------- */

static mw_journal *open_journal(void)
{
    mw_err err;
    mw_err_init(&err);
    mw_journal *j = mw_journal_open(
        &(mw_journal_options){.io = &fuzz_io, .dir = fuzz_dir, .segment_bytes = SEGMENT_BYTES},
        &err);
    if (!j) MW_ASSERT(err.code != MW_OK && err.msg[0]);
    return j;
}

/* Forgets every file; the name that sorts first goes to FIRST. */
static void empty_folder(char *first)
{
    DIR *d = opendir(fuzz_dir);
    for (struct dirent *e; (e = readdir(d));) {
        char path[320];
        if (e->d_name[0] == '.') continue;
        fuzz_path(path, e->d_name);
        if (first && (!*first || strcmp(path, first) < 0)) strcpy(first, path);
        unlink(path);
    }
    closedir(d);
}

static void start(void)
{
    fuzz_disk_start();
    mw_journal *j = open_journal();
    MW_ASSERT(j && mw_journal_append(j, MW_STR("first"), NULL) == MW_OK);
    mw_journal_close(j);
    empty_folder(segment);
    MW_ASSERT(*segment);
}

/* -- one segment ---------------------------------------------------------------------------- */

typedef struct told {
    uint64_t frames, hash;
    uint64_t stop_at; /* 0: never */
} told;

static int visit(void *arg, mw_str frame, double done, mw_err *err)
{
    told *t = arg;
    MW_ASSERT(done >= 0 && done <= 1 && frame.n <= MW_FRAME_MAX);
    t->hash = mw_hash_seed(frame.p, frame.n, t->hash);
    return ++t->frames == t->stop_at ? MW_ECANCEL : MW_OK;
}

static told replay(mw_journal *j, uint64_t stop_at)
{
    told t = {.stop_at = stop_at};
    int code = mw_journal_replay(j, 0, visit, &t, NULL);
    MW_ASSERT(code == (stop_at && t.frames == stop_at ? MW_ECANCEL : MW_OK));
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const mw_str more = MW_STR("one more");
    fuzz_put(segment, data, n);
    mw_journal *j = open_journal();
    if (j) {
        replay(j, 1);
        told before = replay(j, 0);
        MW_ASSERT(mw_journal_append(j, more, NULL) == MW_OK);
        mw_journal_close(j);
        MW_ASSERT((j = open_journal()));
        told after = replay(j, 0);
        MW_ASSERT(after.frames == before.frames + 1);
        MW_ASSERT(after.hash == mw_hash_seed(more.p, more.n, before.hash));
        mw_journal_close(j);
    }
    empty_folder(NULL);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static void write_seeds(void)
{
    static const char bytes[1000] = "a frame that is full of nothing";
    static const size_t frames[][3] = {{0}, {5}, {1, 0, 40}, {300, 17, 1000}};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        char name[16];
        mw_journal *j = open_journal();
        MW_ASSERT(j);
        for (int k = 0; k < 3 && (k == 0 || frames[i][k]); k++)
            MW_ASSERT(mw_journal_append(j, (mw_str){bytes, frames[i][k]}, NULL) == MW_OK);
        mw_journal_close(j);
        snprintf(name, sizeof name, "frames%zu", i);
        fuzz_seed_file(name, segment);
        empty_folder(NULL);
    }
}

FUZZ_INITIALIZE(start, write_seeds)

/* fuzz_audit.c - any bytes as the only segment of an audit chain: they are judged without harm, and
 * a chain that is opened over them can be written on, read, and judged the same by who reads its
 * folder.  SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <string.h>

#include "fuzz/disk.h"
#include "store/audit.h"

static char segment[320];

static void empty_folder(void)
{
    DIR *d = opendir(fuzz_dir);
    for (struct dirent *e; (e = readdir(d));) {
        char path[320];
        if (e->d_name[0] == '.') continue;
        fuzz_path(path, e->d_name);
        unlink(path);
    }
    closedir(d);
}

static mw_audit *open_chain(void)
{
    mw_audit *a = mw_audit_open(&(mw_audit_options){.io = &fuzz_io,
                                                    .dir = fuzz_dir,
                                                    .node = "fuzz",
                                                    .clock = &mw_clock_system,
                                                    .keep_ms = 1000,
                                                    .segment_bytes = 2000},
                                NULL);
    MW_ASSERT(a);
    return a;
}

static int visit(void *arg, const mw_audit_entry *e, mw_err *err)
{
    MW_ASSERT(e->hash.n == MW_SHA256_HEX && e->seq > 0);
    ++*(uint64_t *)arg;
    return MW_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_audit_report before, after;
    uint64_t seen = 0, tail = 0;
    mw_audit_anchor anchor = {3, MW_STR("0123456789ab")};
    mw_audit_note note = {.what = MW_STR("ack.made"), .who = MW_STR("ana")};
    fuzz_put(segment, data, n);
    MW_ASSERT(mw_audit_walk(fuzz_dir, &anchor, visit, &seen, &before, NULL) == MW_OK);
    MW_ASSERT(seen <= before.entries && seen + 1 >= before.entries);
    mw_audit *a = open_chain();
    MW_ASSERT(mw_audit_add(a, &note, NULL, NULL) == MW_OK);
    MW_ASSERT(mw_audit_tail(a, 5, visit, &tail, NULL) == MW_OK);
    mw_audit_tick(a);
    MW_ASSERT(mw_audit_read(a, NULL, NULL, NULL, &after, NULL) == MW_OK);
    mw_audit_close(a);
    MW_ASSERT(mw_audit_walk(fuzz_dir, NULL, NULL, NULL, &before, NULL) == MW_OK);
    MW_ASSERT(!strcmp(before.problem, after.problem) && before.entries == after.entries);
    empty_folder();
    return 0;
}

static void start(void)
{
    fuzz_disk_start();
    fuzz_path(segment, "00000000000000000001.log");
}

static void write_seeds(void)
{
    for (int i = 1; i < 4; i++) {
        char name[16];
        mw_audit *a = open_chain();
        mw_audit_note note = {.what = MW_STR("audit.expired"),
                              .who = MW_STR("moonwatch"),
                              .details = MW_STR("{\"through\":1,\"hash\":\"00\"}")};
        for (int k = 0; k < i; k++) mw_audit_add(a, &note, NULL, NULL);
        mw_audit_close(a);
        snprintf(name, sizeof name, "entries%d", i);
        fuzz_seed_file(name, segment);
        empty_folder();
    }
}

FUZZ_INITIALIZE(start, write_seeds)

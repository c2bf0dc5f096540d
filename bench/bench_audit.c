/* bench_audit.c - what an entry of the audit chain costs, and how fast a chain is walked.
 *
 *     bench_audit [entries] [folder]      the folder is made and removed; default below $TMPDIR
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/audit.h"

static int no_sync(const mw_io *io, int fd) { return 0; }

static double add(mw_audit *a, size_t n)
{
    mw_audit_note note = {.what = MW_STR("silence.made"),
                          .who = MW_STR("ana"),
                          .from = MW_STR("192.0.2.7"),
                          .details =
                              MW_STR("{\"matchers\":\"{alertname=\\\"Down\\\"}\",\"silence\":"
                                     "\"179d056b-3567-d3e2-b68d-c9c26afea893\"}")};
    int64_t start = mw_mono_ns();
    for (size_t i = 0; i < n; i++)
        if (mw_audit_add(a, &note, NULL, NULL)) exit(1);
    return (double)(mw_mono_ns() - start) / (double)n;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 300000;
    char dir[256];
    snprintf(dir, sizeof dir, "%s/mw-audit-XXXXXX",
             argc > 2           ? argv[2]
             : getenv("TMPDIR") ? getenv("TMPDIR")
                                : "/tmp");
    if (!mkdtemp(dir)) return 1;
    mw_io lazy = mw_io_system;
    mw_audit_options o = {.dir = dir, .node = "bench", .clock = &mw_clock_system};
    mw_audit *a = mw_audit_open(&o, NULL);
    printf("  %-34s %8.1f us\n", "an entry, synced", add(a, 500) / 1e3);
    mw_audit_close(a);
    lazy.sync = no_sync;
    o.io = &lazy;
    a = mw_audit_open(&o, NULL);
    printf("  %-34s %8.2f us\n", "an entry without the sync", add(a, n) / 1e3);
    mw_audit_close(a);
    mw_audit_report r;
    int64_t start = mw_mono_ns();
    if (mw_audit_walk(dir, NULL, NULL, NULL, &r, NULL) || r.problem[0]) return 1;
    double s = (double)(mw_mono_ns() - start) / 1e9;
    printf("  %-34s %8.2f s for %llu entries, %.0f MB/s\n", "walking the chain", s,
           (unsigned long long)r.entries, (double)r.bytes / 1e6 / s);
    char *command = mw_sprintf("rm -rf '%s'", dir);
    int rc = system(command);
    mw_free(command);
    return rc;
}

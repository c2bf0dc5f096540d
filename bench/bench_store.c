/* bench_store.c - a store with a folder at several sizes: append, seal, scan, restart.
 *
 *     bench_store [SERIES [SAMPLES]]      default: 10,000 x 600, 100,000 x 120, 1,000,000 x 10
 *
 * The fleet: pods with 100 series each, 7 to 9 labels; counters, constants, whole gauges and true
 * doubles in the shares that a scraped cluster has.  SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/tsdb.h"

enum { POD = 100, BATCH = 2000, STEP_MS = 15000 };
static const int64_t start_ms = 1760000000000;

static double seconds(int64_t since_ns) { return (double)(mw_mono_ns() - since_ns) / 1e9; }

static double cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double resident_mib(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &pages, &resident) != 2) resident = 0;
    if (f) fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* -- the fleet ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static mw_labels *labels_of(uint32_t i)
{
    char text[9][64];
    uint32_t pod = i / POD, slot = i % POD, n = 0;
    mw_label l[9];
    static const char *const names[] = {MW_METRIC_NAME, "cluster",   "code", "instance", "job",
                                        "method",       "namespace", "node", "pod"};
    snprintf(text[0], 64, "metric_number_%02u_total", slot / 5);
    snprintf(text[1], 64, "prod-eu-%u", pod % 4);
    snprintf(text[2], 64, "%u", 200 + slot % 5);
    snprintf(text[3], 64, "10.%u.%u.%u:8080", pod >> 16, pod >> 8 & 255, pod & 255);
    snprintf(text[4], 64, "shop/worker-%u", pod % 100);
    snprintf(text[5], 64, "%s", slot % 2 ? "GET" : "POST");
    snprintf(text[6], 64, "space-%u", pod % 20);
    snprintf(text[7], 64, "ip-10-0-%u-%u.compute.internal", pod / 25 >> 8, pod / 25 & 255);
    snprintf(text[8], 64, "worker-%08x-%u", (unsigned)mix(pod), pod);
    for (uint32_t k = 0; k < 9; k++)
        if (slot < 60 || (k != 2 && k != 5))
            l[n++] = (mw_label){mw_str_of(names[k]), mw_str_of(text[k])};
    return mw_labels_new(l, n, NULL);
}

static double value_of(uint32_t i, uint32_t t)
{
    uint32_t slot = i % POD;
    double u = (double)(mix((uint64_t)i << 32 | t) >> 11) * 0x1p-53, rate = 1 + mix(i) % 50;
    if (slot < 50) return floor((double)(mix(i) % 1000000) + rate * 15 * (t + .5 * u));
    if (slot < 58) return (double)(mix(i) % 10000) / 7 + rate * (t + .5 * u);
    if (slot < 70) return floor(20 + (double)(mix(i) % 200) + (u > .6 ? 10 * u : 0));
    return slot % 3 ? 0 : slot;
}

/* -- the measures --------------------------------------------------------------------------- */

typedef struct fleet {
    uint32_t series, samples;
    mw_labels **ls;
    uint64_t *ref;
} fleet;

static mw_tsdb *open_store(const char *dir, const char *what)
{
    mw_err err;
    mw_err_init(&err);
    int64_t began = mw_mono_ns();
    mw_tsdb_options o = {.dir = dir, .sync_ms = 50, .out_of_order_ms = 1800000};
    mw_tsdb *db = mw_tsdb_open(&o, &err);
    if (!db || mw_tsdb_recover(db, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    if (what) printf("  %s: %.3f s\n", what, seconds(began));
    return db;
}

static void first_samples(mw_tsdb *db, fleet *f)
{
    double cpu = cpu_seconds(), before = resident_mib();
    mw_appender *a = mw_appender_new(db);
    for (uint32_t i = 0; i < f->series; i++) {
        mw_appender_add(a, f->ls[i], &f->ref[i], start_ms, value_of(i, 0));
        if (i % BATCH == BATCH - 1) mw_appender_commit(a, NULL);
    }
    mw_appender_commit(a, NULL);
    mw_appender_free(a);
    printf("  first sample of a series: %.0f ns, %.0f bytes\n",
           (cpu_seconds() - cpu) / f->series * 1e9,
           (resident_mib() - before) * (1 << 20) / f->series);
}

static void more_samples(mw_tsdb *db, fleet *f)
{
    mw_row *rows = mw_array(BATCH, sizeof *rows);
    mw_appender *a = mw_appender_new(db);
    double cpu = 0;
    uint64_t n = 0;
    for (uint32_t t = 1; t < f->samples; t++)
        for (uint32_t i = 0; i < f->series; i += BATCH) {
            uint32_t k = 0;
            for (; k < BATCH && i + k < f->series; k++)
                rows[k] = (mw_row){.ref = f->ref[i + k],
                                   .t = start_ms + (int64_t)t * STEP_MS,
                                   .v = value_of(i + k, t)};
            double began = cpu_seconds();
            mw_appender_rows(a, rows, k);
            mw_appender_commit(a, NULL);
            cpu += cpu_seconds() - began;
            n += k;
        }
    mw_appender_free(a);
    mw_free(rows);
    printf("  append in batches of %d: %.0f ns a sample, journal included\n", BATCH,
           cpu / (double)n * 1e9);
}

static void scan(mw_tsdb *db, const char *what)
{
    mw_series_set *set;
    mw_series_view view;
    mw_select sel = {.min_t = INT64_MIN, .max_t = INT64_MAX};
    mw_source *source = mw_tsdb_source(db);
    uint64_t n = 0, series = 0;
    int64_t began = mw_mono_ns();
    if (source->select(source, &sel, &set, NULL) != MW_OK) return;
    while (set->next(set, &view, NULL) == 1) n += view.n, series++;
    set->close(set);
    double took = seconds(began);
    printf("  %s: %.1f M samples/s, %.0f ns a series\n", what, (double)n / took / 1e6,
           took / (double)series * 1e9);
}

static void measure(uint32_t series, uint32_t samples)
{
    char dir[] = "/tmp/mw-bench-store-XXXXXX", command[64];
    fleet f = {series, samples, mw_array(series, sizeof *f.ls), mw_array(series, sizeof *f.ref)};
    mw_tsdb_stats st;
    if (!mkdtemp(dir)) exit(1);
    for (uint32_t i = 0; i < series; i++) f.ls[i] = labels_of(i);
    printf("%u series, %u samples each\n", series, samples);
    mw_tsdb *db = open_store(dir, NULL);
    first_samples(db, &f);
    more_samples(db, &f);
    scan(db, "scan in memory");
    mw_tsdb_stats_read(db, &st);
    printf("  in memory: %.0f bytes a series; journal %.1f bytes a sample\n",
           (double)st.bytes / series, (double)st.journal_bytes / ((double)series * samples));
    double cpu = cpu_seconds();
    mw_tsdb_seal(db, NULL);
    mw_tsdb_stats_read(db, &st);
    printf("  seal: %.2f s of CPU, %.2f us a series\n", cpu_seconds() - cpu,
           (cpu_seconds() - cpu) / series * 1e6);
    printf("  block: %.2f bytes a sample, %.1f a series\n",
           (double)st.block_bytes / (double)st.block_samples, (double)st.block_bytes / series);
    scan(db, "scan of the block");
    mw_tsdb_close(db);
    mw_tsdb_close(open_store(dir, "restart after an orderly end"));
    for (uint32_t i = 0; i < series; i++) mw_free(f.ls[i]);
    mw_free(f.ls);
    mw_free(f.ref);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command)) exit(1);
}

int main(int argc, char **argv)
{
    mw_log_setup(MW_ERROR, false);
    if (argc > 1) {
        measure((uint32_t)atoi(argv[1]), argc > 2 ? (uint32_t)atoi(argv[2]) : 120);
        return 0;
    }
    measure(10000, 600);
    measure(100000, 120);
    measure(1000000, 10);
    return 0;
}

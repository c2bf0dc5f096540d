/* bench_mblock.c - what a block of metrics weighs on disk, and what writing, opening, selecting and
 * reading one costs.
 *
 * The fleet: 100 series for each pod, of 20 metrics, with 7 to 11 labels; one run of 120 samples
 * each, about 120 bytes.  The number of series is the first argument.  SPDX-License-Identifier: MIT
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tsdb/mblock_inside.h"

enum { A_POD = 100, METRICS = 20, RUN_BYTES = 118 };

/* Of this process: what others do at the same time does not count. */
static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A line of /proc/self/status in bytes: VmRSS, VmHWM. */
static double memory(const char *what)
{
    char line[128];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, what, strlen(what))) kb = atof(line + strlen(what) + 1);
    if (f) fclose(f);
    return kb * 1024;
}

/* The peak counts from now on, and what was freed before is not there to be used again. */
static double forget_peak(void)
{
    malloc_trim(0);
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) fprintf(f, "5");
    if (f) fclose(f);
    return memory("VmRSS");
}

/* -- the fleet ------------------------------------------------------------------------------ */

/* The labels that a metric has besides those of its pod, and how many values each takes. */
static const struct {
    const char *name[4];
    unsigned values[4];
} metrics[] = {
    {{"handler", "method", "status"}, {5, 1, 1}},
    {{"handler", "le"}, {1, 5}},
    {{NULL}, {0}},
    {{"container"}, {5}},
    {{"interface"}, {5}},
    {{"method", "status"}, {1, 5}},
    {{"container", "interface", "method", "status"}, {1, 1, 1, 5}},
    {{"container"}, {5}},
};

static mw_labels *labels(unsigned pod, unsigned k)
{
    static const char *const paths[] = {"/", "/api/v1/orders", "/api/v1/users", "/healthz",
                                        "/login"};
    unsigned metric = k % METRICS, turn = k / METRICS;
    char t[12][48];
    mw_label l[16];
    size_t n = 0;
    snprintf(t[0], 48, "service_requests_%u_total", metric);
    snprintf(t[1], 48, "eu-west-%u", pod % 4);
    snprintf(t[2], 48, "10.%u.%u.%u:8080", pod / 60000, pod / 250 % 240, pod % 250);
    snprintf(t[3], 48, "job-%u", pod % 100);
    snprintf(t[4], 48, "namespace-%u", pod % 20);
    snprintf(t[5], 48, "node-%u.internal", pod / 25);
    snprintf(t[6], 48, "service-%u-%08x", pod % 100, pod * 2654435761u);
    static const char *const names[] = {MW_METRIC_NAME, "cluster", "instance", "job",
                                        "namespace",    "node",    "pod"};
    for (; n < 7; n++) l[n] = (mw_label){mw_str_of(names[n]), mw_str_of(t[n])};
    unsigned row = metric % 8;
    for (unsigned i = 0; i < 4 && metrics[row].name[i]; i++) {
        unsigned v = metrics[row].values[i] > 1 ? turn : metric % 5;
        if (!strcmp(metrics[row].name[i], "handler"))
            snprintf(t[7 + i], 48, "%s", paths[v]);
        else
            snprintf(t[7 + i], 48, "%.3s-%u", metrics[row].name[i], v);
        l[n++] = (mw_label){mw_str_of(metrics[row].name[i]), mw_str_of(t[7 + i])};
    }
    if (!metrics[row].name[0]) {
        snprintf(t[7], 48, "%u", turn);
        l[n++] = (mw_label){MW_STR("handler"), mw_str_of(t[7])};
    }
    return mw_labels_new(l, n, NULL);
}

static int by_labels(const void *a, const void *b)
{
    return mw_labels_cmp(*(mw_labels *const *)a, *(mw_labels *const *)b);
}

static mw_labels **fleet(unsigned n)
{
    mw_labels **ls = mw_array(n, sizeof *ls);
    for (unsigned i = 0; i < n; i++) ls[i] = labels(i / A_POD, i % A_POD);
    qsort(ls, n, sizeof *ls, by_labels);
    /* Side by side in memory: it is the writer that is measured, not a scattered heap. */
    mw_labels **tidy = mw_array(n, sizeof *tidy);
    for (unsigned i = 0; i < n; i++) tidy[i] = mw_labels_copy(ls[i]);
    for (unsigned i = 0; i < n; i++) mw_free(ls[i]);
    mw_free(ls);
    return tidy;
}

static unsigned next(unsigned *state) { return *state = *state * 1664525u + 1013904223u; }

/* Six in ten count up, two stand still, one goes up and down in hundredths, one is any double. */
static void figures(unsigned *r, mw_run_stats *s)
{
    double a = next(r) % 1000000, b = a + next(r) % 20000;
    *s = (mw_run_stats){.n = 120, .min_t = 1700000000000 + next(r) % 15000};
    s->max_t = s->min_t + 119 * 15000;
    switch (next(r) >> 8 & 15) {
    default: *s = (mw_run_stats){120, 0, s->min_t, s->max_t, a, b, a, b}; break;
    case 10:
    case 11:
    case 12: *s = (mw_run_stats){120, 0, s->min_t, s->max_t, a, a, a, a}; break;
    case 13:
    case 14:
        *s = (mw_run_stats){120,     40,      s->min_t,      s->max_t,
                            a / 100, b / 100, (a + 1) / 100, (b - 1) / 100};
        break;
    case 15:
        *s = (mw_run_stats){120, 60, s->min_t, s->max_t, a / 3, b / 3, a / 2.9, b / 3.1};
        break;
    }
}

/* -- writing -------------------------------------------------------------------------------- */

static void write_block(const char *path, mw_labels *const *ls, unsigned n)
{
    char bytes[RUN_BYTES + 16];
    unsigned r = 1;
    memset(bytes, 7, sizeof bytes);
    double before = forget_peak();
    int64_t start = cpu_ns();
    mw_mblock_meta meta;
    mw_mblock_writer *w = mw_mblock_create(&mw_io_system, path, NULL);
    for (unsigned i = 0; i < n; i++) {
        mw_run_ref run = {.kind = MW_RUN_FLOATS};
        figures(&r, &run.stats);
        run.bytes = (mw_str){bytes, RUN_BYTES - 8 + next(&r) % 16};
        mw_mblock_add(w, ls[i], (mw_key){(uint64_t)i * 0x9e3779b97f4a7c15u, i}, &run, 1);
    }
    int64_t added = cpu_ns();
    if (mw_mblock_finish(w, &meta, NULL)) abort();
    printf("write: %.0f ns of CPU a series (add %.0f, finish %.0f); memory grew by %.0f bytes a "
           "series\n",
           (double)(cpu_ns() - start) / n, (double)(added - start) / n,
           (double)(cpu_ns() - added) / n, (memory("VmHWM") - before) / n);
    printf("disk: %.2f bytes a sample\n", (double)meta.bytes / (double)meta.samples);
}

static void weigh(const mw_mblock *b, unsigned n)
{
    static const char *const names[] = {[MW_MB_SAMPLES] = "samples",
                                        [MW_MB_META] = "meta",
                                        [MW_MB_NAMES] = "names",
                                        [MW_MB_VALUES] = "values and lists",
                                        [MW_MB_VALUE_INDEX] = "value index",
                                        [MW_MB_SHAPES] = "shapes",
                                        [MW_MB_LEAD] = "leader rows",
                                        [MW_MB_SERIES] = "series",
                                        [MW_MB_SERIES_INDEX] = "series index",
                                        [MW_MB_FIGURES] = "figures",
                                        [MW_MB_FIGURE_INDEX] = "figure index",
                                        [MW_MB_KEYS] = "keys"};
    for (unsigned i = MW_MB_SAMPLES; i < MW_MB_SECTIONS; i++)
        printf("  %-16s %7.2f bytes a series\n", names[i], (double)b->section[i].n / n);
    printf("  all but samples  %7.2f bytes a series\n",
           (double)(b->meta.bytes - b->section[MW_MB_SAMPLES].n) / n);
}

/* -- reading -------------------------------------------------------------------------------- */

static void select_by(mw_mblock *b, const char *what, size_t n, const char *const (*m)[3])
{
    mw_matcher matchers[4];
    mw_ids ids = {0};
    for (size_t i = 0; i < n; i++) {
        static const char *const ops[] = {"=", "!=", "=~", "!~"};
        mw_match_op op = MW_MATCH_EQ;
        while (strcmp(ops[op], m[i][1])) op++;
        mw_matcher_init(&matchers[i], op, mw_str_of(m[i][0]), mw_str_of(m[i][2]), NULL);
    }
    mw_select sel = {.matchers = matchers, .n = n};
    int64_t best = INT64_MAX;
    for (int i = 0; i < 9; i++) {
        int64_t start = cpu_ns();
        mw_mblock_select(b, &sel, &ids, NULL);
        int64_t took = cpu_ns() - start;
        if (took < best) best = took;
    }
    printf("select %s: %zu series in %.0f us\n", what, ids.n, (double)best / 1e3);
    for (size_t i = 0; i < n; i++) mw_matcher_deinit(&matchers[i]);
    mw_ids_deinit(&ids);
}

static void select_all(mw_mblock *b)
{
    static const char *const name[][3] = {{"__name__", "=", "service_requests_3_total"}};
    static const char *const three[][3] = {{"__name__", "=", "service_requests_3_total"},
                                           {"namespace", "=", "namespace-7"},
                                           {"container", "!=", "con-1"}};
    static const char *const two[][3] = {{"__name__", "=", "service_requests_0_total"},
                                         {"job", "=", "job-7"}};
    static const char *const job[][3] = {{"job", "=", "job-7"}};
    static const char *const pod[][3] = {{"instance", "=", "10.0.2.7:8080"}};
    static const char *const one[][3] = {{"__name__", "=", "service_requests_3_total"},
                                         {"instance", "=", "10.0.2.7:8080"},
                                         {"container", "=~", "con-[12]"}};
    static const char *const regex[][3] = {{"pod", "=~", "service-1[0-9]-.*"}};
    static const char *const none[][3] = {{"status", "=", ""}};
    select_by(b, "by name", 1, name);
    select_by(b, "by name, namespace and != container", 3, three);
    select_by(b, "by name and job", 2, two);
    select_by(b, "by job", 1, job);
    select_by(b, "by instance", 1, pod);
    select_by(b, "by name, instance and container pattern", 3, one);
    select_by(b, "by a pattern of pods", 1, regex);
    select_by(b, "without a status", 1, none);
    select_by(b, "all", 0, NULL);
}

static int count(void *arg, mw_str name)
{
    ++*(size_t *)arg;
    return 0;
}

static void read_series(mw_mblock *b, unsigned n)
{
    enum { TURNS = 1000000 };
    unsigned r = 1;
    mw_arena *arena = mw_arena_new(0);
    for (int in_order = 0; in_order < 2; in_order++) {
        const char *how = in_order ? "in order" : "at random";
        int64_t start = cpu_ns();
        for (unsigned i = 0; i < TURNS; i++) {
            if (i % 1000 == 0) mw_arena_reset(arena);
            if (!mw_mblock_labels(b, in_order ? i % n : next(&r) % n, arena)) abort();
        }
        printf("labels of a series, %s: %.0f ns\n", how, (double)(cpu_ns() - start) / TURNS);
        mw_run_ref *runs = NULL;
        size_t cap = 0;
        start = cpu_ns();
        for (unsigned i = 0; i < TURNS; i++) {
            size_t k = 0;
            unsigned s = in_order ? i % n : next(&r) % n;
            if (mw_mblock_runs(b, s, INT64_MIN, INT64_MAX, &runs, &k, &cap, NULL)) abort();
        }
        printf("runs of a series, %s: %.0f ns\n", how, (double)(cpu_ns() - start) / TURNS);
        mw_free(runs);
    }
    mw_arena_free(arena);
    int64_t start = cpu_ns();
    mw_mblock_find(b, (mw_key){1, 1});
    printf("first find: %.1f ms\n", (double)(cpu_ns() - start) / 1e6);
    start = cpu_ns();
    for (unsigned i = 0; i < TURNS; i++) {
        unsigned s = next(&r) % n;
        mw_key key = {(uint64_t)s * 0x9e3779b97f4a7c15u, s};
        if (mw_mblock_find(b, key) != s) abort();
    }
    printf("find by key: %.0f ns\n", (double)(cpu_ns() - start) / TURNS);
    size_t values = 0;
    mw_ids ids = {0};
    for (unsigned i = 0; i < n; i += 20) mw_ids_append(&ids, &i, 1);
    start = cpu_ns();
    mw_mblock_values(b, MW_STR("pod"), &ids, count, &values);
    printf("%zu values of a label among %zu series: %.1f ms\n", values, ids.n,
           (double)(cpu_ns() - start) / 1e6);
    mw_ids_deinit(&ids);
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    char path[64];
    snprintf(path, sizeof path, "/tmp/mw-bench-mblock-%d.blk", (int)getpid());
    mw_labels **ls = fleet(n);
    printf("%u series\n", n);
    write_block(path, ls, n);
    for (unsigned i = 0; i < n; i++) mw_free(ls[i]);
    mw_free(ls);
    mw_mblock *b = NULL;
    int64_t best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        mw_mblock_release(b);
        int64_t start = cpu_ns();
        b = mw_mblock_open(path, NULL);
        if (!b) abort();
        if (cpu_ns() - start < best) best = cpu_ns() - start;
    }
    printf("open: %.2f ms\n", (double)best / 1e6);
    weigh(b, n);
    select_all(b);
    read_series(b, n);
    mw_mblock_release(b);
    unlink(path);
    return 0;
}

/* bench_backtest.c - a month of 100 rules at 15 s: a data folder, a file of rules, and the command
 * over both.
 *
 *     bench_backtest DIR [SERIES [DAYS [KIND]]]      default: 500 series, 30 days, plain
 *
 * It runs ./moonwatch, or what $MOONWATCH names.  KIND: "plain", 100 alerts that read what is
 * stored; "mix", 100 rules as a user has them; or one kind of the mix, to see what it costs.
 * Of five metrics each has a fifth of the series: a counter of requests, one of errors, two gauges
 * and up.  Some rules fire a few times a day, most say nothing.  An existing DIR is used as it is.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/tsdb.h"

enum { STEP_MS = 15000, DAY_MS = 86400000, METRICS = 5, RULES = 100 };
static const int64_t start_ms = 1760000000000;
static const char *const metrics[METRICS] = {"requests_total", "errors_total", "queue_length",
                                             "temperature_celsius", "up"};

static double seconds(int64_t since_ns) { return (double)(mw_mono_ns() - since_ns) / 1e9; }

static double chance(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

/* -- data ------------------------------------------------------------------------------------- */

struct one {
    mw_labels *labels;
    uint64_t ref;
    unsigned metric, instance;
    double total;
};

static void make_one(struct one *s, unsigned i)
{
    char instance[32];
    s->metric = i % METRICS;
    s->instance = i / METRICS;
    snprintf(instance, sizeof instance, "10.0.%u.%u:9100", s->instance / 250, s->instance % 250);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), mw_str_of(metrics[s->metric])},
                    {MW_STR("instance"), mw_str_of(instance)},
                    {MW_STR("job"), MW_STR("node")}};
    s->labels = mw_labels_new(l, 3, NULL);
}

/* Every instance has a bad quarter of an hour now and then. */
static double value(struct one *s, int64_t step)
{
    bool bad = chance((uint64_t)s->instance << 32 | (uint64_t)(step / 60)) < 0.0001;
    double u = chance((uint64_t)s->instance << 40 | (uint64_t)step << 3 | s->metric);
    switch (s->metric) {
    case 0: return s->total += floor(100 + 50 * u);
    case 1: return s->total += bad ? floor(30 * u) : u > .95;
    case 2: return floor(20 * u) + (bad ? 100 : 0);
    case 3: return 40 + 10 * sin((double)step / 5760 * 6.283) + u;
    default: return bad && u > .2 ? 0 : 1;
    }
}

static void fill(const char *dir, unsigned n, int64_t days)
{
    mw_err err;
    mw_err_init(&err);
    mw_tsdb *db = mw_tsdb_open(&(mw_tsdb_options){.dir = dir, .sync_ms = 1000}, &err);
    if (!db || mw_tsdb_recover(db, &err)) fprintf(stderr, "%s\n", err.msg), exit(1);
    struct one *all = mw_array(n, sizeof *all);
    for (unsigned i = 0; i < n; i++) make_one(&all[i], i);
    mw_appender *a = mw_appender_new(db);
    int64_t began = mw_mono_ns();
    for (int64_t step = 0, last = days * (DAY_MS / STEP_MS); step <= last; step++) {
        for (unsigned i = 0; i < n; i++)
            mw_appender_add(a, all[i].labels, &all[i].ref, start_ms + step * STEP_MS,
                            value(&all[i], step));
        if (step % 20 == 0) mw_appender_commit(a, &err);
        if (step % 5760 == 0) mw_tsdb_seal(db, &err);
    }
    mw_appender_commit(a, &err);
    mw_appender_free(a);
    mw_tsdb_close(db);
    for (unsigned i = 0; i < n; i++) mw_free(all[i].labels);
    mw_free(all);
    printf("data: %u series, %lld days written in %.1f s\n", n, (long long)days, seconds(began));
}

/* -- rules ------------------------------------------------------------------------------------ */

static const char *const plain[] = {
    "rate(errors_total[5m]) / rate(requests_total[5m]) > 0.%d",
    "queue_length > 1%02d",
    "avg_over_time(temperature_celsius[10m]) > 5%d",
    "up == 0 and on (instance) queue_length > %d",
    "sum by (job) (rate(requests_total[5m])) < %d",
};

/* How many of the mix are of each kind, in the order of the file.  Every %d is the rule's number.
 */
static const struct kind {
    const char *name;
    int rules;
    const char *text;
} mix[] = {
    {"record", 20, "record \"instance:errors:rate5m_%d\" { expr = \"rate(errors_total[5m])\" }\n"},
    {"reader", 15,
     "alert \"Reader%d\" { hold = \"1m\", expr = \"instance:errors:rate5m_%d > 0.5\" }\n"},
    {"alert", 40,
     "alert \"Plain%d\" { hold = \"1m\", expr = \"rate(requests_total[5m]) > 1%d\" }\n"},
    {"sum", 5,
     "alert \"Sum%d\" { hold = \"1m\", expr = \"sum by (job) (rate(requests_total[5m])) < %d\" "
     "}\n"},
    {"ratio", 5,
     "alert \"Ratio%d\" { hold = \"1m\", expr = \"sum(rate(errors_total[5m])) / "
     "sum(rate(requests_total[5m])) > 0.1%d\" }\n"},
    {"absent", 5,
     "alert \"Absent%d\" { hold = \"1m\", expr = 'absent(up{job=\"gone%d\"}) < 1' }\n"},
    {"levels", 4,
     "alert \"Levels%d\" { expr = \"queue_length\", above = { warning = 105, page = 11%d } }\n"},
    {"slo", 3,
     "slo \"slo-%d\" { bad = \"errors_total\", total = \"requests_total\", objective = 99.%d }\n"},
    {"baseline", 1,
     "alert \"Baseline%d\" { hold = \"1m\", expr = \"sum(rate(requests_total[5m]))\", "
     "baseline = { weeks = 2, deviations = 1%d } }\n"},
    {"when", 2,
     "alert \"When%d\" { when = function(ctx) return #ctx:query(\"up == 0\") > 1%d end }\n"},
};

static void write_plain(FILE *f)
{
    for (int i = 0; i < RULES; i++) {
        fprintf(f, "alert \"Rule%02d\" { every = \"15s\", hold = \"1m\", expr = [[", i);
        fprintf(f, plain[i % 5], 1 + i / 5); /* NOLINT: all have one %d */
        fputs("]] }\n", f);
    }
}

/* The rules of KIND, or all; how many. */
static int write_mix(FILE *f, const char *kind)
{
    int written = 0;
    for (size_t k = 0; k < sizeof mix / sizeof *mix; k++) {
        if (strcmp(kind, "mix") != 0 && strcmp(kind, mix[k].name) != 0) continue;
        for (int i = 0; i < mix[k].rules; i++, written++)
            fprintf(f, mix[k].text, i, i); /* NOLINT: all have two %d */
    }
    return written;
}

static int write_rules(const char *path, const char *kind)
{
    FILE *f = fopen(path, "w");
    if (!f) perror(path), exit(1);
    fputs("receiver \"ops\" { webhook { url = \"http://127.0.0.1:9/\" } }\n"
          "route { receiver = \"ops\", group_by = { \"alertname\" } }\n",
          f);
    int n = RULES;
    if (strcmp(kind, "plain") == 0)
        write_plain(f);
    else
        n = write_mix(f, kind);
    fclose(f);
    if (!n) fprintf(stderr, "there is no kind of rules \"%s\"\n", kind), exit(2);
    return n;
}

int main(int argc, char **argv)
{
    if (argc < 2) fprintf(stderr, "usage: bench_backtest DIR [SERIES [DAYS [KIND]]]\n"), exit(2);
    mw_log_setup(MW_WARN, false);
    unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 500;
    int64_t days = argc > 3 ? atoi(argv[3]) : 30;
    char *store = mw_sprintf("%s/metrics", argv[1]), *rules = mw_sprintf("%s/rules.lua", argv[1]);
    struct stat st;
    if (stat(store, &st)) mkdir(argv[1], 0755), fill(store, n, days);
    int n_rules = write_rules(rules, argc > 4 ? argv[4] : "plain");
    const char *program = getenv("MOONWATCH");
    char *command =
        mw_sprintf("%s backtest %s --data %s --round --from %lld --to %lld -o plot",
                   program ? program : "./moonwatch", rules, argv[1], (long long)start_ms / 1000,
                   (long long)(start_ms + days * DAY_MS) / 1000);
    int64_t began = mw_mono_ns();
    int rc = system(command); /* NOLINT: a command of ours */
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    printf("%d rules, %lld days at 15 s: %.1f s, %.1f s of a core, %ld MiB (status %d)\n", n_rules,
           (long long)days, seconds(began),
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
           used.ru_maxrss >> 10, WEXITSTATUS(rc));
    return 0;
}

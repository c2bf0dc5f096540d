/* bench_registry.c - what one recording costs.  SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "metrics/registry.h"

enum { TIMES = 50000000, ROUNDS = 5, THREADS = 2 };

typedef void recording(mw_series *s, int i);

static void add(mw_series *s, int i) { mw_counter_add(s, 1); }
static void set(mw_series *s, int i) { mw_gauge_set(s, i); }
static void add_gauge(mw_series *s, int i) { mw_gauge_add(s, 1); }
static void observe(mw_series *s, int i) { mw_histogram_observe(s, (double)(i & 1023) / 100); }

/* Inlined, so that the loop calls the recording itself and nothing between. */
static inline __attribute__((always_inline)) double best(recording *record, mw_series *s)
{
    double least = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = mw_mono_ns();
        for (int i = 0; i < TIMES; i++) record(s, i);
        double ns = (double)(mw_mono_ns() - start) / TIMES;
        if (ns < least) least = ns;
    }
    return least;
}

static double own_cell(mw_series *s)
{
    double least = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        volatile double *cell = mw_counter_cell(s);
        int64_t start = mw_mono_ns();
        for (int i = 0; i < TIMES; i++) *cell += 1;
        double ns = (double)(mw_mono_ns() - start) / TIMES;
        if (ns < least) least = ns;
    }
    return least;
}

/* Four counters in turn: the cost without waiting for the addition before. */
static double in_turn(mw_registry *reg)
{
    static const char *const names[] = {"a_total", "b_total", "d_total", "e_total"};
    mw_series *s[4];
    double least = 1e9;
    for (int i = 0; i < 4; i++) s[i] = mw_counter(reg, names[i], NULL, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = mw_mono_ns();
        for (int i = 0; i < TIMES; i++) mw_counter_add(s[i & 3], 1);
        double ns = (double)(mw_mono_ns() - start) / TIMES;
        if (ns < least) least = ns;
    }
    return least;
}

typedef struct runner {
    mw_series *s;
    double ns;
} runner;

static void *run(void *arg)
{
    runner *r = arg;
    r->ns = best(add, r->s);
    return NULL;
}

static double crowded(mw_series *s)
{
    pthread_t t[THREADS];
    runner r[THREADS];
    double most = 0;
    for (int i = 0; i < THREADS; i++) {
        r[i].s = s;
        pthread_create(&t[i], NULL, run, &r[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        if (r[i].ns > most) most = r[i].ns;
    }
    return most;
}

static double get_or_create(mw_registry *reg)
{
    enum { GETS = 1000000 };
    mw_family f = {.kind = MW_COUNTER, .name = "get_total"};
    mw_label l[] = {{MW_STR("method"), MW_STR("GET")}, {MW_STR("code"), MW_STR("200")}};
    mw_series *s;
    int64_t start = mw_mono_ns();
    for (int i = 0; i < GETS; i++) mw_registry_series(reg, &f, l, 2, &s, NULL);
    return (double)(mw_mono_ns() - start) / GETS;
}

int main(void)
{
    mw_registry *reg = mw_registry_new(0);
    mw_series *c = mw_counter(reg, "c_total", NULL, NULL);
    printf("counter add by handle, one thread: %.2f ns\n", best(add, c));
    printf("counter add by handle, %d threads on one counter: %.2f ns\n", THREADS, crowded(c));
    printf("counter add by handle, four counters in turn: %.2f ns\n", in_turn(reg));
    printf("counter add by the thread's own cell: %.2f ns\n", own_cell(c));
    printf("gauge set: %.2f ns\n", best(set, mw_gauge(reg, "g", NULL, NULL)));
    printf("gauge add: %.2f ns\n", best(add_gauge, mw_gauge(reg, "g", NULL, NULL)));
    printf("histogram observe, default buckets: %.2f ns\n",
           best(observe, mw_histogram(reg, "h", NULL, NULL)));
    printf("find a series by name and two labels: %.0f ns\n", get_or_create(reg));
    mw_registry_free(reg);
    return 0;
}

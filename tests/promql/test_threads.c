/* test_threads.c - queries that run while series come, end, are sealed, merged and deleted say what
 * is true.  Each value tells the labels of its series and its time, so that none can be taken for
 * another's.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "promql/promql.h"
#include "store/fakeio.h"
#include "tsdb/tsdb.h"

enum { STAY = 120, PASSING = 40, ROUNDS = 500, STEP = 1000, ASKERS = 3, FACTOR = 1000000 };

typedef struct world {
    mw_tsdb *db;
    mw_promql *engine;
    int64_t round; /* atomic: the last one that is committed */
    int64_t asked; /* atomic: rounds of questions */
    bool done;
} world;

static mw_labels *named(const char *metric, int number)
{
    char n[16], job[16];
    snprintf(n, sizeof n, "%d", number);
    snprintf(job, sizeof job, "j%d", number % 3);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), mw_str_of(metric)},
                    {MW_STR("job"), mw_str_of(job)},
                    {MW_STR("n"), mw_str_of(n)}};
    return mw_labels_new(l, 3, NULL);
}

static void add(mw_appender *a, const char *metric, int number, int64_t t, double v)
{
    mw_labels *ls = named(metric, number);
    uint64_t ref = 0;
    int code = mw_appender_add(a, ls, &ref, t, v);
    if (code) abort();
    mw_free(ls);
}

/* Series that stay; others that live for two rounds and end with a marker; and those that
 * are deleted again and again. */
static void *write_all(void *arg)
{
    world *w = arg;
    mw_appender *a = mw_appender_new(w->db);
    for (int64_t k = 1; k <= ROUNDS; k++) {
        for (int i = 0; i < STAY; i++) add(a, "stay", i, k * STEP, (double)(i + k * FACTOR));
        for (int i = 0; i < PASSING; i++) {
            int64_t begun = k - (i + k) % 3;
            int number = (int)begun * PASSING + i;
            if (begun < 1) continue;
            add(a, "passing", number, k * STEP, k == begun + 2 ? mw_stale() : number);
            if (i % 4 == 0) add(a, "gone", number, k * STEP, number);
        }
        if (mw_appender_commit(a, NULL)) abort();
        __atomic_store_n(&w->round, k, __ATOMIC_RELEASE);
        while (k > 20 && __atomic_load_n(&w->asked, __ATOMIC_RELAXED) < k / 2) sched_yield();
    }
    mw_appender_free(a);
    __atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
    return NULL;
}

static bool is_done(world *w) { return __atomic_load_n(&w->done, __ATOMIC_ACQUIRE); }

static void *keep_house(void *arg)
{
    world *w = arg;
    mw_matcher gone = {.op = MW_MATCH_EQ, .name = MW_STR(MW_METRIC_NAME), .value = MW_STR("gone")};
    for (int i = 0; !is_done(w); i++) {
        mw_select sel = {.matchers = &gone, .n = 1, .min_t = 0, .max_t = INT64_MAX};
        if (mw_tsdb_seal(w->db, NULL)) abort();
        mw_tsdb_tick(w->db);
        if (i % 3 == 0 && mw_tsdb_delete(w->db, &sel, NULL)) abort();
    }
    return NULL;
}

static mw_promql_result *ask(world *w, const char *expr, int64_t from, int64_t to, bool range)
{
    mw_err err;
    mw_err_init(&err);
    mw_promql_query q = {.expr = mw_str_of(expr), .range = range, .start = from, .end = to};
    q.step = STEP / 4;
    mw_promql_result *r = NULL;
    if (mw_promql_eval(w->engine, mw_tsdb_source(w->db), &q, &r, &err)) {
        fprintf(stderr, "%s: %s\n", expr, err.msg);
        abort();
    }
    return r;
}

#define EXPECT(x, ...)                    \
    do {                                  \
        if (!(x)) {                       \
            fprintf(stderr, __VA_ARGS__); \
            fprintf(stderr, "\n");        \
            abort();                      \
        }                                 \
    } while (0)

/* One value at each step, that of ROUND times PER_ROUND and BASE. */
static void check_totals(world *w, const char *expr, int64_t k, bool range, double per_round,
                         double base)
{
    int64_t from = k > 60 ? k - 60 : 1;
    mw_promql_result *r = ask(w, expr, (range ? from : k) * STEP, k * STEP, range);
    EXPECT(r->n == 1, "%s: %zu rows at round %lld", expr, r->n, (long long)k);
    for (size_t i = 0; i < r->rows[0].n; i++) {
        double want = per_round * (double)(r->rows[0].t[i] / STEP) + base;
        EXPECT(r->rows[0].v[i] == want, "%s: %.17g at %lld, not %.17g", expr, r->rows[0].v[i],
               (long long)r->rows[0].t[i], want);
    }
    EXPECT(r->rows[0].n == (range ? (size_t)(k - from) * 4 + 1 : 1), "%s: gaps", expr);
    mw_promql_result_free(r);
}

/* Each row has its own number for a value. */
static void check_numbers(world *w, const char *expr, int64_t k, bool range)
{
    int64_t from = k > 60 ? k - 60 : 1;
    mw_promql_result *r = ask(w, expr, (range ? from : k) * STEP, k * STEP, range);
    for (size_t i = 0; i < r->n; i++) {
        const char *n = mw_labels_find(r->rows[i].labels, "n").p;
        for (size_t p = 0; p < r->rows[i].n; p++)
            EXPECT(n && r->rows[i].v[p] == atoi(n), "%s: %g of %s", expr, r->rows[i].v[p],
                   n ? n : "none");
    }
    mw_promql_result_free(r);
}

static void check_best(world *w, int64_t k)
{
    mw_promql_result *r = ask(w, "topk(3, stay)", k * STEP, k * STEP, false);
    EXPECT(r->n == 3, "topk: %zu rows", r->n);
    for (size_t i = 0; i < r->n; i++) {
        int n = STAY - 1 - (int)i;
        EXPECT(atoi(mw_labels_find(r->rows[i].labels, "n").p) == n, "topk: row %zu", i);
        EXPECT(r->rows[i].v[0] == (double)(n + k * FACTOR), "topk: %g", r->rows[i].v[0]);
    }
    mw_promql_result_free(r);
}

static void *ask_all(void *arg)
{
    world *w = arg;
    static const char *const passing[] = {"passing",
                                          "max by (n) (passing)",
                                          "topk(5, passing)",
                                          "min by (n, job) (last_over_time(passing[5s]))",
                                          "gone",
                                          "sum without (job) (gone)",
                                          "bottomk(2, max_over_time(gone[1m]))"};
    double sum = STAY * (STAY - 1) / 2.0;
    for (unsigned i = 0; !is_done(w); i++) {
        int64_t k = __atomic_load_n(&w->round, __ATOMIC_ACQUIRE);
        if (k < 20) continue;
        check_totals(w, "sum(stay)", k, i % 2, STAY * (double)FACTOR, sum);
        check_totals(w, "count(stay)", k, i % 2, 0, STAY);
        check_totals(w, "sum(max_over_time(stay[10m]))", k, i % 2, STAY * (double)FACTOR, sum);
        check_totals(w, "sum(changes(stay[10m] @ 19)) + 0 * sum(stay)", k, false, 0, STAY * 18);
        check_totals(w, "sum(count_over_time(stay[10s]))", k > 20 ? k - 8 : k, false, 0, STAY * 10);
        check_totals(w, "count(count by (n) (stay offset 0s))", k, i % 2, 0, STAY);
        check_best(w, k);
        check_numbers(w, passing[i % 7], k, i % 3 == 0);
        __atomic_fetch_add(&w->asked, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void queries_say_what_is_true_whatever_goes_on(void **state)
{
    world *w = mw_zalloc(sizeof *w);
    mw_log_setup(MW_LEVELS, false);
    (void)state;
    mw_io io = fakeio_quick();
    char *dir = folder_new();
    mw_tsdb_options o = {.dir = dir, .io = &io, .out_of_order_ms = -1, .sync_ms = 1};
    w->db = mw_tsdb_open(&o, NULL);
    w->engine = mw_promql_new(NULL);
    assert_int_equal(mw_tsdb_recover(w->db, NULL), MW_OK);
    pthread_t all[ASKERS + 2];
    pthread_create(&all[0], NULL, write_all, w);
    pthread_create(&all[1], NULL, keep_house, w);
    for (int i = 0; i < ASKERS; i++) pthread_create(&all[i + 2], NULL, ask_all, w);
    for (int i = 0; i < ASKERS + 2; i++) pthread_join(all[i], NULL);
    check_totals(w, "sum(stay)", ROUNDS, true, STAY * (double)FACTOR, STAY * (STAY - 1) / 2.0);
    mw_promql_free(w->engine);
    mw_tsdb_close(w->db);
    folder_free(dir);
    mw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_say_what_is_true_whatever_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

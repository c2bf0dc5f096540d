/* test_threads.c - promises of the store to many threads at once; made for ThreadSanitizer.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "tsdb/tsdb.h"

enum { WRITERS = 3, READERS = 3, SERIES = 40, STEPS = 600, STEP_MS = 1000 };

typedef struct world {
    mw_tsdb *db;
    mw_clock_manual clock;
    int done; /* atomic */
} world;

typedef struct hand {
    world *w;
    unsigned number;
} hand;

static mw_labels *labels(unsigned writer, unsigned n)
{
    char who[16], text[16];
    snprintf(who, sizeof who, "%u", writer);
    snprintf(text, sizeof text, "%u", n);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("m")},
                    {MW_STR("writer"), mw_str_of(who)},
                    {MW_STR("n"), mw_str_of(text)}};
    return mw_labels_new(l, 3, NULL);
}

/* Values are times, so that a reader can tell a wrong sample. */
static void *writer(void *arg)
{
    hand *h = arg;
    mw_labels *ls[SERIES];
    uint64_t ref[SERIES] = {0};
    for (unsigned i = 0; i < SERIES; i++) ls[i] = labels(h->number, i);
    mw_appender *a = mw_appender_new(h->w->db);
    for (int step = 1; step <= STEPS; step++) {
        for (unsigned i = 0; i < SERIES; i++) {
            int64_t t = (int64_t)step * STEP_MS;
            assert_int_equal(mw_appender_add(a, ls[i], &ref[i], t, (double)t), MW_OK);
            if (step % 7 == 0)
                assert_int_equal(mw_appender_add(a, ls[i], &ref[i], t - 500, (double)(t - 500)),
                                 MW_OK);
        }
        /* a series that comes and goes */
        mw_labels *brief = labels(h->number, 1000u + (unsigned)step);
        uint64_t none = 0;
        assert_int_equal(mw_appender_add(a, brief, &none, step, (double)step), MW_OK);
        mw_free(brief);
        mw_appender_commit(a, NULL);
    }
    mw_appender_free(a);
    for (unsigned i = 0; i < SERIES; i++) mw_free(ls[i]);
    return NULL;
}

static void check_view(const mw_series_view *view)
{
    assert_true(view->n > 0);
    for (size_t i = 0; i < view->n; i++) {
        assert_true(view->v[i] == (double)view->t[i]);
        assert_true(i == 0 || view->t[i] > view->t[i - 1]);
    }
}

static int ignore_name(void *arg, mw_str name) { return 0; }

static void *reader(void *arg)
{
    hand *h = arg;
    mw_source *source = mw_tsdb_source(h->w->db);
    mw_matcher m[2];
    mw_matcher_init(&m[0], MW_MATCH_EQ, MW_STR("__name__"), MW_STR("m"), NULL);
    mw_matcher_init(&m[1], MW_MATCH_RE, MW_STR("n"), MW_STR("1.*|2"), NULL);
    mw_select sel = {.matchers = m, .n = 1 + h->number % 2, .min_t = 0, .max_t = INT64_MAX};
    while (!__atomic_load_n(&h->w->done, __ATOMIC_ACQUIRE)) {
        mw_series_set *set;
        mw_series_view view;
        assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
        while (set->next(set, &view, NULL) == 1) check_view(&view);
        set->close(set);
        source->label_values(source, "n", &sel, ignore_name, NULL, NULL);
        source->label_names(source, &sel, ignore_name, NULL, NULL);
    }
    for (int i = 0; i < 2; i++) mw_matcher_deinit(&m[i]);
    return NULL;
}

static void *housekeeper(void *arg)
{
    hand *h = arg;
    int64_t now = 1;
    while (!__atomic_load_n(&h->w->done, __ATOMIC_ACQUIRE)) {
        mw_tsdb_stats st;
        mw_tsdb_stats_read(h->w->db, &st);
        if (st.max_t > now) now = st.max_t;
        mw_clock_manual_set(&h->w->clock, now / 2);
        mw_tsdb_tick(h->w->db);
    }
    return NULL;
}

static void writers_readers_and_the_housekeeper_get_along(void **state)
{
    world w = {0};
    mw_clock_manual_init(&w.clock, 1);
    mw_tsdb_options o = {.clock = &w.clock.clock,
                         .out_of_order_ms = -1,
                         .retention_ms = 1 << 30,
                         .max_bytes = 4 << 20,
                         .shards = 4};
    w.db = mw_tsdb_open(&o, NULL);
    pthread_t threads[WRITERS + READERS + 1];
    hand hands[WRITERS + READERS + 1];
    for (unsigned i = 0; i < WRITERS + READERS + 1; i++) {
        void *(*work)(void *) = i < WRITERS ? writer : i < WRITERS + READERS ? reader : housekeeper;
        hands[i] = (hand){&w, i};
        pthread_create(&threads[i], NULL, work, &hands[i]);
    }
    for (unsigned i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    __atomic_store_n(&w.done, 1, __ATOMIC_RELEASE);
    for (unsigned i = WRITERS; i < WRITERS + READERS + 1; i++) pthread_join(threads[i], NULL);

    mw_tsdb_stats st;
    mw_tsdb_stats_read(w.db, &st);
    assert_int_equal(st.series, WRITERS * (SERIES + STEPS));
    assert_int_equal(st.samples, WRITERS * (SERIES * (STEPS + STEPS / 7) + STEPS));
    mw_tsdb_close(w.db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_readers_and_the_housekeeper_get_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

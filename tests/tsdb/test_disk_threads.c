/* test_disk_threads.c - appending, reading, sealing, merging and deleting at once.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/fakeio.h"
#include "tsdb/tsdb.h"

enum { WRITERS = 2, READERS = 2, SERIES = 40, ROUNDS = 150, BATCH = 8 };

typedef struct world {
    mw_tsdb *db;
    mw_labels *ls[WRITERS][SERIES];
    int done; /* atomic: writers that have ended */
} world;

typedef struct worker {
    world *w;
    int number;
    pthread_t thread;
} worker;

static mw_labels *numbered(int writer, int series)
{
    char who[16], n[16];
    snprintf(who, sizeof who, "%d", writer);
    snprintf(n, sizeof n, "%d", series);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("m")},
                    {MW_STR("n"), mw_str_of(n)},
                    {MW_STR("writer"), mw_str_of(who)}};
    return mw_labels_new(l, 3, NULL);
}

static double value_of(int series, int64_t t) { return series * 100000.0 + (double)t; }

/* By labels at first, then by reference in rows, as scraping does. */
static void *write_all(void *arg)
{
    worker *me = arg;
    mw_tsdb *db = me->w->db;
    uint64_t ref[SERIES] = {0};
    mw_appender *a = mw_appender_new(db);
    for (int64_t round = 0; round < ROUNDS; round++) {
        mw_row rows[SERIES * BATCH];
        size_t n = 0;
        for (int s = 0; s < SERIES; s++)
            for (int64_t k = 0; k < BATCH; k++) {
                int64_t t = round * BATCH + k;
                rows[n++] = (mw_row){.ref = ref[s], .t = t, .v = value_of(s, t)};
            }
        if (round) mw_appender_rows(a, rows, n);
        for (size_t i = 0; i < n; i++) {
            int s = (int)(i / BATCH);
            if (round && rows[i].code == MW_OK) continue;
            if (mw_appender_add(a, me->w->ls[me->number][s], &ref[s], rows[i].t, rows[i].v))
                abort();
        }
        if (mw_appender_commit(a, NULL)) abort();
    }
    mw_appender_free(a);
    __atomic_fetch_add(&me->w->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Samples of a series without a gap, up to some point. */
static size_t look(mw_tsdb *db)
{
    mw_series_set *set;
    mw_series_view view;
    size_t n = 0;
    mw_select sel = {.min_t = 0, .max_t = INT64_MAX};
    mw_source *source = mw_tsdb_source(db);
    if (source->select(source, &sel, &set, NULL)) abort();
    while (set->next(set, &view, NULL) == 1) {
        int s = atoi(mw_labels_find(view.labels, "n").p);
        for (size_t i = 0; i < view.n; i++)
            if (view.t[i] != (int64_t)i || view.v[i] != value_of(s, (int64_t)i)) abort();
        n += view.n;
    }
    set->close(set);
    return n;
}

static void *read_all(void *arg)
{
    worker *me = arg;
    while (__atomic_load_n(&me->w->done, __ATOMIC_ACQUIRE) < WRITERS) look(me->w->db);
    return NULL;
}

static void *keep_house(void *arg)
{
    worker *me = arg;
    while (__atomic_load_n(&me->w->done, __ATOMIC_ACQUIRE) < WRITERS) {
        mw_tsdb_stats st;
        if (mw_tsdb_seal(me->w->db, NULL)) abort();
        mw_tsdb_tick(me->w->db);
        mw_tsdb_stats_read(me->w->db, &st);
    }
    return NULL;
}

static void readers_always_see_whole_series_while_they_are_written_and_sealed(void **state)
{
    world *w = mw_zalloc(sizeof *w);
    mw_log_setup(MW_LEVELS, false);
    mw_io io = fakeio_quick();
    char *dir = folder_new();
    mw_tsdb_options o = {.dir = dir, .io = &io, .out_of_order_ms = -1, .sync_ms = 1};
    w->db = mw_tsdb_open(&o, NULL);
    assert_int_equal(mw_tsdb_recover(w->db, NULL), MW_OK);
    for (int i = 0; i < WRITERS; i++)
        for (int s = 0; s < SERIES; s++) w->ls[i][s] = numbered(i, s);
    worker all[WRITERS + READERS + 1];
    for (int i = 0; i < WRITERS + READERS + 1; i++) {
        all[i] = (worker){.w = w, .number = i};
        pthread_create(&all[i].thread, NULL,
                       i < WRITERS             ? write_all
                       : i < WRITERS + READERS ? read_all
                                               : keep_house,
                       &all[i]);
    }
    for (int i = 0; i < WRITERS + READERS + 1; i++) pthread_join(all[i].thread, NULL);
    assert_int_equal(look(w->db), WRITERS * SERIES * ROUNDS * BATCH);
    mw_tsdb_close(w->db);
    w->db = mw_tsdb_open(&o, NULL);
    assert_int_equal(mw_tsdb_recover(w->db, NULL), MW_OK);
    assert_int_equal(look(w->db), WRITERS * SERIES * ROUNDS * BATCH);
    mw_tsdb_close(w->db);
    for (int i = 0; i < WRITERS; i++)
        for (int s = 0; s < SERIES; s++) mw_free(w->ls[i][s]);
    folder_free(dir);
    mw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_always_see_whole_series_while_they_are_written_and_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

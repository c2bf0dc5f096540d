/* diskworld.h - a store with a folder on a file system that obeys, and a plain map beside it.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_TSDB_DISKWORLD_H
#define MW_TESTS_TSDB_DISKWORLD_H
#include "base/log.h"
#include "base/mem.h"
#include "store/fakeio.h"
#include "tsdb/tsdb.h"

enum { SERIES = 12, TIMES = 4000, STEP = 15000 };

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* -- a store and a plain map beside it ------------------------------------------------------ */

typedef struct world {
    char *dir;
    fakeio io;
    mw_clock_manual clock;
    mw_tsdb_options opt;
    mw_tsdb *db;
    mw_appender *a;
    mw_labels *ls[SERIES];
    uint64_t ref[SERIES], seed;
    int newest;
    bool has[SERIES][TIMES];
    double v[SERIES][TIMES];
} world;

static inline mw_labels *numbered(unsigned number)
{
    char text[24];
    snprintf(text, sizeof text, "%u", number);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), number % 2 ? MW_STR("odd") : MW_STR("even")},
                    {MW_STR("n"), mw_str_of(text)}};
    return mw_labels_new(l, 2, NULL);
}

static inline void open_store(world *w)
{
    mw_err err;
    mw_err_init(&err);
    memset(w->ref, 0, sizeof w->ref);
    w->opt.dir = w->dir;
    w->opt.io = &w->io.io;
    w->opt.clock = &w->clock.clock;
    w->db = mw_tsdb_open(&w->opt, &err);
    assert_non_null(w->db);
    assert_int_equal(mw_tsdb_recover(w->db, &err), MW_OK);
    w->a = mw_appender_new(w->db);
}

static inline void close_store(world *w)
{
    mw_appender_free(w->a);
    mw_tsdb_close(w->db);
}

static inline world *new_world(uint64_t seed)
{
    world *w = mw_zalloc(sizeof *w);
    mw_log_setup(MW_LEVELS, false);
    w->dir = folder_new();
    fakeio_init(&w->io, w->dir);
    mw_clock_manual_init(&w->clock, 1000);
    w->opt = (mw_tsdb_options){.out_of_order_ms = -1, .sync_ms = 1000, .shards = 2};
    w->seed = seed;
    for (unsigned i = 0; i < SERIES; i++) w->ls[i] = numbered(i);
    open_store(w);
    return w;
}

static inline void free_world(world *w)
{
    close_store(w);
    for (unsigned i = 0; i < SERIES; i++) mw_free(w->ls[i]);
    fakeio_deinit(&w->io);
    folder_free(w->dir);
    mw_free(w);
}

/* The program dies: nothing that it does from now on reaches the folder. */
static inline void die_and_start_again(world *w)
{
    w->io.crash_at = w->io.ops + 1;
    close_store(w);
    fakeio_deinit(&w->io);
    fakeio_init(&w->io, w->dir);
    open_store(w);
}

static inline void put(world *w, int s, int t, double v)
{
    int code = mw_appender_add(w->a, w->ls[s], &w->ref[s], (int64_t)t * STEP, v);
    if (w->has[s][t]) {
        assert_int_equal(code, w->v[s][t] == v ? MW_OK : MW_EDUP);
        return;
    }
    assert_int_equal(code, MW_OK);
    w->has[s][t] = true;
    w->v[s][t] = v;
    if (t > w->newest) w->newest = t;
}

static inline int add_histogram(world *w, int s, int t, double count)
{
    static const mw_hspan span = {0, 1};
    mw_nhist h = {.count = count, .sum = count, .pos = {&span, &count, 1, 1}};
    uint64_t ref = 0;
    return mw_appender_add_histogram(w->a, w->ls[s], &ref, (int64_t)t * STEP, &h);
}

static inline void commit(world *w) { assert_int_equal(mw_appender_commit(w->a, NULL), MW_OK); }

static inline size_t count_in(const world *w, int s, int min, int max)
{
    size_t n = 0;
    for (int t = min; t <= max; t++) n += w->has[s][t];
    return n;
}

static inline int number_of(const mw_labels *ls) { return atoi(mw_labels_find(ls, "n").p); }

/* Every series in MIN..MAX is what the map says. */
static inline void compare(world *w, int min, int max)
{
    mw_series_set *set;
    mw_series_view view;
    size_t found = 0, expected = 0;
    mw_select sel = {.min_t = (int64_t)min * STEP, .max_t = (int64_t)max * STEP};
    mw_source *source = mw_tsdb_source(w->db);
    assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
    while (set->next(set, &view, NULL) == 1) {
        int s = number_of(view.labels);
        found++;
        assert_true(mw_labels_eq(view.labels, w->ls[s]));
        assert_int_equal(view.n, count_in(w, s, min, max));
        for (size_t i = 0; i < view.n; i++) {
            int t = (int)(view.t[i] / STEP);
            assert_true(w->has[s][t]);
            assert_true(view.v[i] == w->v[s][t]);
            assert_true(i == 0 || view.t[i] > view.t[i - 1]);
        }
    }
    set->close(set);
    for (int s = 0; s < SERIES; s++) expected += count_in(w, s, min, max) > 0;
    assert_int_equal(found, expected);
}

static inline void delete_some(world *w, int s, int min, int max)
{
    char text[24];
    snprintf(text, sizeof text, "%d", s);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("n"), mw_str_of(text), NULL);
    mw_select sel = {
        .matchers = &m, .n = 1, .min_t = (int64_t)min * STEP, .max_t = (int64_t)max * STEP};
    assert_int_equal(mw_tsdb_delete(w->db, &sel, NULL), MW_OK);
    mw_matcher_deinit(&m);
    for (int t = min; t <= max; t++) w->has[s][t] = false;
}

#endif

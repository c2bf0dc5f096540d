/* test_disk_crash.c - a store that is stopped at every write, sync and rename in turn.
 *
 * One short life of a store (batches, late samples, a seal, a deletion, merges, a restart) is lived
 * once to count its operations, then once for each of them: there the program dies, or the machine
 * loses power with every commit waiting for the disk.  Whatever was acknowledged before is there
 * afterwards, deleted samples stay deleted, and nothing is there that nobody sent.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/log.h"
#include "base/mem.h"
#include "store/fakeio.h"
#include "tsdb/tsdb.h"

enum { SERIES = 4, TIMES = 200, STEP = 1000 };

enum fate { UNSENT, SENT, ACKED, DELETING, DELETED };

typedef struct world {
    char *dir;
    fakeio io;
    int sync_ms;
    mw_tsdb *db;
    mw_appender *a;
    mw_labels *ls[SERIES];
    uint64_t ref[SERIES];
    unsigned char fate[SERIES][TIMES];
    bool dead; /* some call failed: the program has died */
} world;

static double value_of(int s, int t) { return s * 1000 + t % 7; }

static mw_labels *numbered(int number)
{
    char text[24];
    snprintf(text, sizeof text, "%d", number);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("m")}, {MW_STR("n"), mw_str_of(text)}};
    return mw_labels_new(l, 2, NULL);
}

static bool open_store(world *w, const mw_io *io)
{
    mw_tsdb_options o = {
        .dir = w->dir, .io = io, .out_of_order_ms = -1, .sync_ms = w->sync_ms, .shards = 1};
    memset(w->ref, 0, sizeof w->ref);
    w->db = mw_tsdb_open(&o, NULL);
    w->a = mw_appender_new(w->db);
    return mw_tsdb_recover(w->db, NULL) == MW_OK;
}

static void close_store(world *w)
{
    mw_appender_free(w->a);
    mw_tsdb_close(w->db);
}

/* -- one life ------------------------------------------------------------------------------- */

static void batch(world *w, int from, int to)
{
    if (w->dead) return;
    for (int t = from; t < to; t++)
        for (int s = 0; s < SERIES; s++) {
            w->fate[s][t] = SENT;
            if (mw_appender_add(w->a, w->ls[s], &w->ref[s], (int64_t)t * STEP, value_of(s, t)))
                w->dead = true;
        }
    if (mw_appender_commit(w->a, NULL)) w->dead = true;
    for (int t = from; t < to && !w->dead; t++)
        for (int s = 0; s < SERIES; s++) w->fate[s][t] = ACKED;
}

static void seal(world *w)
{
    if (!w->dead && mw_tsdb_seal(w->db, NULL)) w->dead = true;
}

static void delete_series(world *w, int s, int from, int to)
{
    char text[24];
    mw_matcher m;
    if (w->dead) return;
    snprintf(text, sizeof text, "%d", s);
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("n"), mw_str_of(text), NULL);
    mw_select sel = {.matchers = &m, .n = 1};
    sel.min_t = (int64_t)from * STEP;
    sel.max_t = (int64_t)(to - 1) * STEP;
    for (int t = from; t < to; t++) w->fate[s][t] = DELETING;
    if (mw_tsdb_delete(w->db, &sel, NULL))
        w->dead = true;
    else
        for (int t = from; t < to; t++) w->fate[s][t] = DELETED;
    mw_matcher_deinit(&m);
}

static void restart(world *w)
{
    if (w->dead) return;
    close_store(w);
    if (!open_store(w, &w->io.io)) w->dead = true;
}

static void live(world *w)
{
    if (!open_store(w, &w->io.io)) w->dead = true;
    batch(w, 10, 30);
    batch(w, 30, 40);
    seal(w);
    batch(w, 40, 60);
    batch(w, 0, 10); /* late */
    delete_series(w, 1, 20, 50);
    restart(w);
    for (int i = 0; i < 3; i++) {
        batch(w, 60 + i * 10, 70 + i * 10);
        seal(w);
        if (!w->dead) mw_tsdb_tick(w->db);
    }
    delete_series(w, 2, 0, 65);
    batch(w, 90, 120);
    close_store(w);
}

/* -- afterwards ----------------------------------------------------------------------------- */

static void look(world *w, bool seen[SERIES][TIMES])
{
    mw_series_set *set;
    mw_series_view view;
    mw_select sel = {.min_t = INT64_MIN, .max_t = INT64_MAX};
    mw_source *source = mw_tsdb_source(w->db);
    memset(seen, 0, SERIES * sizeof *seen);
    assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
    while (set->next(set, &view, NULL) == 1) {
        int s = atoi(mw_labels_find(view.labels, "n").p);
        assert_true(mw_labels_eq(view.labels, w->ls[s]));
        for (size_t i = 0; i < view.n; i++) {
            int t = (int)(view.t[i] / STEP);
            assert_true(view.v[i] == value_of(s, t));
            assert_false(seen[s][t]);
            seen[s][t] = true;
        }
    }
    set->close(set);
}

static void judge(world *w)
{
    bool seen[SERIES][TIMES];
    look(w, seen);
    for (int s = 0; s < SERIES; s++)
        for (int t = 0; t < TIMES; t++) {
            if (w->fate[s][t] == ACKED && !seen[s][t])
                fail_msg("operation %llu: series %d lost its sample %d",
                         (unsigned long long)w->io.crash_at, s, t);
            if (seen[s][t] && (w->fate[s][t] == UNSENT || w->fate[s][t] == DELETED))
                fail_msg("operation %llu: series %d has a sample %d that it should not have",
                         (unsigned long long)w->io.crash_at, s, t);
        }
}

static uint64_t run(uint64_t crash_at, int sync_ms, bool torn, bool power)
{
    world *w = mw_zalloc(sizeof *w);
    w->dir = folder_new();
    w->sync_ms = sync_ms;
    fakeio_init(&w->io, w->dir);
    w->io.crash_at = crash_at;
    w->io.torn = torn;
    for (int s = 0; s < SERIES; s++) w->ls[s] = numbered(s);
    live(w);
    uint64_t ops = w->io.ops;
    if (power) fakeio_lose_power(&w->io, NULL);
    mw_io quick = fakeio_quick();
    for (int i = 0; i < 2; i++) { /* as it was left, and sealed */
        assert_true(open_store(w, &quick));
        judge(w);
        close_store(w);
    }
    for (int s = 0; s < SERIES; s++) mw_free(w->ls[s]);
    fakeio_deinit(&w->io);
    folder_free(w->dir);
    mw_free(w);
    return ops;
}

/* A write that is cut is half done at every other operation, at the others in the next test. */
static void stop_everywhere(int sync_ms, bool power, unsigned torn)
{
    mw_log_setup(MW_LEVELS, false);
    uint64_t ops = run(0, sync_ms, false, power);
    assert_true(ops > 100);
    for (uint64_t i = 1; i <= ops; i++) run(i, sync_ms, i % 2 == torn, power);
}

/* Commits sync by themselves so that no thread makes the operations differ between runs. */
static void a_crash_at_any_operation_loses_nothing_acknowledged(void **state)
{
    stop_everywhere(0, false, 0);
}

static void a_loss_of_power_at_any_operation_loses_nothing_synced(void **state)
{
    stop_everywhere(0, true, 0);
}

static void a_crash_between_syncs_loses_nothing_acknowledged(void **state)
{
    stop_everywhere(3600000, false, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_at_any_operation_loses_nothing_acknowledged),
        cmocka_unit_test(a_loss_of_power_at_any_operation_loses_nothing_synced),
        cmocka_unit_test(a_crash_between_syncs_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

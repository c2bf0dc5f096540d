/* test_disk_chance.c - a store whose file system fails by chance, again and again.
 *
 * What a commit acknowledged is there after any number of crashes; what was refused may be there,
 * with a value that was sent; what was deleted is gone; nothing else is there.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>

#include "tsdb/diskworld.h"

enum { VALUES = 4, NONE = 255 };

/* -- a file system that fails by chance ----------------------------------------------------- */

static struct {
    pthread_mutex_t lock; /* the journal syncs on a thread of its own */
    uint64_t seed;
    unsigned one_in; /* operations fails; 0: none */
} chance = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void set_chance(unsigned one_in)
{
    pthread_mutex_lock(&chance.lock);
    chance.one_in = one_in;
    pthread_mutex_unlock(&chance.lock);
}

static unsigned dice(unsigned sides)
{
    pthread_mutex_lock(&chance.lock);
    unsigned n = (unsigned)(next_random(&chance.seed) % sides);
    pthread_mutex_unlock(&chance.lock);
    return n;
}

static int fails(void)
{
    pthread_mutex_lock(&chance.lock);
    bool fail = chance.one_in && next_random(&chance.seed) % chance.one_in == 0;
    pthread_mutex_unlock(&chance.lock);
    if (!fail) return 0;
    return dice(2) ? -ENOSPC : -EIO;
}

static int chance_open(const mw_io *io, const char *path, int flags)
{
    int rc = flags & O_CREAT ? fails() : 0;
    return rc ? rc : fakeio_open(io, path, flags);
}

static ssize_t chance_pwrite(const mw_io *io, int fd, const void *p, size_t n, uint64_t at)
{
    int rc = fails();
    if (rc && dice(2)) n /= 2; /* or all of it was done */
    ssize_t done = fakeio_pwrite(io, fd, p, n, at);
    return rc ? rc : done;
}

static int chance_sync(const mw_io *io, int fd)
{
    int rc = fails();
    return rc ? rc : fakeio_sync(io, fd);
}

static int chance_sync_dir(const mw_io *io, const char *path)
{
    int rc = fails();
    return rc ? rc : fakeio_sync_dir(io, path);
}

static int chance_rename(const mw_io *io, const char *from, const char *to)
{
    int rc = fails();
    return rc ? rc : fakeio_rename(io, from, to);
}

static int chance_unlink(const mw_io *io, const char *path)
{
    int rc = fails();
    return rc ? rc : fakeio_unlink(io, path);
}

static void leave_to_chance(world *w)
{
    w->io.io.open = chance_open;
    w->io.io.pwrite = chance_pwrite;
    w->io.io.sync = chance_sync;
    w->io.io.sync_dir = chance_sync_dir;
    w->io.io.rename = chance_rename;
    w->io.io.unlink = chance_unlink;
}

/* -- what is known -------------------------------------------------------------------------- */

typedef struct cell {
    uint8_t acked; /* the value, or NONE */
    uint8_t maybe; /* bits of values that were sent */
} cell;

static cell known[SERIES][TIMES];
enum { BATCH = 30, SENDERS = 2 };

static struct sender {
    mw_appender *a;
    uint64_t ref[SERIES];
    struct {
        int s, t, v;
    } sent[BATCH];
    int n;
} senders[SENDERS];

static void send(world *w, struct sender *from, int s, int t, int v)
{
    cell *c = &known[s][t];
    int code = mw_appender_add(from->a, w->ls[s], &from->ref[s], (int64_t)t * STEP, v);
    if (code == MW_EDUP) {
        assert_true(c->acked != v);
        assert_true(c->maybe & ~(1 << v));
        return;
    }
    c->maybe |= (uint8_t)(1 << v);
    if (code != MW_OK) return; /* the disk */
    assert_true(c->acked == NONE || c->acked == v);
    from->sent[from->n].s = s;
    from->sent[from->n].t = t;
    from->sent[from->n++].v = v;
}

static void end_batch(world *w, struct sender *from)
{
    if (next_random(&w->seed) % 16 == 0) { /* it goes away without a commit */
        mw_appender_free(from->a);
        from->a = mw_appender_new(w->db);
        return;
    }
    if (mw_appender_commit(from->a, NULL) != MW_OK) return;
    for (int i = 0; i < from->n; i++)
        known[from->sent[i].s][from->sent[i].t].acked = (uint8_t)from->sent[i].v;
}

/* From both senders at once; those of a while are of few series, so that others leave memory. */
static void send_batches(world *w)
{
    for (int i = 0; i < SENDERS; i++) senders[i].n = 0;
    int n = 1 + (int)(next_random(&w->seed) % BATCH), some = w->newest / 50;
    for (int i = 0; i < n; i++) {
        int back = next_random(&w->seed) % 3 ? 0 : (int)(next_random(&w->seed) % 100);
        int t = w->newest + (int)(next_random(&w->seed) % 3) - back;
        int s = (some + (int)(next_random(&w->seed) % 4)) % SERIES;
        if (t < 0 || t >= TIMES) continue;
        if (t > w->newest) w->newest = t;
        send(w, &senders[next_random(&w->seed) % SENDERS], s, t,
             (int)(next_random(&w->seed) % VALUES));
    }
    int first = (int)(next_random(&w->seed) % SENDERS);
    for (int i = 0; i < SENDERS; i++) end_batch(w, &senders[(first + i) % SENDERS]);
}

static void delete_range(world *w)
{
    int s = (int)(next_random(&w->seed) % SERIES);
    int min = (int)(next_random(&w->seed) % (unsigned)(w->newest + 1));
    int max = min + (int)(next_random(&w->seed) % 100);
    if (max >= TIMES) max = TIMES - 1;
    char text[24];
    snprintf(text, sizeof text, "%d", s);
    mw_matcher m;
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("n"), mw_str_of(text), NULL);
    mw_select sel = {
        .matchers = &m, .n = 1, .min_t = (int64_t)min * STEP, .max_t = (int64_t)max * STEP};
    int code = mw_tsdb_delete(w->db, &sel, NULL);
    mw_matcher_deinit(&m);
    for (int t = min; t <= max; t++) {
        known[s][t].acked = NONE;
        if (code == MW_OK) known[s][t].maybe = 0;
    }
}

static void check(world *w)
{
    static bool seen[SERIES][TIMES];
    mw_series_set *set;
    mw_series_view view;
    mw_select sel = {.min_t = INT64_MIN, .max_t = INT64_MAX};
    mw_source *source = mw_tsdb_source(w->db);
    memset(seen, 0, sizeof seen);
    assert_int_equal(source->select(source, &sel, &set, NULL), MW_OK);
    while (set->next(set, &view, NULL) == 1) {
        int s = number_of(view.labels);
        for (size_t i = 0; i < view.n; i++) {
            int t = (int)(view.t[i] / STEP), v = (int)view.v[i];
            const cell *c = &known[s][t];
            assert_false(seen[s][t]);
            seen[s][t] = true;
            if (c->acked != NONE)
                assert_int_equal(c->acked, v);
            else
                assert_true(c->maybe & (1 << v));
        }
    }
    set->close(set);
    for (int s = 0; s < SERIES; s++)
        for (int t = 0; t < TIMES; t++) assert_true(known[s][t].acked == NONE || seen[s][t]);
}

/* -- a life --------------------------------------------------------------------------------- */

static mw_series_set *reader; /* keeps what it began with for a while, or NULL */

static void begin(world *w)
{
    leave_to_chance(w);
    for (int i = 0; i < SENDERS; i++) senders[i] = (struct sender){.a = mw_appender_new(w->db)};
}

static void end(world *w)
{
    if (reader) reader->close(reader);
    reader = NULL;
    for (int i = 0; i < SENDERS; i++) mw_appender_free(senders[i].a);
}

/* The program dies, and when every commit waits for the disk, the machine loses power. */
static void crash(world *w)
{
    end(w);
    set_chance(0);
    w->io.crash_at = w->io.ops + 1;
    close_store(w);
    mutator newer = {next_random(&w->seed)}; /* some of what was not synced is there all the same */
    if (!w->opt.sync_ms) fakeio_lose_power(&w->io, next_random(&w->seed) % 2 ? &newer : NULL);
    fakeio_deinit(&w->io);
    fakeio_init(&w->io, w->dir);
    open_store(w);
    begin(w);
    check(w);
}

/* Both the end and the beginning may fail; then it is begun once more. */
static void restart(world *w)
{
    end(w);
    close_store(w);
    mw_tsdb *db = mw_tsdb_open(&w->opt, NULL);
    mw_tsdb_recover(db, NULL);
    mw_tsdb_close(db);
    set_chance(0);
    open_store(w);
    begin(w);
    check(w);
}

static void begin_or_end_reading(world *w)
{
    mw_select sel = {.min_t = INT64_MIN, .max_t = INT64_MAX};
    mw_source *source = mw_tsdb_source(w->db);
    if (reader) {
        reader->close(reader);
        reader = NULL;
    } else {
        assert_int_equal(source->select(source, &sel, &reader, NULL), MW_OK);
    }
}

static void snapshot(world *w)
{
    char *copy = folder_path(w->dir, "copy");
    mw_tsdb_snapshot(w->db, copy, next_random(&w->seed) % 2, NULL);
    free(copy);
}

static void live(uint64_t seed, int sync_ms)
{
    world *w = new_world(seed);
    close_store(w);
    w->opt.sync_ms = sync_ms;
    open_store(w);
    chance.seed = seed * 77;
    set_chance(0);
    for (int s = 0; s < SERIES; s++)
        for (int t = 0; t < TIMES; t++) known[s][t] = (cell){NONE, 0};
    begin(w);
    for (int step = 0; step < 1500; step++) {
        unsigned what = (unsigned)(next_random(&w->seed) % 100);
        if (next_random(&w->seed) % 20 == 0)
            set_chance(next_random(&w->seed) % 2 ? 0 : 3 + (unsigned)(next_random(&w->seed) % 30));
        if (what < 70)
            send_batches(w);
        else if (what < 75)
            delete_range(w);
        else if (what < 81)
            mw_tsdb_seal(w->db, NULL);
        else if (what < 91)
            mw_tsdb_tick(w->db);
        else if (what < 93)
            begin_or_end_reading(w);
        else if (what < 94)
            snapshot(w);
        else if (what < 95)
            restart(w);
        else if (what < 97)
            crash(w);
        else
            check(w);
    }
    crash(w);
    end(w);
    free_world(w);
}

static void what_was_acknowledged_is_there_whatever_failed_in_between(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) live(seed * 20261126, seed % 2 ? 0 : 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_is_there_whatever_failed_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

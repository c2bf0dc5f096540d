/* test_journal_crash.c - promises of the journal when a crash or a loss of power ends it.
 *
 * A story is told to a journal once per operation that it leads to, and each time the file system
 * dies at another operation.  Then the story goes on and the file system dies once more, while the
 * journal is opened or soon after.  What is found after each death is judged:
 *   - every frame whose append was answered with MW_OK is there, unless its segment was dropped
 *     (and after a loss of power: unless it was not synced yet);
 *   - frames come in the order in which they were appended, and none is left out between two;
 *   - a frame whose append failed may be there, whole and in its place: the crash came after its
 *     last byte was written;
 *   - what one life found, the next one finds.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>

#include "base/log.h"
#include "store/fakeio.h"
#include "store/frames.h"

enum { FRAMES = 30, SEGMENT = 500, EVEN = 45 };
enum { NEVER = 3600000 }; /* as sync_ms: the thread does not get to it */

enum ending { CRASH, POWER, POWER_MIXED }; /* the last: some sectors are newer than the sync */

typedef struct plot {
    enum ending first, second;
    int sync_ms;
    bool even; /* frames of one size: in a recycled segment old ones stand where new ones could */
    bool torn; /* the write that meets the end is half done */
    bool full; /* the disk has no room shortly before the end */
} plot;

struct story {
    bool taken[FRAMES + 1]; /* by number: the append was answered with MW_OK */
    uint64_t last;          /* that was tried */
    uint64_t synced;        /* a sync that ended well came after this one */
    uint64_t from, first;   /* FIRST and later ones are in segment FROM and later */
};

struct world {
    char *root, *dir, *copy;
    struct found found;
    uint64_t damaged;
    fakeio f;
};

/* -- the story ------------------------------------------------------------------------------ */

static void tell(struct story *s, const plot *p, struct world *w)
{
    uint64_t cut = 0, cut_first = 1;
    mw_journal *j = frames_open(&w->f.io, w->dir, p->sync_ms, SEGMENT);
    if (j) s->synced = s->last; /* what was found is safe */
    for (uint64_t i = s->last + 1; j && i <= FRAMES; i++) {
        s->last = i;
        s->taken[i] = frame_append(j, i, p->even ? EVEN : frame_size(i), NULL) == MW_OK;
        if (s->taken[i] && !p->sync_ms) s->synced = i;
        if (i % 7 == 0 && mw_journal_sync(j, NULL) == MW_OK) s->synced = i;
        if (i % 9 == 0) {
            mw_journal_cut(j, &cut, NULL);
            cut_first = i + 1;
        }
        if (i % 9 == 4 && cut) {
            s->from = cut;
            s->first = cut_first;
            mw_journal_drop(j, cut);
        }
    }
    mw_journal_close(j);
}

static void die(struct world *w, enum ending how, uint64_t seed)
{
    mutator m = {seed * 2654435761u + 1};
    fakeio_revive(&w->f);
    if (how == CRASH) return;
    fakeio_lose_power(&w->f, how == POWER ? NULL : &m);
    fakeio_deinit(&w->f);
    fakeio_init(&w->f, w->root);
}

/* -- the verdict ---------------------------------------------------------------------------- */

static uint64_t least(const struct story *s, enum ending how)
{
    uint64_t last = s->last;
    while (last && !s->taken[last]) last--;
    return how == CRASH || last < s->synced ? last : s->synced;
}

/* Frames that failed are not missed; those that were taken must be there up to NEEDED, and in one
 * piece beyond. */
static void judge(const struct story *s, const struct found *f, enum ending how, uint64_t op)
{
    uint64_t next = s->first, needed = least(s, how);
    for (size_t i = 0; i < f->n; i++) {
        if (f->number[i] < s->first) fail_msg("op %d: a dropped frame is back", (int)op);
        if (f->number[i] > s->last) fail_msg("op %d: a frame was made up", (int)op);
        if (f->number[i] < next) fail_msg("op %d: frames out of order", (int)op);
        for (; next < f->number[i]; next++)
            if (s->taken[next]) fail_msg("op %d: frame %d is missing", (int)op, (int)next);
        next = f->number[i] + 1;
    }
    for (; next <= needed; next++)
        if (s->taken[next]) fail_msg("op %d: frame %d is lost", (int)op, (int)next);
}

/* A copy is read, so that the next life meets the folder as the death left it. */
static void look_back(struct story *s, struct world *w, enum ending how, uint64_t op)
{
    w->found.n = 0;
    w->damaged = 0;
    if (!access(w->dir, F_OK)) {
        folder_copy(w->dir, w->copy);
        w->damaged = frames_read(w->copy, s->from, &w->found);
        folder_remove(NULL, w->copy);
    }
    judge(s, &w->found, how, op);
    memset(s->taken, 0, sizeof s->taken);
    for (size_t i = 0; i < w->found.n; i++) s->taken[w->found.number[i]] = true;
}

/* -- endings -------------------------------------------------------------------------------- */

static void begin(struct world *w)
{
    *w = (struct world){.root = folder_new_quick()};
    w->dir = folder_path(w->root, "journal");
    w->copy = folder_path(w->root, "copy");
    fakeio_init(&w->f, w->root);
}

static void end(struct world *w)
{
    fakeio_deinit(&w->f);
    folder_free(w->root);
    free(w->dir);
    free(w->copy);
    free(w->found.number);
}

/* Whether the story came to its end before operation OP. */
static bool die_twice(const plot *p, uint64_t op)
{
    struct world w;
    struct story s = {.first = 1};
    begin(&w);
    w.f.crash_at = op;
    w.f.torn = p->torn;
    if (p->full && op > 16) { /* by then the journal is open */
        w.f.full_from = op - 12;
        w.f.full_to = op - 4;
    }
    tell(&s, p, &w);
    bool whole = w.f.ops < op;
    die(&w, p->first, op);
    look_back(&s, &w, p->first, op);
    /* A header of which half is written looks damaged.  It lies in one sector, which disks write
     * whole or not at all. */
    if (p->first != POWER_MIXED && w.damaged > p->torn) fail_msg("op %d: damaged", (int)op);
    w.f.crash_at = 1 + op % 11;
    w.f.torn = p->torn;
    tell(&s, p, &w);
    die(&w, p->second, op + 1);
    look_back(&s, &w, p->second, op);
    end(&w);
    return whole;
}

static void die_everywhere(enum ending first, enum ending second)
{
    const plot plots[] = {
        {first, second, .sync_ms = 0},
        {first, second, .sync_ms = NEVER, .even = true, .torn = true},
        {first, second, .sync_ms = 0, .even = true, .torn = true, .full = true},
        {first, second, .sync_ms = NEVER, .full = true},
    };
    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
        uint64_t op = 1;
        while (!die_twice(&plots[i], op)) op++;
        assert_true(op > FRAMES);
    }
}

static void crashes_at_any_operation_lose_no_frame_that_was_taken(void **state)
{
    die_everywhere(CRASH, CRASH);
}

static void losses_of_power_lose_no_frame_that_was_synced(void **state)
{
    die_everywhere(POWER, POWER);
}

static void what_was_found_after_a_crash_outlives_a_loss_of_power(void **state)
{
    die_everywhere(CRASH, POWER);
}

static void losses_of_power_that_keep_some_sectors_leave_a_beginning(void **state)
{
    die_everywhere(POWER_MIXED, POWER_MIXED);
}

/* -- threads -------------------------------------------------------------------------------- */

enum { THREADS = 4, EACH = 25, STRIDE = 1000 };

struct writer {
    mw_journal *j;
    pthread_t thread;
    uint64_t id;
    uint64_t taken;  /* appends answered with MW_OK; the first that is not ends the writer */
    uint64_t synced; /* of them, before a sync that ended well */
    bool sync_each;
};

static void *write_frames(void *arg)
{
    struct writer *w = arg;
    for (uint64_t i = 0; i < EACH; i++) {
        uint64_t number = w->id * STRIDE + i;
        if (frame_append(w->j, number, frame_size(number), NULL)) break;
        w->taken++;
        if (w->sync_each || (i % 5 == 0 && mw_journal_sync(w->j, NULL) == MW_OK))
            w->synced = w->taken;
    }
    return NULL;
}

/* Each writer's frames are there from its first on, in its order, and at least NEEDED of them. */
static void judge_writer(const struct writer *w, const struct found *f, uint64_t needed)
{
    uint64_t next = 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->number[i] / STRIDE == w->id) assert_int_equal(f->number[i] % STRIDE, next++);
    assert_in_range(next, needed, w->taken + 1);
}

static void run_writers(struct world *w, struct writer *writer, int sync_ms)
{
    mw_journal *j = frames_open(&w->f.io, w->dir, sync_ms, SEGMENT);
    for (uint64_t i = 0; i < THREADS; i++) {
        writer[i] = (struct writer){.j = j, .id = i, .sync_each = !sync_ms};
        if (j) pthread_create(&writer[i].thread, NULL, write_frames, &writer[i]);
    }
    for (size_t i = 0; j && i < THREADS; i++) pthread_join(writer[i].thread, NULL);
    mw_journal_close(j);
}

static void writers_die(enum ending how, int sync_ms)
{
    bool whole = false;
    for (uint64_t op = 1; !whole; op += 7) {
        struct world w;
        struct writer writer[THREADS];
        begin(&w);
        w.f.crash_at = op;
        w.f.torn = op % 2;
        run_writers(&w, writer, sync_ms);
        whole = w.f.ops < op;
        die(&w, how, op);
        frames_read(w.dir, 0, &w.found);
        for (size_t i = 0; i < THREADS; i++)
            judge_writer(&writer[i], &w.found, how == CRASH ? writer[i].taken : writer[i].synced);
        end(&w);
    }
}

static void many_writers_lose_nothing_in_a_crash(void **state)
{
    writers_die(CRASH, 0);
    writers_die(CRASH, 5);
}

static void many_writers_lose_nothing_that_was_synced_without_power(void **state)
{
    writers_die(POWER, 0);
    writers_die(POWER, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_at_any_operation_lose_no_frame_that_was_taken),
        cmocka_unit_test(losses_of_power_lose_no_frame_that_was_synced),
        cmocka_unit_test(what_was_found_after_a_crash_outlives_a_loss_of_power),
        cmocka_unit_test(losses_of_power_that_keep_some_sectors_leave_a_beginning),
        cmocka_unit_test(many_writers_lose_nothing_in_a_crash),
        cmocka_unit_test(many_writers_lose_nothing_that_was_synced_without_power),
    };
    mw_log_setup(MW_FATAL, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

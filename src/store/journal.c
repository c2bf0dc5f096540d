/* journal.c - appending, and the life of segments.
 *
 * A frame is one write at a place that is known, together with the end mark behind it, which the
 * next frame writes over.  The place moves on only when all was taken, so what a failed write left
 * behind is written over, too.  When a frame does not fit, the segment is synced before the next
 * one begins: what is on the disk is always a beginning of what was appended, whenever power is
 * lost.
 *
 * A segment is begun by the first frame that needs it.  A dropped one becomes a spare, which is
 * written over as a new segment: its blocks are on the disk already, so a sync has no sizes to
 * write and a full disk does not matter.
 *
 * Not here: syncs (journal_sync.c), the folder (journal_find.c), reading (journal_replay.c).
 * SPDX-License-Identifier: MIT */
#include "store/journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/journal_inside.h"

enum { SEGMENT_BYTES = 64 << 20 };

char *mw_journal_segment_path(const mw_journal *j, uint64_t number)
{
    return mw_sprintf("%s/%016" PRIx64 ".seg", j->dir, number);
}

char *mw_journal_spare_path(const mw_journal *j, uint64_t number)
{
    return mw_sprintf("%s/%016" PRIx64 ".spare", j->dir, number);
}

/* -- ending a segment ----------------------------------------------------------------------- */

/* A failed write may have spoilt the end mark.  The file has room for it, for it was there. */
static void mend_end(mw_journal *j)
{
    char end[MW_FRAME_HEADER];
    mw_segment_put_end(end, j->id, j->at);
    if (j->io->pwrite(j->io, j->fd, end, sizeof end, j->at) < 0)
        mw_log(MW_WARN, "a journal segment could not be ended", "segment=%" PRIu64, j->id.number);
    j->spoilt = false;
}

static void forget_empty(mw_journal *j)
{
    char *path = mw_journal_segment_path(j, j->id.number);
    j->io->unlink(j->io, path);
    mw_free(path);
    j->n_held--;
}

/* No sync may be running. */
static void end_segment(mw_journal *j)
{
    if (j->at > MW_SEGMENT_HEADER) {
        if (j->spoilt) mend_end(j);
        int64_t start = mw_mono_ns();
        int rc = j->io->sync(j->io, j->fd);
        mw_journal_settle(j, j->appended, rc, mw_mono_ns() - start);
    } else {
        forget_empty(j);
    }
    j->io->close(j->io, j->fd);
    j->fd = -1;
}

/* -- beginning one -------------------------------------------------------------------------- */

/* The file descriptor, or -errno with the failed step in *WHAT. */
static int take_file(mw_journal *j, const char *path, const char **what)
{
    if (!j->n_spare) {
        *what = "cannot create";
        return j->io->open(j->io, path, O_WRONLY | O_CREAT | O_TRUNC);
    }
    char *spare = mw_journal_spare_path(j, j->spare[--j->n_spare]);
    *what = "cannot recycle";
    int rc = j->io->rename(j->io, spare, path);
    mw_free(spare);
    return rc ? rc : j->io->open(j->io, path, O_WRONLY);
}

static int start_file(mw_journal *j, mw_segment_id id, const char **what)
{
    char header[MW_SEGMENT_HEADER + MW_FRAME_HEADER];
    mw_segment_put_header(header, id);
    mw_segment_put_end(header + MW_SEGMENT_HEADER, id, MW_SEGMENT_HEADER);
    *what = "cannot write";
    ssize_t rc = j->io->pwrite(j->io, j->fd, header, sizeof header, 0);
    if (rc < 0) return (int)rc;
    *what = "cannot sync the folder";
    rc = j->io->sync_dir(j->io, j->dir);
    if (rc || !j->suspect) return (int)rc;
    *what = "cannot sync"; /* the segment before failed, so this one must show that it can */
    return j->io->sync(j->io, j->fd);
}

static int begin_segment(mw_journal *j, mw_err *err)
{
    int code = MW_OK;
    const char *what;
    mw_segment_id id = {.number = j->next};
    MW_ASSERT(getrandom(&id.salt, sizeof id.salt, 0) == sizeof id.salt);
    char *path = mw_journal_segment_path(j, id.number);
    int rc = j->fd = take_file(j, path, &what);
    if (rc >= 0) rc = start_file(j, id, &what);
    if (rc < 0) {
        code = mw_io_fail(err, rc, what, path);
        if (j->fd >= 0) j->io->close(j->io, j->fd);
        j->io->unlink(j->io, path);
        j->fd = -1;
        j->stats.failures++;
    } else {
        struct mw_held_segment s = {id.number, MW_SEGMENT_HEADER};
        MW_PUSH(j->held, j->n_held, j->cap_held, s);
        j->next++;
        j->id = id;
        j->at = MW_SEGMENT_HEADER;
        j->suspect = j->spoilt = false;
    }
    mw_free(path);
    return code;
}

/* -- appending ------------------------------------------------------------------------------ */

static bool fits(const mw_journal *j, size_t n)
{
    return !j->suspect && (j->at == MW_SEGMENT_HEADER || j->at + n <= j->segment_bytes);
}

/* A current segment with room for N bytes; gives the lock away while a sync is running. */
static int make_room(mw_journal *j, size_t n, mw_err *err)
{
    while (j->fd >= 0 && !fits(j, n))
        if (j->syncing)
            pthread_cond_wait(&j->synced, &j->lock);
        else
            end_segment(j);
    return j->fd >= 0 ? MW_OK : begin_segment(j, err);
}

static int put(mw_journal *j, char *bytes, size_t n, uint32_t sum, mw_err *err)
{
    size_t all = MW_FRAME_HEADER + n;
    int code = make_room(j, all, err);
    if (code) return code;
    mw_segment_put_frame(bytes, j->id, j->at, n, sum);
    mw_segment_put_end(bytes + all, j->id, j->at + all);
    ssize_t rc = j->io->pwrite(j->io, j->fd, bytes, all + MW_FRAME_HEADER, j->at);
    j->spoilt = rc < 0;
    if (rc < 0) {
        j->stats.failures++;
        code = mw_io_fail(err, (int)rc, "cannot append to", j->dir);
        /* A full disk is waited for; a bad place is left for another. */
        if (code != MW_EFULL) j->suspect = true;
        return code;
    }
    j->at += all;
    j->held[j->n_held - 1].bytes = j->at;
    j->stats.frames++;
    if (j->appended++ == j->settled && j->sync_ms) pthread_cond_signal(&j->wake);
    return MW_OK;
}

int mw_journal_append(mw_journal *j, mw_str frame, mw_err *err)
{
    if (frame.n > MW_FRAME_MAX)
        return mw_fail(err, MW_ETOOBIG, 0, 0, "%zu bytes are more than a journal takes at once",
                       frame.n);
    char *bytes = mw_alloc(MW_FRAME_HEADER + frame.n + MW_FRAME_HEADER);
    if (frame.n) memcpy(bytes + MW_FRAME_HEADER, frame.p, frame.n);
    uint32_t sum = mw_crc32c(0, frame.p, frame.n);
    pthread_mutex_lock(&j->lock);
    int code = put(j, bytes, frame.n, sum, err);
    if (!code && !j->sync_ms) code = mw_journal_await(j, j->appended, err);
    pthread_mutex_unlock(&j->lock);
    mw_free(bytes);
    return code;
}

/* -- cutting and dropping ------------------------------------------------------------------- */

int mw_journal_cut(mw_journal *j, uint64_t *segment, mw_err *err)
{
    pthread_mutex_lock(&j->lock);
    while (j->fd >= 0 && j->at > MW_SEGMENT_HEADER)
        if (j->syncing)
            pthread_cond_wait(&j->synced, &j->lock);
        else
            end_segment(j);
    *segment = j->fd >= 0 ? j->id.number : j->next;
    pthread_mutex_unlock(&j->lock);
    return MW_OK;
}

static bool has_room_for_spare(mw_journal *j, const char *path)
{
    struct stat st;
    pthread_mutex_lock(&j->lock);
    bool room = j->n_spare < MW_JOURNAL_SPARES;
    pthread_mutex_unlock(&j->lock);
    /* One that a huge frame made large is not worth its space. */
    return room && !stat(path, &st) && (uint64_t)st.st_size <= 2 * (uint64_t)j->segment_bytes;
}

static bool keep_as_spare(mw_journal *j, uint64_t number, const char *path)
{
    char *spare = mw_journal_spare_path(j, number);
    bool kept = has_room_for_spare(j, path) && !j->io->rename(j->io, path, spare);
    if (kept) {
        pthread_mutex_lock(&j->lock);
        bool taken = j->n_spare < MW_JOURNAL_SPARES;
        if (taken) j->spare[j->n_spare++] = number;
        pthread_mutex_unlock(&j->lock);
        if (!taken) j->io->unlink(j->io, spare);
    }
    mw_free(spare);
    return kept;
}

static void discard(mw_journal *j, uint64_t number)
{
    char *path = mw_journal_segment_path(j, number);
    if (!keep_as_spare(j, number, path) && j->io->unlink(j->io, path))
        mw_log(MW_WARN, "a journal segment cannot be removed", "file=%s", path);
    mw_free(path);
}

/* Removing a large file takes a while, so it is done without the lock. */
void mw_journal_drop(mw_journal *j, uint64_t segment)
{
    pthread_mutex_lock(&j->lock);
    size_t n = 0, whole = j->n_held - (j->fd >= 0);
    while (n < whole && j->held[n].number < segment) n++;
    struct mw_held_segment *gone = mw_array(n, sizeof *gone);
    if (n) memcpy(gone, j->held, n * sizeof *gone);
    if (n) memmove(j->held, j->held + n, (j->n_held - n) * sizeof *j->held);
    j->n_held -= n;
    if (j->next < segment) j->next = segment;
    pthread_mutex_unlock(&j->lock);
    for (size_t i = 0; i < n; i++) discard(j, gone[i].number);
    mw_free(gone);
}

void mw_journal_stats_read(mw_journal *j, mw_journal_stats *out)
{
    pthread_mutex_lock(&j->lock);
    *out = j->stats;
    for (size_t i = 0; i < j->n_held; i++) {
        out->bytes += j->held[i].bytes;
        out->segments += j->held[i].bytes > MW_SEGMENT_HEADER;
    }
    pthread_mutex_unlock(&j->lock);
}

/* -- life ----------------------------------------------------------------------------------- */

static void start_thread(mw_journal *j)
{
    sigset_t all, before;
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MW_ASSERT(pthread_create(&j->thread, NULL, mw_journal_keep_synced, j) == 0);
    pthread_setname_np(j->thread, "mw-journal");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t mono;
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &mono);
    pthread_condattr_destroy(&mono);
}

static void free_journal(mw_journal *j)
{
    pthread_cond_destroy(&j->wake);
    pthread_cond_destroy(&j->synced);
    pthread_mutex_destroy(&j->lock);
    mw_free(j->held);
    mw_free(j->dir);
    mw_free(j);
}

mw_journal *mw_journal_open(const mw_journal_options *o, mw_err *err)
{
    MW_ASSERT(o->sync_ms >= 0);
    mw_journal *j = mw_zalloc(sizeof *j);
    j->io = o->io ? o->io : &mw_io_system;
    j->dir = mw_strdup(o->dir);
    j->sync_ms = o->sync_ms;
    j->segment_bytes = o->segment_bytes ? o->segment_bytes : SEGMENT_BYTES;
    j->fd = -1;
    j->next = 1;
    pthread_mutex_init(&j->lock, NULL);
    init_cond(&j->synced);
    init_cond(&j->wake);
    if (mw_journal_find(j, err)) {
        free_journal(j);
        return NULL;
    }
    if (j->sync_ms) start_thread(j);
    return j;
}

/* A journal that is at rest takes no more room than its frames. */
static void remove_spares(mw_journal *j)
{
    while (j->n_spare) {
        char *path = mw_journal_spare_path(j, j->spare[--j->n_spare]);
        j->io->unlink(j->io, path);
        mw_free(path);
    }
}

void mw_journal_close(mw_journal *j)
{
    if (!j) return;
    pthread_mutex_lock(&j->lock);
    j->closing = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    if (j->sync_ms) pthread_join(j->thread, NULL);
    if (j->fd >= 0) end_segment(j);
    remove_spares(j);
    free_journal(j);
}

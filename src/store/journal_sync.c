/* journal_sync.c - when frames reach the disk.
 *
 * Whoever finds that no sync is running runs one for all frames written so far, without the lock;
 * others go on writing meanwhile, and those who wait share the next one.
 *
 * After a sync that failed the kernel may have dropped the pages it could not write and call the
 * next sync a success: the bytes are gone and nobody tells.  So the frames concerned count as lost,
 * the segment takes no more frames, and those to come wait for a fresh segment that did reach the
 * disk (journal.c).
 * SPDX-License-Identifier: MIT */
#include <time.h>

#include "base/clock.h"
#include "store/journal_inside.h"

void mw_journal_settle(mw_journal *j, uint64_t upto, int rc, int64_t took_ns)
{
    j->stats.syncs++;
    j->stats.last_sync_ns = took_ns;
    if (took_ns > j->stats.slowest_sync_ns) j->stats.slowest_sync_ns = took_ns;
    if (rc) {
        j->stats.failures++;
        j->suspect = true;
        j->why = rc;
        if (upto > j->settled) {
            j->failed = upto;
            j->lost = true;
        }
    }
    if (upto > j->settled) j->settled = upto;
    pthread_cond_broadcast(&j->synced);
}

static void sync_now(mw_journal *j)
{
    MW_ASSERT(!j->syncing && j->fd >= 0);
    int fd = j->fd;
    uint64_t upto = j->appended;
    j->syncing = true;
    pthread_mutex_unlock(&j->lock);
    int64_t start = mw_mono_ns();
    int rc = j->io->sync(j->io, fd);
    int64_t took = mw_mono_ns() - start;
    pthread_mutex_lock(&j->lock);
    j->syncing = false;
    mw_journal_settle(j, upto, rc, took);
}

int mw_journal_await(mw_journal *j, uint64_t frame, mw_err *err)
{
    while (j->settled < frame)
        if (j->syncing)
            pthread_cond_wait(&j->synced, &j->lock);
        else
            sync_now(j);
    /* A frame before one that failed may have been on the disk already.  Not known here, so it is
     * called lost too: the wrong way round would be a promise that was not kept. */
    return frame && j->failed >= frame ? mw_io_fail(err, j->why, "cannot sync", j->dir) : MW_OK;
}

int mw_journal_sync(mw_journal *j, mw_err *err)
{
    pthread_mutex_lock(&j->lock);
    int code = mw_journal_await(j, j->appended, err);
    if (!code && j->lost) code = mw_io_fail(err, j->why, "cannot sync", j->dir);
    j->lost = false;
    pthread_mutex_unlock(&j->lock);
    return code;
}

/* -- the thread ----------------------------------------------------------------------------- */

static void rest(mw_journal *j)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += j->sync_ms / 1000;
    until.tv_nsec += j->sync_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    while (!j->closing && !pthread_cond_timedwait(&j->wake, &j->lock, &until)) continue;
}

void *mw_journal_keep_synced(void *arg)
{
    mw_journal *j = arg;
    pthread_mutex_lock(&j->lock);
    while (!j->closing) {
        if (j->settled == j->appended) {
            pthread_cond_wait(&j->wake, &j->lock);
            continue;
        }
        rest(j);
        mw_journal_await(j, j->appended, NULL); /* mw_journal_sync tells what failed */
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

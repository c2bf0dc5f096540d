/* journal_inside.h - the inside of mw_journal, shared by the journal's own files only.
 * SPDX-License-Identifier: MIT */
#ifndef MW_STORE_JOURNAL_INSIDE_H
#define MW_STORE_JOURNAL_INSIDE_H
#include <pthread.h>
#include <stdbool.h>

#include "store/journal.h"
#include "store/segment.h"

enum { MW_JOURNAL_SPARES = 2 };

struct mw_held_segment {
    uint64_t number, bytes;
};

struct mw_journal {
    const mw_io *io;
    char *dir;
    int sync_ms;
    size_t segment_bytes;

    pthread_mutex_t lock; /* what follows, and the writes to the current segment */

    /* Segments, oldest first; the current one is the last of them. */
    struct mw_held_segment *held;
    size_t n_held, cap_held;
    uint64_t spare[MW_JOURNAL_SPARES]; /* numbers they had when they were dropped */
    size_t n_spare;
    uint64_t next; /* number of the segment to be begun next */

    int fd; /* of the current segment; -1: none is begun */
    mw_segment_id id;
    uint64_t at;  /* where the next frame goes */
    bool spoilt;  /* the bytes there may not be the end mark any more */
    bool suspect; /* the current segment must not take another frame */

    /* Frames are counted: those up to SETTLED have met a sync, and it failed for some up to FAILED.
     * While SYNCING the current segment stays open.  SETTLED < APPENDED needs a current segment. */
    uint64_t appended, settled, failed;
    bool syncing;
    bool lost; /* a sync failed and mw_journal_sync did not tell yet */
    int why;   /* -errno of the last sync that failed */
    bool closing;
    pthread_cond_t synced; /* a sync ended */
    pthread_cond_t wake;   /* for the thread: there is something to sync, or closing */
    pthread_t thread;      /* when sync_ms is not 0 */

    mw_journal_stats stats; /* without bytes and segments */
};

/* freed with mw_free */
char *mw_journal_segment_path(const mw_journal *j, uint64_t number);
char *mw_journal_spare_path(const mw_journal *j, uint64_t number);

/* -- journal_find.c ------------------------------------------------------------------------- */

int mw_journal_find(mw_journal *j, mw_err *err); /* the segments and spares of the folder */

/* -- journal_sync.c; the lock is held ------------------------------------------------------- */

void *mw_journal_keep_synced(void *j); /* the thread; takes the lock itself */
/* A sync of what was appended up to UPTO ended with RC. */
void mw_journal_settle(mw_journal *j, uint64_t upto, int rc, int64_t took_ns);
/* Returns when frame number FRAME has met a sync; gives the lock away meanwhile. */
int mw_journal_await(mw_journal *j, uint64_t frame, mw_err *err);

#endif

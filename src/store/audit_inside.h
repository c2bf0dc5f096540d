/* audit_inside.h - the inside of mw_audit, shared by the chain's own files only.
 * SPDX-License-Identifier: MIT */
#ifndef MW_STORE_AUDIT_INSIDE_H
#define MW_STORE_AUDIT_INSIDE_H
#include <pthread.h>

#include "store/audit.h"

struct mw_audit_held {
    uint64_t first, bytes;
    int64_t began_ms; /* when its first entry was written, as far as this process knows; 0: not */
};

struct mw_audit {
    const mw_io *io;
    char *dir, *node;
    const mw_clock *clock;
    int64_t keep_ms;
    size_t segment_bytes;

    pthread_mutex_t leaving;    /* taken before LOCK; while it is held no segment leaves */
    pthread_mutex_t lock;       /* what follows */
    struct mw_audit_held *held; /* oldest first; the last one is written to when fd is not -1 */
    size_t n_held, cap_held;
    int fd, head_fd;
    mw_audit_known known; /* the head that was remembered when the program started */
    bool shut;            /* the last segment could not be opened so far */
    bool spoilt;          /* behind the last entry there may be bytes of one that failed */
    mw_audit_mark head;
    uint64_t lost; /* entries that could not be written since the last that could */
    uint64_t added, failures, expired;
    mw_audit_heard *heard;
    void *arg;
    int64_t told_ms,
        looked_ms; /* when the log heard of the head; when old segments were looked for */
};

/* As mw_audit_add; the lock is held. */
int mw_audit_put(mw_audit *a, const mw_audit_note *note, mw_err *err);
void mw_audit_end_segment(mw_audit *a);
void mw_audit_remember(mw_audit *a);
bool mw_audit_is_whole(mw_audit *a);

#endif

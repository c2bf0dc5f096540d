/* audit.h - who did what, in a chain of hashes that only grows.
 *
 * Each entry's hash is made of the hash before it and of its own text, so that nothing can be
 * changed, taken out or put in later without all that follows not fitting any more; what was cut
 * off at the end is seen by whoever remembers an earlier head.  The layout is
 * docs/format/audit.md.
 *
 * Any thread.  SPDX-License-Identifier: MIT */
#ifndef MW_STORE_AUDIT_H
#define MW_STORE_AUDIT_H
#include "base/clock.h"
#include "store/audit_check.h"
#include "store/io.h"

typedef struct mw_audit mw_audit;

typedef struct mw_audit_options {
    const mw_io *io; /* NULL: the system's */
    const char *dir; /* made when it is not there */
    const char *node;
    const mw_clock *clock;
    int64_t keep_ms;      /* entries older than this may leave, a segment at a time; 0: none does */
    size_t segment_bytes; /* a new segment is begun beyond this; 0: 4 MiB */
} mw_audit_options;

/* A torn end is cut off and said so in the chain.  An end that does not fit is left as it is, and
 * the chain goes on behind it, which says so, too.  One process at a time may have a folder open.
 */
mw_audit *mw_audit_open(const mw_audit_options *o, mw_err *err);
void mw_audit_close(mw_audit *a); /* NULL is fine */

typedef struct mw_audit_note {
    mw_str what, who, from, id; /* FROM may be empty; an empty ID is drawn */
    mw_str details;             /* a JSON object; may be empty */
} mw_audit_note;

typedef struct mw_audit_mark {
    uint64_t seq; /* 0: the chain is empty */
    char hash[MW_SHA256_HEX + 1];
} mw_audit_mark;

enum { MW_AUDIT_ENTRY_MAX = 64 << 10 };

/* The entry is on the disk when this returns; OUT, which may be NULL, says which one it is.
 * MW_EFULL, MW_EIO: it is not, and the chain will say how many were lost when it works again.
 * MW_ETOOBIG: longer than MW_AUDIT_ENTRY_MAX. */
int mw_audit_add(mw_audit *a, const mw_audit_note *note, mw_audit_mark *out, mw_err *err);

/* FN is told of each entry from now on, by the thread that adds it; NULL: nobody is. */
typedef void mw_audit_heard(void *arg, mw_str entry);
void mw_audit_listen(mw_audit *a, mw_audit_heard *fn, void *arg);

/* Lets old segments leave, and tells the log the head once an hour; call about once a second. */
void mw_audit_tick(mw_audit *a);

void mw_audit_head(mw_audit *a, mw_audit_mark *out);
const char *mw_audit_node(const mw_audit *a);
/* As mw_audit_walk; entries that are added meanwhile are not among them. */
int mw_audit_read(mw_audit *a, const mw_audit_anchor *anchor, mw_audit_visit *visit, void *arg,
                  mw_audit_report *out, mw_err *err);
/* The last N entries, oldest first, unchecked. */
int mw_audit_tail(mw_audit *a, size_t n, mw_audit_visit *visit, void *arg, mw_err *err);
/* The bytes of the first segment that begins with entry *FIRST or later, and in *FIRST which one
 * that is; freed with mw_free.  NULL: there is none, or it cannot be read. */
char *mw_audit_segment(mw_audit *a, uint64_t *first, size_t *n);

typedef struct mw_audit_stats {
    uint64_t seq, head; /* of the last entry; the first 52 bits of its hash */
    uint64_t added, failures, bytes, segments, expired;
} mw_audit_stats;
void mw_audit_stats_read(mw_audit *a, mw_audit_stats *out);

#endif

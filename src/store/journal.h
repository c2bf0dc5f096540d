/* journal.h - what was accepted since the last seal, frame by frame.
 *
 * A frame is bytes that mean something to the store above.  Once mw_journal_append has returned, a
 * crash of the process does not lose the frame; a loss of power does not either once it was synced:
 * before the return when sync_ms is 0, within sync_ms otherwise (a thread of the journal does
 * that). Many threads may append at once; with sync_ms 0 one sync serves all that wait.
 *
 * Frames lie in segments, numbered files that are recycled.  The layout is docs/format/journal.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_STORE_JOURNAL_H
#define MW_STORE_JOURNAL_H
#include "base/err.h"
#include "base/str.h"
#include "store/io.h"

typedef struct mw_journal mw_journal;

typedef struct mw_journal_options {
    const mw_io *io; /* NULL: the system's */
    const char *dir; /* made when it is not there */
    int sync_ms;
    size_t segment_bytes; /* a new segment is begun beyond this; 0: 64 MiB */
} mw_journal_options;

enum { MW_FRAME_MAX = 64 << 20 };

/* Finds the segments and cuts a torn tail off the last one; appends go to a new segment.  One
 * process at a time may have a folder open; who uses the journal sees to that. */
mw_journal *mw_journal_open(const mw_journal_options *o, mw_err *err);
void mw_journal_close(mw_journal *j); /* syncs; NULL is fine */

/* Every whole frame of the segments from FROM on, oldest first; before the first append.  FRAME is
 * valid during the call.  DONE is the share of the bytes that were read, 0 to 1.  A frame that is
 * damaged in the middle of the journal ends its segment: the rest of that segment is left out and
 * counted, the next segment goes on.  A visit that answers a code stops with that code.
 *
 * FROM is what mw_journal_cut said last.  Its segment need not be there: none is written before a
 * frame needs it, and those to come are given numbers from FROM on. */
typedef int mw_journal_visit(void *arg, mw_str frame, double done, mw_err *err);
int mw_journal_replay(mw_journal *j, uint64_t from, mw_journal_visit *visit, void *arg,
                      mw_err *err);

/* MW_EFULL, MW_EIO: the frame is not promised, and the next try may succeed.  A replay may still
 * find it, as it may find one that was being appended when a crash came.
 * MW_ETOOBIG: longer than MW_FRAME_MAX. */
int mw_journal_append(mw_journal *j, mw_str frame, mw_err *err);
/* What was appended before is on the disk.  MW_EIO also when a sync failed that nobody was told. */
int mw_journal_sync(mw_journal *j, mw_err *err);

/* Frames from now on are in segment *SEGMENT or later. */
int mw_journal_cut(mw_journal *j, uint64_t *segment, mw_err *err);
/* Segments before SEGMENT are not needed any more. */
void mw_journal_drop(mw_journal *j, uint64_t segment);

typedef struct mw_journal_stats {
    uint64_t bytes, segments; /* that hold frames */
    uint64_t frames, syncs, failures,
        damaged;                           /* since it was opened; damaged: segments cut short */
    int64_t last_sync_ns, slowest_sync_ns; /* how long one took */
} mw_journal_stats;
void mw_journal_stats_read(mw_journal *j, mw_journal_stats *out);

#endif

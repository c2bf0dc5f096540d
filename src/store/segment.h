/* segment.h - one file of the journal: how its bytes stand and how they are read.
 *
 * For the journal's own files only.  The layout is docs/format/journal.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_STORE_SEGMENT_H
#define MW_STORE_SEGMENT_H
#include "store/journal.h"

enum {
    MW_SEGMENT_HEADER = 24, /* magic, number, salt, checksum */
    MW_FRAME_HEADER = 8,    /* length, checksum */
};

typedef struct mw_segment_id {
    uint64_t number;
    uint32_t salt; /* drawn when the segment was begun; nobody outside can guess it */
} mw_segment_id;

/* TO holds MW_SEGMENT_HEADER bytes. */
void mw_segment_put_header(char *to, mw_segment_id id);
/* TO holds MW_FRAME_HEADER bytes; AT is where in the file they go, SUM the checksum of the N bytes
 * that follow them. */
void mw_segment_put_frame(char *to, mw_segment_id id, uint64_t at, size_t n, uint32_t sum);
/* As a frame's header, but after it comes no frame. */
void mw_segment_put_end(char *to, mw_segment_id id, uint64_t at);

typedef enum mw_segment_state {
    MW_SEGMENT_WHOLE,   /* after the last frame comes the end mark */
    MW_SEGMENT_TORN,    /* after it comes something else, as when a write was cut off */
    MW_SEGMENT_UNBEGUN, /* no header was written, so no frame was either */
    MW_SEGMENT_DAMAGED, /* frames are lost, or cannot be read */
} mw_segment_state;

typedef struct mw_segment_report {
    mw_segment_state state;
    mw_segment_id id;     /* unless it is not begun or damaged */
    uint64_t frames, end; /* that are whole, and where the last of them ends */
} mw_segment_report;

/* FRAME is valid during the call; non-zero stops the scan and is answered by it. */
typedef int mw_segment_visit(void *arg, mw_str frame, uint64_t end, mw_err *err);
/* Every whole frame up to the first that is not.  VISIT may be NULL.  MW_EIO: not even opened. */
int mw_segment_scan(const char *path, uint64_t number, mw_segment_visit *visit, void *arg,
                    mw_segment_report *out, mw_err *err);

#endif

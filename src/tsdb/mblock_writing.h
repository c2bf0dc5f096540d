/* mblock_writing.h - a block of metrics while it is made, shared by the files that make it.
 *
 * Names, values of a name and lists of names ("shapes") have provisional numbers, in the order in
 * which they came; the sorted numbers of the file are known only at the end.  Until then a series
 * is its shape and its values as varints.  SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_MBLOCK_WRITING_H
#define MW_TSDB_MBLOCK_WRITING_H
#include "tsdb/mblock.h"
#include "tsdb/mblock_figures.h"
#include "tsdb/mblock_texts.h"

typedef struct mw_mb_vote { /* finds what more than half of all say */
    uint64_t what, lead;
} mw_mb_vote;

struct mw_mblock_writer {
    mw_block_writer *file;
    mw_arena *arena;
    mw_mb_texts names, shapes; /* a shape's text: its names' numbers, 4 bytes each */
    mw_mb_texts *values;       /* by name */
    size_t values_cap;
    mw_buf records, figures, keys;
    mw_mb_usual rough; /* what the figures are relative to until the end */
    mw_mb_vote n, span;
    uint32_t *name, *value; /* of the last series */
    size_t name_cap, value_cap, n_labels;
    uint32_t shape;
    uint32_t widest; /* labels of the widest series */
    mw_mblock_meta meta;
};

/* A series read back. */
typedef struct mw_mb_record {
    uint32_t shape, n;
    const uint32_t *name;
    uint32_t *value; /* room for w->widest */
} mw_mb_record;
/* From *P on, which moves to the next one; the bytes are ours and not checked. */
void mw_mb_record_next(const mw_mblock_writer *w, const uint8_t **p, mw_mb_record *r);

/* -- what follows from what ----------------------------------------------------------------- */

/* The label whose value settles those of others (a pod settles its namespace and node): those
 * "followers" are written once per value of the leader and not once per series. */
typedef struct mw_mb_lead {
    uint32_t name; /* the leader, or UINT32_MAX */
    uint32_t *follower;
    size_t n;
    int32_t *column_of; /* by name: index in follower, or -1 */
    int32_t *at;        /* by shape: where the leader is, or -1 when nothing of it follows */
    uint32_t *rows;     /* leader's value * n + column: the follower's value + 1; 0: never seen */
    uint32_t **agreed;  /* by column and value: series that have what the row says */
    uint32_t *shapes;   /* by shape * 2 + follows: number of series */
} mw_mb_lead;

void mw_mb_lead_find(const mw_mblock_writer *w, mw_mb_lead *l);
void mw_mb_lead_deinit(mw_mb_lead *l, const mw_mblock_writer *w);
/* Does R have what its leader's row says? */
bool mw_mb_lead_follows(const mw_mb_lead *l, const mw_mb_record *r);

/* -- sections ------------------------------------------------------------------------------- */

/* Each writes its sections; false when one is too large for its offsets. */
bool mw_mb_write_series(mw_mblock_writer *w, const mw_mb_lead *l);
bool mw_mb_write_values(mw_mblock_writer *w, const mw_mb_lead *l);
bool mw_mb_write_figures(mw_mblock_writer *w, const mw_mb_usual *usual);

#endif

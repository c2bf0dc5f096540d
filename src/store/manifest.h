/* manifest.h - which blocks are alive, and from where the journal still counts.
 *
 * One small checksummed file, replaced as a whole by rename: whatever happens, either the old or
 * the new list is read.  The layout is docs/format/manifest.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_STORE_MANIFEST_H
#define MW_STORE_MANIFEST_H
#include "base/buf.h"
#include "base/err.h"
#include "store/io.h"

typedef struct mw_manifest_block {
    uint64_t id;          /* its file is blocks/ID in 16 hex digits, .blk */
    int64_t min_t, max_t; /* in the unit of the store */
    uint64_t bytes;
    uint32_t level; /* 0: sealed; n: merged n times */
} mw_manifest_block;

typedef struct mw_manifest {
    uint64_t next_id;
    uint64_t journal_from; /* first segment that is still needed */
    mw_manifest_block *block;
    size_t n, cap;
} mw_manifest;

void mw_manifest_deinit(mw_manifest *m);
/* DIR/MANIFEST.  MW_ENOENT: there is none.  MW_ECORRUPT: damaged. */
int mw_manifest_load(mw_manifest *m, const char *dir, mw_err *err);
int mw_manifest_save(const mw_manifest *m, const mw_io *io, const char *dir, mw_err *err);
char *mw_manifest_block_path(const char *dir, uint64_t id); /* freed with mw_free */

/* Ids of the block files in DIR, ascending, *N of them; the caller frees. */
uint64_t *mw_manifest_list(const char *dir, size_t *n);
/* Removes the block files of DIR/blocks that M does not name, and those that were being written:
 * what a crash has left there.  Files of others stay. */
void mw_manifest_sweep(const mw_manifest *m, const mw_io *io, const char *dir);

/* A small file of the store's own, whole or not at all: checksum, write aside, sync, rename. */
int mw_statefile_save(const mw_io *io, const char *dir, const char *name, mw_str bytes,
                      mw_err *err);
/* MW_ENOENT, MW_ECORRUPT; LIMIT bounds what is read. */
int mw_statefile_load(const char *dir, const char *name, size_t limit, mw_buf *out, mw_err *err);

/* -- retention ------------------------------------------------------------------------------ */

/* Which blocks must leave: those whose max_t is before FLOOR, then the oldest by max_t until the
 * rest is within MAX_BYTES (0: no budget).  Sets leave[i]; how many. */
size_t mw_retention_pick(const mw_manifest *m, int64_t floor, uint64_t max_bytes, bool *leave);

/* Move the file of a damaged block to DIR/quarantine/, so that a person can look at it; when that
 * is not possible it gets another name where it is. */
int mw_quarantine(const mw_io *io, const char *dir, uint64_t id, mw_err *err);

#endif

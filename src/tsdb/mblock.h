/* mblock.h - a block of metrics: sealed runs of samples and the index that finds them.
 *
 * Series are numbered in order of their labels, 0, 1, 2, ...  The layout of the sections is
 * docs/format/metrics.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_MBLOCK_H
#define MW_TSDB_MBLOCK_H
#include "base/arena.h"
#include "model/source.h"
#include "store/block.h"
#include "tsdb/packed.h"
#include "tsdb/postings.h"
#include "tsdb/tsdb.h"

enum { MW_MBLOCK_KIND = 0x4d545353 }; /* of mw_block_create */

typedef enum mw_run_kind { MW_RUN_FLOATS, MW_RUN_HISTOGRAMS } mw_run_kind;

/* One run of samples of one series.  Histogram runs: BYTES are the store's own, and of the figures
 * only n, min_t and max_t are kept. */
typedef struct mw_run_ref {
    mw_run_kind kind;
    mw_run_stats stats;
    mw_str bytes;
} mw_run_ref;

/* -- writing -------------------------------------------------------------------------------- */

typedef struct mw_mblock_writer mw_mblock_writer;

mw_mblock_writer *mw_mblock_create(const mw_io *io, const char *path, mw_err *err);
/* The next series: after the last one by mw_labels_cmp.  RUNS are in order of time; their bytes are
 * written before this returns. */
void mw_mblock_add(mw_mblock_writer *w, const mw_labels *ls, mw_key key, const mw_run_ref *runs,
                   size_t n);

typedef struct mw_mblock_meta {
    uint64_t series, samples, bytes;
    int64_t min_t, max_t;
} mw_mblock_meta;
/* As mw_block_finish.  A block without series is refused with MW_EARG.  Frees W. */
int mw_mblock_finish(mw_mblock_writer *w, mw_mblock_meta *meta, mw_err *err);
void mw_mblock_abort(mw_mblock_writer *w); /* NULL is fine */

/* -- reading -------------------------------------------------------------------------------- */

typedef struct mw_mblock mw_mblock;

/* Opens and checks everything but the samples.  MW_ECORRUPT, MW_ENOENT. */
mw_mblock *mw_mblock_open(const char *path, mw_err *err);
mw_mblock *mw_mblock_retain(mw_mblock *b);
void mw_mblock_release(mw_mblock *b); /* NULL is fine */
const mw_mblock_meta *mw_mblock_meta_of(const mw_mblock *b);
mw_block *mw_mblock_file(mw_mblock *b); /* borrowed */

/* Series that the matchers of SEL accept, ascending; the range of SEL is not looked at.
 * MW_ECANCEL when sel->cancel says so. */
int mw_mblock_select(mw_mblock *b, const mw_select *sel, mw_ids *out, mw_err *err);
mw_key mw_mblock_key(const mw_mblock *b, uint32_t series);
/* The series with KEY, or UINT32_MAX; the first call builds a table (4 bytes a series). */
uint32_t mw_mblock_find(mw_mblock *b, mw_key key);
mw_labels *mw_mblock_labels(const mw_mblock *b, uint32_t series, mw_arena *arena);

/* Runs of SERIES that may hold samples in MIN..MAX, in order of time, in the array *RUNS of *N and
 * *CAP (MW_PUSH) which the caller owns; *N starts at 0.  Their bytes are checked. */
int mw_mblock_runs(mw_mblock *b, uint32_t series, int64_t min, int64_t max, mw_run_ref **runs,
                   size_t *n, size_t *cap, mw_err *err);

bool mw_mblock_has_name(const mw_mblock *b, mw_str name);
/* Label names, or values of NAME, of the series in AMONG (NULL: all); each once. */
int mw_mblock_names(mw_mblock *b, const mw_ids *among, mw_name_visit *visit, void *arg);
int mw_mblock_values(mw_mblock *b, mw_str name, const mw_ids *among, mw_name_visit *visit,
                     void *arg);

#endif

/* runs.h - samples of one series into the runs of a block, and back.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_RUNS_H
#define MW_TSDB_RUNS_H
#include "tsdb/mblock.h"
#include "tsdb/samples.h"

/* Memory that is used again for each series. */
typedef struct mw_run_maker {
    mw_buf bytes, plain;
    mw_run_ref *runs;
    size_t n, cap;
} mw_run_maker;

void mw_run_maker_deinit(mw_run_maker *m);
/* S, ordered and not empty, as one series of W. */
void mw_runs_write(mw_run_maker *m, mw_mblock_writer *w, const mw_labels *ls, mw_key key,
                   const mw_samples *s);

/* The samples of RUN behind what OUT holds; bytes of histograms are in ARENA.  MW_ECORRUPT. */
int mw_run_read(const mw_run_ref *run, mw_arena *arena, mw_samples *out, mw_err *err);

#endif

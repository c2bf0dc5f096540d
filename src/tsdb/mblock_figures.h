/* mblock_figures.h - what a block of metrics knows of a run without reading it, as bytes.
 *
 * Small because most runs are alike: the usual number of samples over the usual span, whole
 * numbers, constant or rising.  What differs is said, the rest is a flag.  The layout is
 * docs/format/metrics.md.  SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_MBLOCK_FIGURES_H
#define MW_TSDB_MBLOCK_FIGURES_H
#include "base/buf.h"
#include "tsdb/mblock.h"

/* What the figures of a block are relative to. */
typedef struct mw_mb_usual {
    int64_t base;  /* times count from here */
    uint64_t span; /* last time less first time */
    uint32_t n;
} mw_mb_usual;

/* Append the runs of one series; only the length of their bytes is kept.  N may be 0. */
void mw_mb_figures_put(const mw_mb_usual *u, const mw_run_ref *runs, size_t n, mw_buf *out);

/* The next run at *P: all but bytes.p.  *START is u->base before the first run of a series.
 * 1: there it is, *MORE tells whether another one of the series follows.  0: the series has none.
 * MW_ECORRUPT: no such figures. */
int mw_mb_figures_get(const mw_mb_usual *u, const uint8_t **p, const uint8_t *end, int64_t *start,
                      mw_run_ref *run, bool *more);

/* Passes over all runs of one series, adding the lengths of their bytes to *BYTES. */
bool mw_mb_figures_skip(const uint8_t **p, const uint8_t *end, uint64_t *bytes);

#endif

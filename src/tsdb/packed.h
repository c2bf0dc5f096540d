/* packed.h - a sealed run of float samples: small on disk, fast to read, every bit kept.
 *
 * Times are a start, a step and exceptions.  Values are one of: constant; whole numbers over a
 * power of ten, as distances from a guess in packed bits; the doubles' own bits in the same way
 * where nothing else keeps every bit.  The layout is docs/format/samples.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_PACKED_H
#define MW_TSDB_PACKED_H
#include "base/buf.h"
#include "base/err.h"

enum { MW_PACKED_MAX = 480 }; /* samples in one run, at most */

/* What can be answered without reading the run.  NaN values (stale markers among them) do not count
 * for min, max and resets; all NaN: min and max are NaN.  first and last are as they are. */
typedef struct mw_run_stats {
    uint32_t n, resets; /* resets: values below the one before */
    int64_t min_t, max_t;
    double min, max, first, last;
} mw_run_stats;
void mw_run_stats_of(const int64_t *t, const double *v, size_t n, mw_run_stats *out);

/* Append the run to OUT.  T strictly ascending, 1 <= N <= MW_PACKED_MAX. */
void mw_packed_encode(const int64_t *t, const double *v, size_t n, mw_buf *out);

/* Are all values of the run numbers for certain: no stale marker, no NaN?  BYTES need not be sound.
 */
bool mw_packed_all_numbers(mw_str bytes);

/* All N samples that the run was made of; T and V have room for N.  MW_ECORRUPT when BYTES are not
 * such a run; reads nothing outside BYTES and writes nothing behind N whatever they are. */
int mw_packed_decode(mw_str bytes, size_t n, int64_t *t, double *v);

#endif

/* xorchunk.h - samples as the chunks of Prometheus, for those who read them as such.
 *
 * Layouts are Prometheus's (tsdb/docs/format/chunks.md): XOR for floats, FLOAT_HISTOGRAM for native
 * histograms, whole numbers too: a reader of either is given floats.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_XORCHUNK_H
#define MW_INGEST_XORCHUNK_H
#include "model/nhist.h"

enum { MW_CHUNK_SAMPLES = 120, MW_CHUNK_XOR = 1, MW_CHUNK_FLOAT_HISTOGRAM = 3 };

/* N samples, at most 65535, in order of time, appended to OUT. */
void mw_xor_chunk(const int64_t *t, const double *v, size_t n, mw_buf *out);

/* As many of the first N histograms as may share a chunk: the same buckets, no reset between them,
 * nothing behind a stale marker.  The answer is how many, at least one. */
size_t mw_histogram_chunk(const int64_t *t, const mw_nhist *const *h, size_t n, mw_buf *out);

#endif

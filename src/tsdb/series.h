/* series.h - one series in memory: who it is and what it holds.
 *
 * Belongs to a shard and is touched only under that shard's lock.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_SERIES_H
#define MW_TSDB_SERIES_H
#include "model/labels.h"
#include "tsdb/chunk.h"
#include "tsdb/index.h"
#include "tsdb/tally.h"

typedef struct mw_late mw_late; /* samples that came out of order */

typedef struct mw_stream {
    uint64_t hash, birth; /* of its labels; see mw_index_add */
    uint32_t next;        /* for the shard's hash chain */
    uint32_t n_labels;
    bool began; /* tail holds the newest sample */
    uint32_t n_chunks, cap_chunks;
    mw_chunk **chunks; /* closed, in order of time, not overlapping */
    mw_chunk *open;    /* behind all closed ones; NULL when there is none */
    mw_late *late;
    mw_chunk_tail tail;
    mw_pair *labels[];
} mw_stream;

mw_stream *mw_stream_new(uint32_t n_labels, uint64_t hash, mw_tally *tally);
void mw_stream_free(mw_stream *s, mw_tally *tally);
bool mw_stream_is(const mw_stream *s, const mw_labels *ls);
mw_labels *mw_stream_labels(const mw_stream *s, mw_arena *arena);

/* WINDOW_MS as mw_tsdb_options.out_of_order_ms.  MW_EORDER, MW_EDUP as mw_appender_add;
 * *LATE tells that an accepted sample was out of order. */
int mw_stream_append(mw_stream *s, int64_t t, double v, int64_t window_ms, bool *late,
                     mw_tally *tally);

/* Forget closed chunks and late samples that end before FLOOR; close an open chunk whose newest
 * sample is before IDLE.  The answer is the number of chunks dropped. */
size_t mw_stream_expire(mw_stream *s, int64_t floor, int64_t idle, mw_tally *tally);
/* Forget closed chunks that end before FLOOR while *WANTED bytes are still wanted back. */
size_t mw_stream_shed(mw_stream *s, int64_t floor, size_t *wanted, mw_tally *tally);
bool mw_stream_empty(const mw_stream *s);
/* Oldest sample; newest in *MAX.  Only for a series that is not empty. */
int64_t mw_stream_span(const mw_stream *s, int64_t *max);

/* -- reading -------------------------------------------------------------------------------- */

/* A copy of what a reader needs, taken under the lock and decoded without it. */
typedef struct mw_extract {
    char *bytes; /* chunks one behind the other */
    size_t n_bytes, cap_bytes;
    mw_sample *late;
    size_t n_late, cap_late;
    size_t samples; /* an upper bound */
} mw_extract;

void mw_extract_deinit(mw_extract *x);
/* Everything that may lie in MIN..MAX.  False when certainly nothing does. */
bool mw_stream_extract(const mw_stream *s, int64_t min, int64_t max, mw_extract *x);
/* Is a sample of the series certainly in MIN..MAX, by the ends of its chunks alone? */
bool mw_stream_surely_in(const mw_stream *s, int64_t min, int64_t max);

typedef struct mw_samples {
    int64_t *t;
    double *v;
    size_t n, cap;
} mw_samples;

void mw_samples_deinit(mw_samples *s);
/* X decoded and merged into OUT; where the samples of MIN..MAX begin and how many they are. */
size_t mw_extract_read(const mw_extract *x, int64_t min, int64_t max, mw_samples *out,
                       size_t *first);

#endif

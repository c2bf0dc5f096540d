/* series.h - one series in memory: who it is and what it holds.
 *
 * Belongs to a shard and is touched only under that shard's lock.  What was begun in an earlier
 * generation of the store is being sealed: it is read, but no longer written.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_SERIES_H
#define MW_TSDB_SERIES_H
#include "model/labels.h"
#include "tsdb/chunk.h"
#include "tsdb/index.h"
#include "tsdb/samples.h"
#include "tsdb/tally.h"
#include "tsdb/tsdb.h"

typedef struct mw_late mw_late;

/* What a series has besides its open chunk. */
typedef struct mw_rest {
    mw_chunk **chunks; /* closed, in the order in which they were; those of late samples overlap */
    uint32_t n, cap;
    uint32_t late_gen;
    mw_late *late;  /* samples that came out of order, sorted */
    mw_chunk *hist; /* open chunk of histograms */
} mw_rest;

typedef struct mw_stream {
    uint64_t key_lo;
    uint32_t key_hi, birth; /* birth 0: the place is free; see mw_index_add */
    mw_last last;           /* newest sample in order, with began */
    mw_chunk *open;         /* of floats, behind everything else; NULL when there is none */
    mw_rest *rest;          /* NULL when there is nothing of it */
    uint32_t *pairs;
    uint32_t said; /* the generation whose journal has its definition; 0: none */
    uint16_t n_labels;
    bool began;
    bool hist : 1;  /* the newest sample is a histogram */
    bool doubt : 1; /* a block may have a newer sample than last: some were deleted, or replayed */
} mw_stream;
_Static_assert(sizeof(mw_stream) == 64, "a series is one cache line");

void mw_stream_init(mw_stream *s, mw_key key, uint32_t n_labels, mw_tally *tally);
void mw_stream_deinit(mw_stream *s, mw_tally *tally); /* the place is free */
mw_labels *mw_stream_labels(const mw_index *ix, const mw_stream *s, mw_arena *arena);

/* What appending depends on. */
typedef struct mw_append_rules {
    int64_t window_ms; /* as mw_tsdb_options.out_of_order_ms */
    uint32_t gen;      /* of the store now */
} mw_append_rules;

/* MW_EORDER, MW_EOLD: a sample at T comes too late. */
int mw_stream_may_take(const mw_stream *s, const mw_append_rules *rules, int64_t t);
/* MW_EORDER, MW_EOLD, MW_EDUP as mw_appender_add.  *FRESH: the sample was not there before; *LATE:
 * it came out of order. */
int mw_stream_append(mw_stream *s, const mw_append_rules *rules, int64_t t, double v, bool *fresh,
                     bool *late, mw_tally *tally);
/* BYTES as mw_nhist_encode gives them. */
int mw_stream_append_histogram(mw_stream *s, const mw_append_rules *rules, int64_t t, mw_str bytes,
                               bool *fresh, bool *late, mw_tally *tally);

/* -- forgetting ----------------------------------------------------------------------------- */

/* Forget closed chunks and late samples that end before FLOOR; close an open chunk whose newest
 * sample is before IDLE.  The answer is the number of chunks dropped. */
size_t mw_stream_expire(mw_stream *s, int64_t floor, int64_t idle, mw_tally *tally);
/* Forget closed chunks that end before FLOOR while *WANTED bytes are still wanted back. */
size_t mw_stream_shed(mw_stream *s, int64_t floor, size_t *wanted, mw_tally *tally);
/* Forget everything begun before generation GEN. */
void mw_stream_drop_sealed(mw_stream *s, uint32_t gen, mw_tally *tally);
/* Forget the samples in MIN..MAX of any generation; what stays is written again as of GEN. */
void mw_stream_delete(mw_stream *s, int64_t min, int64_t max, uint32_t gen, mw_tally *tally);
/* When the newest sample is in MIN..MAX and not in memory, it is not relied on any more. */
void mw_stream_forget_newest(mw_stream *s, int64_t min, int64_t max);
bool mw_stream_empty(const mw_stream *s);
/* Oldest sample; newest in *MAX.  Only for a series that is not empty. */
int64_t mw_stream_span(const mw_stream *s, int64_t *max);
/* Bytes of closed chunks that end at each time, for choosing what to shed. */
typedef void mw_stream_age(void *arg, int64_t end, size_t bytes);
void mw_stream_ages(const mw_stream *s, mw_stream_age *visit, void *arg);

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
typedef struct mw_gens { /* from inclusive, to exclusive */
    uint32_t from, to;
} mw_gens;
#define MW_GENS_ALL ((mw_gens){0, UINT32_MAX})
/* Everything of those generations that may lie in MIN..MAX.  False when nothing does. */
bool mw_stream_extract(const mw_stream *s, int64_t min, int64_t max, mw_gens gens, mw_extract *x);
bool mw_stream_holds(const mw_stream *s, mw_gens gens); /* anything of those generations? */
/* Is a sample of the series certainly in MIN..MAX, by the ends of its chunks alone? */
bool mw_stream_surely_in(const mw_stream *s, int64_t min, int64_t max);
/* X decoded behind what OUT holds, not ordered; bytes of histograms are borrowed from X. */
void mw_extract_read(const mw_extract *x, mw_samples *out);

#endif

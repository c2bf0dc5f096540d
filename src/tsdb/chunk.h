/* chunk.h - samples of one series in memory, as a compressed run of bits.
 *
 * A chunk is written at its end, strictly forward in time, and read as a whole.  Every bit of a
 * value comes back, NaN payloads included.  Without locks: whoever owns it serialises.
 *
 * A chunk of histograms holds their bytes instead: T (8 bytes), LENGTH (4 bytes), the bytes of
 * mw_nhist_encode, one after the other.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_CHUNK_H
#define MW_TSDB_CHUNK_H
#include "base/slab.h"
#include "base/str.h"
#include "model/sample.h"

enum {
    MW_CHUNK_SAMPLES = 120,
    MW_CHUNK_SLACK = 32,
    MW_CHUNK_HIST_BYTES = 8192,
    MW_CHUNK_HIST_MOST = UINT16_MAX * 8 - 12
};

typedef enum mw_chunk_kind { MW_CHUNK_FLOATS, MW_CHUNK_HISTOGRAMS } mw_chunk_kind;

typedef struct mw_chunk {
    int64_t min_t, max_t;
    uint64_t delta;      /* between the last two times */
    uint32_t gen;        /* of the store when it was begun: what is sealed together */
    uint32_t bits;       /* used */
    uint16_t n, cap;     /* samples; words allocated */
    uint8_t lead, width; /* the window of meaningful bits; width 0: none yet */
    uint8_t kind, pad;
    uint64_t words[];
} mw_chunk;

/* The newest sample of a run: what the next one is written against.  value: bits of the double. */
typedef struct mw_last {
    int64_t t;
    uint64_t value;
} mw_last;

/* SLAB is where its memory comes from, always the same one; NULL is the heap. */
mw_chunk *mw_chunk_new(mw_slab *slab, mw_chunk_kind kind, uint32_t gen);
void mw_chunk_free(mw_slab *slab, mw_chunk *c); /* NULL is fine */
/* Append; *C may move.  T must be after the last one unless the chunk is empty. */
void mw_chunk_append(mw_slab *slab, mw_chunk **c, mw_last *last, int64_t t, double v);
/* Likewise a histogram; false when the chunk has no room for it: an empty one has for
 * MW_CHUNK_HIST_MOST bytes. */
bool mw_chunk_append_bytes(mw_slab *slab, mw_chunk **c, int64_t t, mw_str bytes);
bool mw_chunk_is_full(const mw_chunk *c);
mw_chunk *mw_chunk_trim(mw_slab *slab, mw_chunk *c); /* give back unused room; C may move */
size_t mw_chunk_bytes(const mw_chunk *c);            /* header and used words: what a copy needs */
size_t mw_chunk_cost(const mw_chunk *c);             /* what it takes from memory */

/* All samples into T and V (room for c->n each); fewer when the bits end early. */
size_t mw_chunk_decode(const mw_chunk *c, int64_t *t, double *v);
/* The same, where MW_CHUNK_SLACK bytes behind the used words of C may be read. */
size_t mw_chunk_decode_copy(const mw_chunk *c, int64_t *t, double *v);

/* The next histogram behind *AT bytes (0 at first), borrowed; false at the end. */
bool mw_chunk_next_bytes(const mw_chunk *c, size_t *at, int64_t *t, mw_str *bytes);

#endif

/* chunk.h - about 120 samples of one series as a compressed run of bits.
 *
 * A chunk is written through its tail, strictly forward in time, and read as a whole.  Every bit
 * of a value comes back, NaN payloads included.  Without locks: whoever owns it serialises.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_CHUNK_H
#define MW_TSDB_CHUNK_H
#include "model/sample.h"

enum { MW_CHUNK_SAMPLES = 120 };

typedef struct mw_chunk {
    int64_t min_t, max_t;
    uint32_t n;    /* samples */
    uint32_t bits; /* used */
    uint32_t cap;  /* words allocated */
    uint32_t pad;
    uint64_t words[];
} mw_chunk;

/* What the next sample is written against. */
typedef struct mw_chunk_tail {
    int64_t t;
    uint64_t delta, value; /* value: bits of the last double */
    uint8_t lead, width;   /* the window of meaningful bits; width 0: none yet */
} mw_chunk_tail;

mw_chunk *mw_chunk_new(void); /* freed with mw_free */
/* Append; *C may move.  T must be after the last one unless the chunk is empty. */
void mw_chunk_append(mw_chunk **c, mw_chunk_tail *tail, int64_t t, double v);
mw_chunk *mw_chunk_trim(mw_chunk *c);     /* give back unused room; C may move */
size_t mw_chunk_bytes(const mw_chunk *c); /* header and used words: what a copy needs */
size_t mw_chunk_cost(const mw_chunk *c);  /* what it takes from the heap */

/* All samples into T and V (room for c->n each); fewer when the bits end early. */
size_t mw_chunk_decode(const mw_chunk *c, int64_t *t, double *v);

#endif

/* nhist.h - one native histogram, and how it is written as bytes.
 *
 * The shape of Prometheus: buckets of a schema grow by 2^(2^-schema); bucket i of schema s covers
 * (2^((i-1)*2^-s), 2^(i*2^-s)].  Schema -53 has bounds of its own.  Spans say which buckets there
 * are: OFFSET buckets are left out (the first is counted from bucket 0), then LENGTH follow.
 * Source: prometheus/prompb types.proto, model/histogram.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_NHIST_H
#define MW_MODEL_NHIST_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { MW_HIST_SCHEMA_MIN = -4, MW_HIST_SCHEMA_MAX = 8, MW_HIST_CUSTOM = -53 };

typedef enum mw_reset_hint {
    MW_RESET_UNKNOWN,
    MW_RESET_YES,
    MW_RESET_NO,
    MW_RESET_GAUGE
} mw_reset_hint; /* numbers as in remote write */

typedef struct mw_hspan {
    int32_t offset;
    uint32_t length;
} mw_hspan;

typedef struct mw_hside { /* buckets on one side of zero */
    const mw_hspan *spans;
    const double *counts; /* of each bucket that the spans cover, not cumulative */
    uint32_t n_spans, n_counts;
} mw_hside;

typedef struct mw_nhist {
    int8_t schema;
    uint8_t hint;  /* mw_reset_hint */
    bool is_float; /* counts came as floats; otherwise they are whole numbers */
    double count, sum, zero_threshold, zero_count;
    mw_hside pos, neg;
    const double *custom; /* upper bounds, with MW_HIST_CUSTOM; the last bucket goes to +Inf */
    uint32_t n_custom;
} mw_nhist;

/* As Prometheus checks at ingest: known schema, spans and counts that fit together, no negative
 * counts, count not below the sum of the buckets.  MW_EARG, ERR says what. */
int mw_nhist_check(const mw_nhist *h, mw_err *err);

/* Bytes that mw_nhist_decode understands; whole numbers take little.  The layout is drawn in
 * the .c file. */
void mw_nhist_encode(const mw_nhist *h, mw_buf *out);
/* *OUT and its arrays live in ARENA.  MW_EPARSE: damaged.  MW_ELIMIT: the arena is full. */
int mw_nhist_decode(mw_str bytes, mw_arena *arena, mw_nhist **out, mw_err *err);

/* {"count":"..","sum":"..","buckets":[[rule,"lower","upper","count"],...]} as the Prometheus API
 * gives it: rule 0 open left, 1 open right, 2 open both, 3 closed both; empty buckets left out. */
void mw_nhist_json(const mw_nhist *h, mw_buf *out);
/* {count:3, sum:5, (0.5,1]:2, ...} as Prometheus writes one in text. */
void mw_nhist_text(const mw_nhist *h, mw_buf *out);

bool mw_nhist_is_stale(const mw_nhist *h); /* its sum is the stale marker */

#endif

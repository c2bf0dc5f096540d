/* record.h - what the frames of the metrics journal say.
 *
 * A frame is a sequence of records.  Pairs and series are said once in each generation of the
 * journal, before the first sample that needs them.  The layout is docs/format/metrics-journal.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_RECORD_H
#define MW_TSDB_RECORD_H
#include "tsdb/tsdb.h"

/* -- writing -------------------------------------------------------------------------------- */

void mw_record_pair(mw_buf *b, uint32_t number, mw_str name, mw_str value);
void mw_record_series(mw_buf *b, uint32_t id, mw_key key, const uint32_t *pairs, uint32_t n);

/* What the next sample of a frame is written against; zero at its start. */
typedef struct mw_record_run {
    uint32_t id;
    int64_t t;
} mw_record_run;

enum { MW_RECORD_SAMPLE_MAX = 32 };
/* One sample at P, which has MW_RECORD_SAMPLE_MAX bytes; where the next goes. */
char *mw_record_sample(char *p, mw_record_run *run, uint32_t id, int64_t t, double v);
void mw_record_histogram(mw_buf *b, uint32_t id, int64_t t, mw_str bytes);
void mw_record_exemplar(mw_buf *b, const mw_labels *series, const mw_exemplar *e);
void mw_record_metadata(mw_buf *b, const mw_metadata *m);
void mw_record_delete(mw_buf *b, const mw_select *sel);

/* -- reading -------------------------------------------------------------------------------- */

typedef enum mw_record_type {
    MW_RECORD_SAMPLE = 1,
    MW_RECORD_HISTOGRAM,
    MW_RECORD_PAIR,
    MW_RECORD_SERIES,
    MW_RECORD_EXEMPLAR,
    MW_RECORD_METADATA,
    MW_RECORD_DELETE
} mw_record_type;

typedef struct mw_record {
    mw_record_type type;
    uint32_t id; /* series, or number of a pair */
    int64_t t;
    double v;
    mw_str bytes; /* of a histogram */
    mw_key key;
    mw_label pair;
    const uint32_t *pairs; /* of a series, n_pairs */
    uint32_t n_pairs;
    const mw_labels *series; /* exemplar */
    mw_exemplar exemplar;
    mw_metadata metadata;
    int64_t min_t, max_t; /* delete */
    mw_matcher *matchers; /* owned by the caller, who deinits each */
    size_t n_matchers;
} mw_record;

typedef struct mw_record_reader {
    const char *p, *end;
    mw_arena *arena; /* for what a record unfolds into; the caller resets it */
    mw_record_run run;
} mw_record_reader;

void mw_record_open(mw_record_reader *r, mw_str frame, mw_arena *arena);
/* 1: *OUT is the next record; 0: the end; MW_ECORRUPT: not such a frame. */
int mw_record_next(mw_record_reader *r, mw_record *out);

#endif
